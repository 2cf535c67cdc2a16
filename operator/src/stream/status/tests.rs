use fleetscore_crds::ConditionStatus;
use fleetscore_crds::contract::{PartitionStatus, ProcessStatus, Reason};

use super::*;
use crate::stream::testing::{at, deployment, pod, process, snapshot, start};

fn seen(answers: &[(&str, ProcessStatus)]) -> Sighting {
    let mut picture = Picture::default();
    for (pod, answer) in answers {
        picture.add(pod, Ok(answer.clone()), "plant/pumps", start());
    }
    Sighting {
        deployment: Some(deployment(1)),
        pods: vec![pod("a")],
        picture,
        refusal: None,
    }
}

fn segment(start: i64) -> SegmentStatus {
    SegmentStatus {
        start: at(start),
        rows: 7,
        files: 1,
        gaps: false,
    }
}

/// A pod that reads all four partitions, each changed by its number.
fn all(change: impl Fn(u64, &mut PartitionStatus)) -> ProcessStatus {
    let mut process = process([0, 1, 2, 3]);
    for (number, one) in (0..).zip(&mut process.owned) {
        change(number, one);
    }
    process
}

#[test]
fn what_the_pods_say_adds_up() {
    let mut answer = all(|number, one| {
        (one.lag_events, one.lag_seconds) = (Some(10 * number), Some(number));
        one.is_idle = number < 2;
        one.counts.accepted = 100 + number;
        one.counts.late = number;
        one.counts.invalid.insert(Reason::BadTime, 1);
    });
    answer.owned[0].stall = Some(crate::stream::testing::trouble("TooManySensors"));
    (answer.complete_through, answer.last_segment) = (Some(at(3600)), Some(segment(0)));
    let status = status(&snapshot(), &seen(&[("a", answer)]), at(5));
    assert_eq!(
        status.lag,
        Some(StreamLag {
            events: 60,
            seconds: 3
        })
    );
    let counts = PartitionCounts {
        total: 4,
        owned: 4,
        idle: 1,
        stalled: 1,
    };
    assert_eq!(status.partitions, Some(counts));
    let counts = status.counts.unwrap();
    assert_eq!(
        (counts.accepted, counts.late, counts.invalid["BadTime"]),
        (406, 6, 4)
    );
    assert_eq!(status.complete_through, Some(at(3600)));
    assert_eq!(status.last_segment.unwrap().rows, 7);
    assert_eq!(status.replicas, 1);
    assert_eq!(
        status.selector.as_deref(),
        Some("scoring.fleetscore.io/stream=pumps")
    );
    assert_eq!(status.observed_generation, Some(1));
}

#[test]
fn what_is_published_never_falls_back_and_what_is_not_known_is_not_told() {
    let mut whole = all(|_, one| one.counts.accepted = 5);
    (whole.complete_through, whole.last_segment) = (Some(at(7200)), Some(segment(3600)));
    let mut stream = snapshot();
    stream.status = status(&stream, &seen(&[("a", whole)]), at(0));
    assert_eq!(stream.status.lag, Some(StreamLag::default()));

    // A pod that has just begun knows less, and one partition is nobody's.
    let mut behind = process([0, 1, 2]);
    (behind.complete_through, behind.last_segment) = (Some(at(3600)), Some(segment(0)));
    let now = status(&stream, &seen(&[("a", behind)]), at(15));
    assert_eq!(now.complete_through, Some(at(7200)));
    assert_eq!(now.last_segment, stream.status.last_segment);
    assert_eq!(now.counts.as_ref().unwrap().accepted, 20);
    assert_eq!((now.lag, now.partitions.unwrap().owned), (None, 3));

    // No pod says anything.
    let silent = status(&stream, &seen(&[]), at(30));
    assert_eq!(
        (silent.lag, silent.complete_through),
        (None, Some(at(7200)))
    );
    let counts = silent.partitions.unwrap();
    assert_eq!((counts.total, counts.owned), (4, 0));
    // One partition cannot say how far it is.
    let unknown = all(|number, one| one.lag_events = (number > 0).then_some(1));
    assert_eq!(status(&stream, &seen(&[("a", unknown)]), at(45)).lag, None);
}

#[test]
fn numbers_that_no_pod_can_mean_are_bounded() {
    let answer = all(|_, one| {
        (one.counts.accepted, one.lag_events) = (u64::MAX, Some(u64::MAX));
        one.counts.invalid.insert(Reason::BadText, u64::MAX);
    });
    let mut answer = ProcessStatus {
        partitions: Some(u32::MAX),
        ..answer
    };
    answer.last_segment = Some(SegmentStatus {
        rows: u64::MAX,
        files: u64::MAX,
        ..segment(0)
    });
    let status = status(&snapshot(), &seen(&[("a", answer.clone())]), at(0));
    assert_eq!(status.lag, None);
    assert_eq!(status.partitions.unwrap().total, i32::MAX as u32);
    assert_eq!(status.last_segment.unwrap().rows, LARGEST_COUNT);
    answer.partitions = Some(4);
    let status = super::status(&snapshot(), &seen(&[("a", answer)]), at(0));
    assert_eq!(status.lag.unwrap().events, LARGEST_COUNT);
    assert_eq!(status.counts.unwrap().invalid["BadText"], LARGEST_COUNT);
}

#[test]
fn whose_clock_tells_the_arrival_is_said_once_an_event_was_read() {
    let stream = snapshot();
    let found = |known: Option<bool>| {
        let answer = all(|_, one| one.has_producers_clock = known);
        let found = status(&stream, &seen(&[("a", answer)]), at(0)).conditions;
        let found = found.into_iter().find(|one| one.kind == "ArrivalTime");
        found.map(|one| one.status)
    };
    assert_eq!(found(None), None);
    assert_eq!(found(Some(false)), Some(ConditionStatus::True));
    assert_eq!(found(Some(true)), Some(ConditionStatus::False));
}

#[test]
fn conditions_keep_the_time_of_their_last_change() {
    let mut stream = snapshot();
    stream.status = status(&stream, &seen(&[("a", all(|_, _| ()))]), at(0));
    let condition = |status: &ReadingStreamStatus, kind: &str| {
        let mut found = status.conditions.iter().filter(|found| found.kind == kind);
        found.next().unwrap().clone()
    };
    let ready = condition(&stream.status, "Ready");
    assert_eq!(
        (ready.status, ready.reason.as_str()),
        (ConditionStatus::True, "Running")
    );
    assert_eq!(
        condition(&stream.status, "ArrivalTime").status,
        ConditionStatus::True
    );
    stream.generation = 2;
    let producers = all(|number, one| one.has_producers_clock = Some(number == 2));
    let later = status(&stream, &seen(&[("a", producers)]), at(60));
    assert_eq!(condition(&later, "Ready").last_transition_time, at(0));
    assert_eq!(condition(&later, "Ready").observed_generation, Some(2));
    let arrival = condition(&later, "ArrivalTime");
    assert_eq!(
        (arrival.status, arrival.last_transition_time),
        (ConditionStatus::False, at(60))
    );
    assert!(
        arrival.message.contains("partition 2"),
        "{}",
        arrival.message
    );
}

#[test]
fn mere_numbers_are_written_now_and_then() {
    let mut stream = snapshot();
    stream.status = status(&stream, &seen(&[("a", all(|_, _| ()))]), at(0));
    let worth = |change: &dyn Fn(&mut ReadingStreamStatus), seconds: i64| {
        let mut new = stream.status.clone();
        change(&mut new);
        is_worth_writing(&stream.status, &new, Some(at(0)), at(seconds))
    };
    assert!(!worth(&|_| (), 3600));
    let lag = |status: &mut ReadingStreamStatus| status.lag = None;
    assert!(!worth(&lag, 15) && worth(&lag, 30));
    let words = |status: &mut ReadingStreamStatus| status.conditions[0].message.push('.');
    assert!(!worth(&words, 15) && worth(&words, 30));
    assert!(worth(&|status| status.complete_through = Some(at(1)), 1));
    assert!(worth(&|status| status.conditions[0].reason.push('x'), 1));
    assert!(worth(&|status| status.replicas = 2, 1));
}
