use fleetscore_crds::TRIGGER_ANNOTATION;
use jiff::Timestamp;

use crate::{Run, Schedule};

/// A value of the annotation that no trigger had before: the time, and what tells two of one second apart.
pub fn trigger_value(now: Timestamp, nonce: u32) -> String {
    format!("{}-{nonce:08x}", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

/// What has become of a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Triggered {
    /// Not seen yet by the operator.
    Waits,
    /// Its run was created.
    Run(String),
    /// A run of its name belongs to another, so that there is none. (The operator says the same of a trigger that a schedule came with.)
    Taken,
    /// Another value took its place before the operator saw it.
    Overwritten,
}

/// What has become of the trigger `value`, by the schedule and its runs.
pub fn triggered<'a>(
    schedule: &Schedule,
    runs: impl IntoIterator<Item = &'a Run>,
    value: &str,
) -> Triggered {
    let last = schedule.status.as_ref().ok();
    let last = last.and_then(|status| status.last_trigger.as_ref());
    if let Some(last) = last.filter(|last| last.value == value) {
        return last.run.clone().map_or(Triggered::Taken, Triggered::Run);
    }
    // Another trigger may have come right after it.
    let mut runs = runs.into_iter();
    if let Some(run) = runs.find(|run| run.annotation(TRIGGER_ANNOTATION) == Some(value)) {
        return Triggered::Run(run.name().to_owned());
    }
    if schedule.annotation(TRIGGER_ANNOTATION) == Some(value) {
        Triggered::Waits
    } else {
        Triggered::Overwritten
    }
}
