use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::checkpoint::CheckpointError;
use super::reader::Reader;
use super::until::Until;
use crate::folder::{Held, PartitionProgress};

/// Rows that wait for a checkpoint before a partition is read on.
const FULL_ROWS: usize = 1 << 20;

/// Bytes of dead letters that do.
const FULL_BYTES: usize = 32 << 20;

/// A checkpoint that is being made.
pub(super) type Saving = JoinHandle<Result<(Held, PartitionProgress), CheckpointError>>;

/// A partition that a thread works on.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Task {
    /// What is read; none where it goes no further, and only its claim is kept.
    pub reader: Option<Reader>,
    /// The claim, unless a checkpoint has it.
    pub held: Option<Held>,
    /// The checkpoint that is being made.
    pub saving: Option<Saving>,
    /// When the claim was last renewed, where there is no reader.
    pub renewed: Instant,
    /// Whether the source hands out its records.
    pub is_assigned: bool,
    /// The offset to stop at, where there is one.
    pub end: Option<i64>,
    /// Whether the source has handed out all that the hub had.
    pub saw_end: bool,
    /// Whether it has been read to where it was to be.
    pub at_end: bool,
    /// Whether there is more behind that.
    pub has_more: bool,
    /// Whether it waits for the others to come to their ends.
    pub waits: bool,
    /// Whether it is saved for the last time.
    pub is_last: bool,
    /// The end that the hub had when it was last asked.
    pub known_end: Option<i64>,
    /// When it was last looked how many events are left.
    pub measured: Option<Instant>,
    /// When the hub was last asked whether there is more.
    pub asked: Option<Instant>,
}

impl Task {
    /// Nothing is read yet.
    pub fn new(reader: Option<Reader>, held: Held) -> Self {
        Self {
            reader,
            held: Some(held),
            saving: None,
            renewed: Instant::now(),
            is_assigned: false,
            end: None,
            saw_end: false,
            at_end: false,
            has_more: false,
            waits: false,
            is_last: false,
            known_end: None,
            measured: None,
            asked: None,
        }
    }

    /// Whether a record is to be taken. The first that is not is where the partition is read to.
    pub fn takes(&mut self, offset: i64, arrival: i64, until: Until) -> bool {
        self.saw_end = false;
        self.at_end |= self.end.is_some_and(|end| offset >= end)
            || matches!(until, Until::Arrival(time) if arrival >= time);
        self.has_more |= self.at_end;
        !self.at_end && !self.is_last && self.reader.is_some()
    }

    /// Whether all offsets before the one to stop at have been read.
    pub fn reaches_end(&self) -> bool {
        let next = self.reader.as_ref().map(Reader::next);
        self.end
            .is_some_and(|end| next.is_some_and(|next| next >= end))
    }

    /// How long nothing has come: at its end since the last record arrived, else since that was read.
    pub fn silent_for(&self, now: i64) -> Duration {
        match &self.reader {
            Some(reader) if self.at_end => reader.arrival().map_or(Duration::MAX, |arrival| {
                Duration::from_nanos(now.saturating_sub(arrival).max(0).unsigned_abs())
            }),
            Some(reader) => reader.silent_for(),
            None => Duration::ZERO,
        }
    }

    /// Whether so much waits to be saved that no more is to be read.
    pub fn is_full(&self) -> bool {
        let is_full =
            |reader: &Reader| reader.waiting() >= FULL_ROWS || reader.refused_bytes() >= FULL_BYTES;
        self.saving.is_some() && self.reader.as_ref().is_some_and(is_full)
    }
}
