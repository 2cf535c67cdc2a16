use std::time::Duration;

use fleetscore_crds::Limit;
use fleetscore_crds::contract::Gap;
use jiff::Timestamp;
use tokio::time::Instant;

use super::checkpoint::{Cut, Part};
use super::recent::Recent;
use super::stall::Stall;
use super::until::Until;
use crate::event::Decoder;
use crate::folder::{Commit, DeadLetters, PartEntry, PartitionProgress, Refused, part_name};
use crate::window::{Partition, Rules, StateError};
use crate::{Place, Reading, Record, Refusal, Verdict};

/// Rows of a part, where it is not the last of its segment.
const PART_ROWS: usize = 65_536;

/// Bytes of dead letters from which on they are stored.
const LETTERS: usize = 4 << 20;

/// What all partitions have in common.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// How windows are made.
    pub rules: Rules,
    /// Whether refused events are kept.
    pub has_dead_letters: bool,
    /// More events that cannot be used stop a partition.
    pub max_invalid: Limit,
    /// How often progress is saved.
    pub checkpoint: Duration,
    /// Up to where a partition is read.
    pub until: Until,
    /// Whether open windows are closed at the end.
    pub close: bool,
}

/// A partition from its last commit on.
pub(super) struct Reader {
    number: i32,
    epoch: u64,
    partition: Partition,
    /// What was committed, or is about to be.
    progress: PartitionProgress,
    next: i64,
    arrival: Option<i64>,
    /// Whether the last gap's end is not known yet.
    is_gap_open: bool,
    parts_named: u64,
    letters: Option<DeadLetters>,
    recent: Recent,
    /// What was refused of the event at hand.
    refused: Vec<Refused>,
    events: u64,
    last_record: Instant,
    last_cut: Instant,
    closed_through: Option<i64>,
    has_hub_time: Option<bool>,
}

impl Reader {
    /// A partition as its last commit left it.
    pub fn new(
        number: i32,
        epoch: u64,
        commit: Commit<PartitionProgress>,
        settings: &Settings,
    ) -> Result<Self, StateError> {
        let Commit {
            progress, state, ..
        } = commit;
        let rules = settings.rules.clone();
        let partition = if state.is_empty() {
            Partition::new(rules)
        } else {
            Partition::load(&state, rules)?
        };
        let now = Instant::now();
        Ok(Self {
            number,
            epoch,
            next: progress.next_offset.unwrap_or(0),
            arrival: progress.arrival.map(nanoseconds),
            closed_through: partition.closed_through(),
            partition,
            progress,
            is_gap_open: false,
            parts_named: 0,
            letters: None,
            recent: Recent::default(),
            refused: Vec::new(),
            events: 0,
            last_record: now,
            last_cut: now,
            has_hub_time: None,
        })
    }

    /// Where to read on; none where reading has not begun.
    pub fn place(&self) -> Option<Place> {
        self.progress.next_offset?;
        Some(Place {
            next: self.next,
            arrival: self.arrival,
        })
    }

    /// Begins to read at an offset.
    pub fn begin_at(&mut self, next: i64) {
        self.next = next;
        self.progress.next_offset = Some(next);
    }

    /// Goes on behind what the hub has deleted. Readings of what is not closed yet may be missing.
    pub fn skip_to(&mut self, earliest: i64, now: i64) {
        let start = self.partition.watermark().unwrap_or(i64::MIN);
        self.progress.gaps.push(Gap {
            partition: self.number,
            from_offset: self.next,
            to_offset: earliest,
            start: timestamp(start),
            end: timestamp(now.saturating_add(self.partition.rules().early)),
        });
        self.is_gap_open = true;
        self.next = earliest;
        self.arrival = None;
    }

    /// The offset of the next record.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// When the last record arrived.
    pub fn arrival(&self) -> Option<i64> {
        self.arrival
    }

    /// The windows.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Whether arrival is the hub's own time; none: no record was taken yet.
    pub fn has_hub_time(&self) -> Option<bool> {
        self.has_hub_time
    }

    /// How long no record has come.
    pub fn silent_for(&self) -> Duration {
        self.last_record.elapsed()
    }

    /// Takes the next record of the log, which has come at `come`.
    pub fn take(
        &mut self,
        record: &Record<'_>,
        has_hub_time: bool,
        come: Instant,
        decoder: &mut Decoder,
        settings: &Settings,
    ) -> Result<(), Stall> {
        if let Some(gap) = self.progress.gaps.last_mut().filter(|_| self.is_gap_open) {
            gap.end = timestamp(record.arrival.saturating_add(self.partition.rules().early));
            self.is_gap_open = false;
        }
        self.refused.clear();
        let (partition, refused) = (&mut self.partition, &mut self.refused);
        let mut event = Event::default();
        let keeps = settings.has_dead_letters;
        let decoded = decoder.decode(record, &mut |outcome| {
            event.note(
                partition,
                record.arrival,
                outcome,
                keeps.then_some(&mut *refused),
            );
        });
        if let Some(cause) = event.too_many {
            return Err(Stall::TooManySensors {
                partition: self.number,
                offset: record.offset,
                cause,
            });
        }
        if decoded.is_empty() {
            self.partition.count_empty();
        }
        if !self.refused.is_empty() {
            let (number, first) = (self.number, record.offset);
            let letters = self
                .letters
                .get_or_insert_with(|| DeadLetters::new(number, first));
            letters.add(record, &self.refused);
        }
        self.recent
            .add(event.invalid.is_some() && !event.has_usable);
        if let Some(refusal) = event.invalid
            && let Some((invalid, events)) = self.recent.above(settings.max_invalid)
        {
            return Err(Stall::MostEventsInvalid {
                partition: self.number,
                invalid,
                events,
                offset: record.offset,
                example: example(&refusal),
            });
        }
        self.events += 1;
        self.next = record.offset + 1;
        self.arrival = Some(record.arrival);
        self.last_record = come;
        self.has_hub_time = Some(has_hub_time);
        Ok(())
    }

    /// The partition was empty at `asked`, and has had no record for the idle time.
    pub fn idle(&mut self, asked: i64) {
        self.partition.idle(asked);
    }

    /// Closes what is open, up to the segment that ends at `end`.
    pub fn close_through(&mut self, end: i64) {
        self.partition.close_through(end);
    }

    /// Events that were read since the process began.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// A partition that was never read begins behind what is published.
    pub fn begin_after(&mut self, published: Timestamp) {
        if self.progress.next_offset.is_none() {
            self.partition.close_through(nanoseconds(published));
        }
    }

    /// Rows that wait to be saved.
    pub fn waiting(&self) -> usize {
        self.partition.waiting_rows()
    }

    /// Bytes of dead letters that wait to be saved.
    pub fn refused_bytes(&self) -> usize {
        self.letters.as_ref().map_or(0, DeadLetters::bytes)
    }

    /// Whether progress is to be saved now.
    pub fn is_due(&self, settings: &Settings) -> bool {
        self.partition.closed_through() != self.closed_through
            || self.refused_bytes() >= LETTERS
            || self.partition.waiting_rows() >= PART_ROWS
            || self.last_cut.elapsed() >= settings.checkpoint
    }

    /// Cuts between two records: all that is to be saved of what came before. Segments that end at `published` or before are done with.
    pub fn cut(&mut self, published: Option<Timestamp>, keep: bool) -> Cut {
        if let Some(published) = published {
            self.partition.forget(nanoseconds(published));
            self.progress.forget(published);
        }
        let mut parts = Vec::new();
        while let Some(rows) = self.partition.take_rows(PART_ROWS) {
            let name = part_name(self.number, self.epoch, self.parts_named);
            self.parts_named += 1;
            self.progress.parts.push(PartEntry {
                segment: timestamp(rows.segment),
                name: name.clone(),
                rows: rows.len() as u64,
            });
            parts.push(Part { name, rows });
        }
        let tally = self.partition.tally();
        self.progress.next_offset = Some(self.next);
        self.progress.arrival = self.arrival.map(timestamp);
        self.progress.max_time = self.partition.max_time().map(timestamp);
        self.progress.watermark = self.partition.watermark().map(timestamp);
        self.progress.closed_through = self.partition.closed_through().map(timestamp);
        self.progress.counts = tally.total();
        self.progress.segments = tally
            .segments
            .iter()
            .map(|(start, counts)| (timestamp(*start), counts.clone()))
            .collect();
        self.closed_through = self.partition.closed_through();
        self.last_cut = Instant::now();
        Cut {
            parts,
            letters: self.letters.take(),
            progress: self.progress.clone(),
            snapshot: self.partition.snapshot(),
            keep,
        }
    }
}

/// What became of one event.
#[derive(Default)]
struct Event {
    /// The first thing of it that cannot be used.
    invalid: Option<Refusal>,
    has_usable: bool,
    too_many: Option<crate::TooManySensors>,
}

impl Event {
    fn note(
        &mut self,
        partition: &mut Partition,
        arrival: i64,
        outcome: Result<Reading<'_>, Refusal>,
        refused: Option<&mut Vec<Refused>>,
    ) {
        if self.too_many.is_some() {
            return;
        }
        let refusal = match outcome {
            Ok(reading) => match partition.add(arrival, &reading) {
                Ok(Verdict::Invalid(_)) => reading.features.err(),
                Ok(verdict) => {
                    self.has_usable = true;
                    let by_time = match verdict {
                        Verdict::Early => Some("Early"),
                        Verdict::Late => Some("Late"),
                        Verdict::TooOld => Some("TooOld"),
                        _ => None,
                    };
                    if let (Some(reason), Some(refused)) = (by_time, refused) {
                        refused.push(Refused::by_time(reason, timestamp(reading.time)));
                    }
                    return;
                }
                Err(error) => {
                    self.too_many = Some(error);
                    return;
                }
            },
            Err(refusal) => {
                partition.count_refused(refusal.reason);
                Some(refusal)
            }
        };
        let Some(refusal) = refusal else { return };
        if let Some(refused) = refused {
            refused.push(Refused::from(&refusal));
        }
        self.invalid.get_or_insert(refusal);
    }
}

fn example(refusal: &Refusal) -> String {
    let field = refusal.field.as_ref();
    let field = field.map_or_else(String::new, |field| format!(" {field}"));
    let value = refusal.value.as_ref();
    let value = value.map_or_else(String::new, |value| format!(" ({value})"));
    format!("{}{field}{value}", refusal.reason)
}

/// Nanoseconds since 1970 as a time; times out of its range are its ends.
pub(super) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::MIN)
}

/// A time in nanoseconds since 1970, cut to 64 bits.
pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    let nanoseconds = time.as_nanosecond();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}
