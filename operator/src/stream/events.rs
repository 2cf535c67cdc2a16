//! What is told as events: a new reason why the stream does not read, that it reads again, a segment that lacks events. Never one a
//! look. Pure.

use fleetscore_crds::{ConditionStatus, ReadingStreamStatus};
use kube::runtime::events::{Event, EventType};

use super::standing::{PASSING, RUNNING, SUSPENDED};
use crate::controller::{event, ready};

/// What to tell about the change from `old` to `new`. `last` is the reason of the last event about how the stream is: what passes by
/// itself is not told, so what comes after it is compared with that.
pub fn events(
    last: Option<&str>,
    old: &ReadingStreamStatus,
    new: &ReadingStreamStatus,
) -> Vec<Event> {
    let mut events = Vec::new();
    let reason = reason(new);
    if let Some(found) = ready(&new.conditions)
        && !PASSING.contains(&reason)
        && last != Some(reason)
    {
        let kind = if [RUNNING, SUSPENDED].contains(&reason) {
            EventType::Normal
        } else {
            EventType::Warning
        };
        events.push(event(kind, reason, &found.message));
    }
    let before = old.last_segment.map(|segment| segment.start);
    let segment = new.last_segment.filter(|segment| segment.gaps);
    if let Some(segment) = segment.filter(|segment| before.is_none_or(|old| old < segment.start)) {
        let note = format!(
            "the segment of {} was published without events that the hub had deleted before they were read; its _SUCCESS names them",
            segment.start
        );
        events.push(event(EventType::Warning, "SegmentIncomplete", &note));
    }
    let producers = |status: &ReadingStreamStatus| {
        let mut conditions = status.conditions.iter();
        conditions
            .find(|found| found.kind == "ArrivalTime" && found.status == ConditionStatus::False)
            .map(|found| (found.reason.clone(), found.message.clone()))
    };
    if let Some((reason, message)) = producers(new).filter(|_| producers(old).is_none()) {
        events.push(event(EventType::Warning, &reason, &message));
    }
    events
}

/// The reason of the last event, once `new` was told after `last`.
pub fn told(last: Option<&str>, new: &ReadingStreamStatus) -> Option<String> {
    let reason = reason(new);
    let told = (!reason.is_empty() && !PASSING.contains(&reason)).then_some(reason);
    told.or(last).map(str::to_owned)
}

fn reason(status: &ReadingStreamStatus) -> &str {
    ready(&status.conditions).map_or("", |found| found.reason.as_str())
}

#[cfg(test)]
mod tests;
