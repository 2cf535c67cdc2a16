use fleetscore_crds::visible;
use kube::runtime::events::{Event, EventType};

/// Longest note of an event, in characters; Kubernetes takes 1 kB.
const NOTE_CHARS: usize = 250;

/// An event: its reason in one word, and a note for people, cut where it is too long.
pub fn event(type_: EventType, reason: &str, note: &str) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(visible(note).chars().take(NOTE_CHARS).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}
