//! What is told as events: a new reason why the stream does not read, that it reads again, a segment that lacks events. Never one a
//! look. Pure.

use fleetscore_crds::{ConditionStatus, ReadingStreamStatus, visible};
use kube::runtime::events::{Event, EventType};

use super::story::{PASSING, RUNNING, SUSPENDED};

/// Longest note of an event, in characters; Kubernetes takes 1 kB.
const NOTE_CHARS: usize = 250;

/// What to tell about the change from `old` to `new`. `last` is the reason of the last event about how the stream is: what passes by
/// itself is not told, so what comes after it is compared with that.
pub fn events(
    last: Option<&str>,
    old: &ReadingStreamStatus,
    new: &ReadingStreamStatus,
) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some((reason, message)) = ready(new)
        && !PASSING.contains(&reason)
        && last != Some(reason)
    {
        let kind = if [RUNNING, SUSPENDED].contains(&reason) {
            EventType::Normal
        } else {
            EventType::Warning
        };
        events.push(event(kind, reason, message));
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

/// The reason and message of the condition `Ready`.
pub fn ready(status: &ReadingStreamStatus) -> Option<(&str, &str)> {
    let mut conditions = status.conditions.iter();
    let found = conditions.find(|found| found.kind == "Ready")?;
    Some((found.reason.as_str(), found.message.as_str()))
}

/// The reason of the last event, once `new` was told after `last`.
pub fn told(last: Option<&str>, new: &ReadingStreamStatus) -> Option<String> {
    let reason = ready(new).map(|(reason, _)| reason);
    let told = reason.filter(|reason| !PASSING.contains(reason));
    told.or(last).map(str::to_owned)
}

fn event(type_: EventType, reason: &str, note: &str) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(visible(note).chars().take(NOTE_CHARS).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

#[cfg(test)]
mod tests;
