use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;

use crate::children::{Cause, Child};

/// The runs of one schedule, by tick and by name.
pub struct Runs<'a> {
    all: &'a [Child],
    ticks: BTreeMap<Timestamp, &'a Child>,
}

impl<'a> Runs<'a> {
    /// These runs.
    pub fn new(all: &'a [Child]) -> Self {
        let ticks = all.iter().filter_map(|child| Some((child.tick?, child)));
        Self {
            all,
            ticks: ticks.collect(),
        }
    }

    /// Whether the tick has its run, whatever created it.
    pub fn has(&self, tick: Timestamp) -> bool {
        self.ticks.contains_key(&tick)
    }

    /// Whether there is a run of this name.
    pub fn has_name(&self, name: &str) -> bool {
        self.all.iter().any(|child| child.name == name)
    }

    /// The ticks in `(after, until]` that have their run.
    pub fn between(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = Timestamp> + '_ {
        let range = (Bound::Excluded(after), Bound::Included(until.max(after)));
        let range = (after < until).then(|| self.ticks.range(range));
        range.into_iter().flatten().map(|(tick, _)| *tick)
    }

    /// Runs for `cause` that go on.
    pub fn active(&self, cause: Cause) -> impl Iterator<Item = &'a Child> + '_ {
        self.all
            .iter()
            .filter(move |child| child.cause == cause && child.is_active())
    }
}
