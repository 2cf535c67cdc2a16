use std::sync::{Mutex, PoisonError};

use super::StoredPlan;
use super::plots::Plots;

/// What a step keeps in memory for the next ones, where one process does all of a run's work: they need not ask storage for it.
#[derive(Debug, Default)]
pub struct Kept {
    /// Plots made while scoring.
    pub(super) plots: Plots,
    plan: Mutex<Option<StoredPlan>>,
}

impl Kept {
    /// Keeps the plan, or the beginning of a long one.
    pub(super) fn keep_plan(&self, plan: StoredPlan) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// The plan, once it is written.
    pub(super) fn plan(&self) -> Option<StoredPlan> {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.clone()
    }
}
