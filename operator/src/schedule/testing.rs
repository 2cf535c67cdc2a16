//! What the tests of this module share.

use fleetscore_crds::ScoringScheduleStatus;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::snapshot::ScheduleSnapshot;
use crate::children::tick_run;
use crate::children::{Cause, Child, State};

/// The moment at which the tests' schedules are created: 30 minutes past an hour.
pub fn start() -> Timestamp {
    "2026-01-01T00:30:00Z".parse().unwrap()
}

/// So many minutes after midnight.
pub fn at(minutes: i64) -> Timestamp {
    let midnight: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    midnight + SignedDuration::from_mins(minutes)
}

/// The hourly tick of that hour.
pub fn hour(hour: i64) -> Timestamp {
    at(hour * 60)
}

/// A schedule named `pumps` that has just been created: hourly, `Forbid`, `Latest`.
pub fn snapshot() -> ScheduleSnapshot {
    let spec = json!({
        "schedule": "0 * * * *",
        "runTemplate": {"spec": {
            "model": {"location": "file:///m/{device}"},
            "input": {"location": "file:///i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
            "output": {"location": "file:///o/{schedule}/{run}/", "file": "{device}.csv"},
        }},
    });
    ScheduleSnapshot {
        name: "pumps".to_owned(),
        namespace: "plant".to_owned(),
        uid: "uid".to_owned(),
        generation: 1,
        resource_version: Some("7".to_owned()),
        created: start(),
        edited: None,
        deleting: false,
        trigger: None,
        spec: serde_json::from_value(spec).unwrap(),
        status: ScoringScheduleStatus::default(),
    }
}

/// The run of a tick.
pub fn child(tick: Timestamp, state: State) -> Child {
    let name = tick_run("pumps", tick);
    Child {
        uid: format!("uid-{name}"),
        name,
        tick: Some(tick),
        cause: Cause::Tick,
        state,
        time: tick + SignedDuration::from_mins(5),
        deleting: false,
    }
}
