use fleetscore_crds::{Condition, PublishedSegment};

use super::*;
use crate::stream::testing::{at, start};

fn status(reason: &str) -> ReadingStreamStatus {
    let condition = |kind: &str, reason: &str| Condition {
        kind: kind.to_owned(),
        status: ConditionStatus::False,
        observed_generation: None,
        last_transition_time: start(),
        reason: reason.to_owned(),
        message: "why".to_owned(),
    };
    ReadingStreamStatus {
        conditions: vec![condition("Ready", reason)],
        ..ReadingStreamStatus::default()
    }
}

#[test]
fn what_happens_is_told_once_however_often_it_is_looked_at() {
    let looks = [
        ("RollingOut", None),
        ("Claiming", None),
        ("Running", Some(EventType::Normal)),
        ("Running", None),
        ("SourceUnavailable", Some(EventType::Warning)),
        ("SourceUnavailable", None),
        ("Claiming", None),
        // It never was well in between.
        ("SourceUnavailable", None),
        ("Claiming", None),
        ("Running", Some(EventType::Normal)),
        ("RollingOut", None),
        ("Running", None),
        ("MostEventsInvalid", Some(EventType::Warning)),
        ("Suspended", Some(EventType::Normal)),
    ];
    let (mut last, mut old) = (None, ReadingStreamStatus::default());
    for (reason, expected) in looks {
        let new = status(reason);
        let events = events(last.as_deref(), &old, &new);
        let found: Vec<_> = events
            .iter()
            .map(|event| (event.type_, event.reason.as_str()))
            .collect();
        let expected: Vec<_> = expected.map(|kind| (kind, reason)).into_iter().collect();
        assert_eq!(found, expected, "{reason}");
        (last, old) = (told(last.as_deref(), &new), new);
    }
}

#[test]
fn an_incomplete_segment_and_the_producers_clock_are_told_once() {
    let mut old = status("Running");
    let mut new = old.clone();
    new.last_segment = Some(PublishedSegment {
        start: at(3600),
        rows: 1,
        files: 1,
        gaps: true,
    });
    let mut clock = new.conditions[0].clone();
    (clock.kind, clock.reason) = ("ArrivalTime".to_owned(), "ProducersClock".to_owned());
    new.conditions.push(clock);
    let reasons = |old: &ReadingStreamStatus, new: &ReadingStreamStatus| {
        let events = events(Some("Running"), old, new);
        events
            .into_iter()
            .map(|event| event.reason)
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons(&old, &new), ["SegmentIncomplete", "ProducersClock"]);
    old.clone_from(&new);
    assert_eq!(reasons(&old, &new), [] as [&str; 0]);
    let segment = new.last_segment.as_mut().unwrap();
    (segment.start, segment.gaps) = (at(7200), false);
    assert_eq!(reasons(&old, &new), [] as [&str; 0]);
}
