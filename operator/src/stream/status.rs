//! What the stream has come to, as its status tells it. Pure.

use fleetscore_crds::contract::{Counts, SegmentStatus};
use fleetscore_crds::{
    Condition, LARGEST_COUNT, PartitionCounts, PublishedSegment, ReadingCounts,
    ReadingStreamStatus, StreamLag,
};
use jiff::{SignedDuration, Timestamp};

use super::build::selector;
use super::picture::Picture;
use super::sighting::Sighting;
use super::snapshot::StreamSnapshot;
use super::standing::{Standing, standing};
use crate::controller::Story;

/// Mere numbers are written at most so often.
const NUMBERS_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// The stream's status after a pass.
pub fn status(stream: &StreamSnapshot, seen: &Sighting, now: Timestamp) -> ReadingStreamStatus {
    let (mut status, picture) = (stream.status.clone(), &seen.picture);
    status.observed_generation = Some(stream.generation);
    // It never falls back: what is published stays.
    status.complete_through = status.complete_through.max(picture.complete_through);
    status.last_segment = last_segment(status.last_segment, picture.last_segment);
    status.lag = lag(picture);
    status.partitions = partitions(picture).or(status.partitions.map(without_pods));
    status.counts = counts(picture).or(status.counts);
    status.replicas = seen.deployment.as_ref().map_or(0, |view| view.pods);
    status.selector = Some(selector(&stream.name));
    conditions(
        &mut status.conditions,
        stream,
        &standing(stream, seen, now),
        picture,
        now,
    );
    status
}

/// Whether `new` is worth a write: at once when more than numbers and words that ever change have changed, else now and then.
pub fn is_worth_writing(
    old: &ReadingStreamStatus,
    new: &ReadingStreamStatus,
    written: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let bare = |status: &ReadingStreamStatus| ReadingStreamStatus {
        lag: None,
        counts: None,
        partitions: status
            .partitions
            .map(|counts| PartitionCounts { idle: 0, ..counts }),
        conditions: status
            .conditions
            .iter()
            .map(|condition| Condition {
                message: String::new(),
                ..condition.clone()
            })
            .collect(),
        ..status.clone()
    };
    let waited = written.is_none_or(|written| now.duration_since(written) >= NUMBERS_EVERY);
    bare(old) != bare(new) || (old != new && waited)
}

fn last_segment(
    old: Option<PublishedSegment>,
    told: Option<SegmentStatus>,
) -> Option<PublishedSegment> {
    let told = told.map(|segment| PublishedSegment {
        start: segment.start,
        rows: segment.rows.min(LARGEST_COUNT),
        files: u32::try_from(segment.files)
            .map_or(i32::MAX as u32, |files| files.min(i32::MAX as u32)),
        gaps: segment.gaps,
    });
    [old, told]
        .into_iter()
        .flatten()
        .max_by_key(|segment| segment.start)
}

/// How far behind the stream is; unknown while one partition does not tell.
fn lag(picture: &Picture) -> Option<StreamLag> {
    let mut lag = picture.is_whole().then(StreamLag::default)?;
    for owned in picture.owned.values() {
        lag.events = lag.events.saturating_add(owned.status.lag_events?);
        lag.seconds = lag.seconds.max(owned.status.lag_seconds?);
    }
    Some(StreamLag {
        events: lag.events.min(LARGEST_COUNT),
        seconds: lag.seconds.min(LARGEST_COUNT),
    })
}

fn partitions(picture: &Picture) -> Option<PartitionCounts> {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let owned = picture.owned.values();
    let stalled = owned.clone().filter(|owned| owned.status.stall.is_some());
    let idle = owned.filter(|owned| owned.status.is_idle && owned.status.stall.is_none());
    let total = picture.total?.min(i32::MAX as u32);
    Some(PartitionCounts {
        total,
        owned: count(picture.owned.len()).min(total),
        idle: count(idle.count()).min(total),
        stalled: count(stalled.count()).min(total),
    })
}

fn without_pods(counts: PartitionCounts) -> PartitionCounts {
    PartitionCounts {
        total: counts.total,
        ..PartitionCounts::default()
    }
}

/// What became of the readings of all partitions; unknown while one of them is nobody's.
fn counts(picture: &Picture) -> Option<ReadingCounts> {
    let mut sum = picture.is_whole().then(ReadingCounts::default)?;
    for owned in picture.owned.values() {
        add(&mut sum, &owned.status.counts);
    }
    Some(sum)
}

fn add(sum: &mut ReadingCounts, counts: &Counts) {
    let plus = |one: &mut u64, more: u64| *one = one.saturating_add(more).min(LARGEST_COUNT);
    for (one, more) in [
        (&mut sum.accepted, counts.accepted),
        (&mut sum.filtered, counts.filtered),
        (&mut sum.late, counts.late),
        (&mut sum.early, counts.early),
        (&mut sum.too_old, counts.too_old),
        (&mut sum.before_start, counts.before_start),
        (&mut sum.duplicate, counts.duplicate),
        (&mut sum.empty, counts.empty),
    ] {
        plus(one, more);
    }
    for (reason, count) in &counts.invalid {
        plus(sum.invalid.entry(reason.to_string()).or_default(), *count);
    }
}

fn conditions(
    conditions: &mut Vec<Condition>,
    stream: &StreamSnapshot,
    standing: &Standing,
    picture: &Picture,
    now: Timestamp,
) {
    let generation = stream.generation;
    let story = |reason, message| Story {
        reason,
        message,
        generation,
        now,
    };
    let holds = [
        ("Ready", standing.ready),
        ("Reconciling", standing.reconciling),
        ("Stalled", standing.stalled),
    ];
    story(standing.reason.as_str(), standing.message.as_str()).set(conditions, &holds);
    let told = |has: bool| {
        let mut owned = picture.owned.values();
        owned.find(|owned| owned.status.has_producers_clock == Some(has))
    };
    if let Some(producers) = told(true) {
        let message = format!(
            "the topic keeps the time of the events' producers (partition {}): whether a reading is early or too old is told by their clocks; \
             set message.timestamp.type=LogAppendTime",
            producers.status.partition
        );
        story("ProducersClock", message.as_str()).set(conditions, &[("ArrivalTime", false)]);
        // It is read where it does not hold.
        let mut found = conditions.iter_mut();
        if let Some(found) = found.find(|found| found.kind == "ArrivalTime") {
            found.message = message;
        }
    } else if told(false).is_some() {
        story("HubsClock", "").set(conditions, &[("ArrivalTime", true)]);
    }
    for condition in conditions {
        condition.observed_generation = Some(generation);
    }
}

#[cfg(test)]
mod tests;
