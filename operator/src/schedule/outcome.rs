use std::collections::BTreeMap;

use crate::controller::Refusal;

/// What has become of the runs that were to be created.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// By name. What is not in it was to be created and is not.
    pub runs: BTreeMap<String, Outcome>,
    /// Why the API server would not create one. Those after it were not tried.
    pub refusal: Option<Refusal>,
}

/// What has become of a run that was to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was created.
    Created,
    /// It was there already.
    Present,
    /// A run of its name belongs to somebody else.
    Conflict,
    /// It was refused, or not tried.
    Refused,
}

impl Results {
    /// What has become of a run that was to be created.
    pub fn of(&self, name: &str) -> Outcome {
        self.runs.get(name).copied().unwrap_or(Outcome::Refused)
    }
}
