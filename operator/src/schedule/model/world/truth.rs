use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::schedule::snapshot::ScheduleSnapshot;

/// What has been, whatever the operators know of it. All of it is about the schedule that exists now.
pub struct Truth {
    /// Ticks up to here have come, for the schedule as it reads now.
    pub mark: Timestamp,
    /// Ticks that have come while the schedule was in force.
    pub due: BTreeSet<Timestamp>,
    /// Those of them that need no run and no reason any more: the schedule was edited before they were settled.
    pub excused: BTreeSet<Timestamp>,
    /// Those of them that must not run, since the edit can be told.
    pub past: BTreeSet<Timestamp>,
    /// How often the run of this name was created since it was asked for.
    pub created: BTreeMap<String, u32>,
    /// Ticks whose run was created as a tick's.
    pub live: BTreeSet<Timestamp>,
    /// Ticks whose run was ever created, or whose name somebody else has.
    pub ever: BTreeSet<Timestamp>,
    /// Whether the clock was set back after an edit that has not been seen: nobody can tell which ticks came after the edit.
    pub unsure: bool,
    /// Whether the count of missed ticks is exact: no edit made it a guess.
    pub exact: bool,
    /// Where the backfill was when the schedule was made to read otherwise. What would have ticked before is not made up for.
    pub covered: Option<Timestamp>,
    /// The trigger that must have had its run.
    pub trigger: Option<String>,
}

impl Truth {
    /// Nothing has been yet.
    pub fn of(schedule: &ScheduleSnapshot) -> Self {
        Self {
            mark: schedule.created,
            due: BTreeSet::new(),
            excused: BTreeSet::new(),
            past: BTreeSet::new(),
            created: BTreeMap::new(),
            live: BTreeSet::new(),
            ever: BTreeSet::new(),
            unsure: false,
            exact: true,
            covered: None,
            trigger: None,
        }
    }
}
