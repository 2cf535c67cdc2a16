use fleetscore_crds::ConcurrencyPolicy;
use jiff::Timestamp;

use super::{Judgement, MissedReason, TickVerdict};
use crate::children::{Cause, Child};
use crate::schedule::runs::Runs;

/// Lets ticks through one after another, as `concurrencyPolicy` has it.
pub struct Lane<'a> {
    runs: &'a Runs<'a>,
    policy: ConcurrencyPolicy,
    busy: bool,
    /// Runs that may still be created in this pass.
    budget: &'a mut usize,
    /// Runs that make room for a newer one.
    pub replaced: Vec<Child>,
}

impl<'a> Lane<'a> {
    /// A lane with the schedule's active runs in it.
    pub fn new(runs: &'a Runs<'a>, policy: ConcurrencyPolicy, budget: &'a mut usize) -> Self {
        Self {
            busy: runs.active(Cause::Tick).next().is_some(),
            runs,
            policy,
            budget,
            replaced: Vec::new(),
        }
    }

    /// A tick that may wait: one that has waited, or one of several that were missed.
    pub fn patient(&mut self, tick: Timestamp) -> Judgement {
        let blocked = self.busy && self.policy != ConcurrencyPolicy::Allow;
        self.judge(tick, |lane| {
            if blocked || *lane.budget == 0 {
                TickVerdict::Waits
            } else {
                lane.create()
            }
        })
    }

    /// The newest tick of all.
    pub fn newest(&mut self, tick: Timestamp) -> Judgement {
        match self.policy {
            ConcurrencyPolicy::Forbid if self.busy => self.judge(tick, |_| {
                TickVerdict::Missed(1, MissedReason::EarlierRunActive)
            }),
            ConcurrencyPolicy::Replace => self.judge(tick, |lane| {
                let earlier = lane.runs.active(Cause::Tick);
                let earlier = earlier.filter(|child| child.tick.is_some_and(|old| old < tick));
                lane.replaced = earlier.cloned().collect();
                lane.create()
            }),
            _ => self.patient(tick),
        }
    }

    fn judge(
        &mut self,
        tick: Timestamp,
        absent: impl FnOnce(&mut Self) -> TickVerdict,
    ) -> Judgement {
        let verdict = if self.runs.has(tick) {
            TickVerdict::Exists
        } else {
            absent(self)
        };
        Judgement {
            tick,
            until: tick,
            verdict,
        }
    }

    fn create(&mut self) -> TickVerdict {
        self.busy = true;
        *self.budget = self.budget.saturating_sub(1);
        TickVerdict::Create
    }
}
