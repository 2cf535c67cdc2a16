//! How a partition's state is written.
//!
//! Magic bytes, version (4 bytes), length (8), and the rest in zstd: what of the rules results depend on; watermark and newest time; counts;
//! the sensors' keys; the panes; the waiting rows. Numbers are little endian, and each column stands as a whole.

use std::io;

use super::column::small;
use super::pane::Pane;
use super::sensors::Sensors;
use super::waiting::Waiting;
use super::{Partials, Partition, Rules};
use crate::{Counts, Reason};

pub(super) const MAGIC: [u8; 4] = *b"FSPW";
pub(super) const VERSION: u32 = 1;
/// The length of a key that is free.
pub(super) const FREE: u32 = u32::MAX;
/// No state is larger than so many bytes: many times the memory of a pod.
pub(super) const LARGEST: u64 = 1 << 34;

/// Why a state cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is something else.
    #[error("these bytes are no state of a partition")]
    NotAState,
    /// Another version wrote it.
    #[error(
        "the state is of version {0}, which this program cannot read; use the version that wrote it, or a newer one"
    )]
    Version(u32),
    /// It belongs to another manifest.
    #[error(
        "the state is of a stream with other windows, aggregates, features, duplicates, segments or another start: these never change; \
         make another stream with another output.location"
    )]
    OtherRules,
    /// It contradicts itself.
    #[error("the state is damaged: {0}")]
    Damaged(&'static str),
    /// It is too large.
    #[error(
        "the state has {0} bytes, more than {LARGEST}: give the stream fewer sensors, a shorter tolerance or more partitions"
    )]
    TooLarge(u64),
    /// It cannot be packed or unpacked.
    #[error("the state cannot be packed or unpacked: {0}")]
    Packing(#[from] io::Error),
}

/// A copy of a partition's state, to be packed elsewhere while the partition goes on.
pub struct Snapshot {
    bytes: Vec<u8>,
}

impl Snapshot {
    /// The state as it is stored.
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        let length = self.bytes.len() as u64;
        if length > LARGEST {
            return Err(StateError::TooLarge(length));
        }
        let packed = zstd::bulk::compress(&self.bytes, 1)?;
        let mut state = Vec::with_capacity(packed.len() + 16);
        state.extend_from_slice(&MAGIC);
        state.extend_from_slice(&VERSION.to_le_bytes());
        state.extend_from_slice(&length.to_le_bytes());
        state.extend_from_slice(&packed);
        Ok(state)
    }
}

impl Partition {
    /// A copy of the state: quick, as it copies columns.
    pub fn snapshot(&self) -> Snapshot {
        let mut out = Writer(Vec::with_capacity(self.room()));
        out.bytes(&fingerprint(&self.rules));
        out.time(self.watermark);
        out.time(self.max_time);
        out.counts(&self.tally.apart);
        out.counts(&self.tally.forgotten);
        out.length(self.tally.segments.len());
        for (segment, counts) in &self.tally.segments {
            out.numbers(&[*segment], i64::to_le_bytes);
            out.counts(counts);
        }
        out.sensors(&self.sensors);
        out.length(self.panes.len());
        for (start, pane) in &self.panes {
            out.numbers(&[*start], i64::to_le_bytes);
            out.pane(pane);
        }
        out.length(self.waiting.len());
        for (segment, waiting) in &self.waiting {
            out.numbers(&[*segment], i64::to_le_bytes);
            out.waiting(waiting);
        }
        Snapshot { bytes: out.0 }
    }

    /// How many bytes a copy takes, or a few less.
    fn room(&self) -> usize {
        let waiting = self.waiting.values().map(Waiting::len).sum::<usize>();
        let seen = self.panes.values().map(|pane| pane.seen.times.len());
        let columns = self.rules.partials().columns();
        self.open_rows() * (4 + 8 * columns)
            + waiting * (12 + 8 * columns)
            + seen.sum::<usize>() * 12
            + self.sensors.room()
    }

    /// The state as it is stored: what [`Partition::load`] goes on from.
    pub fn save(&self) -> Result<Vec<u8>, StateError> {
        self.snapshot().encode()
    }
}

/// What of the rules the state depends on.
pub(super) fn fingerprint(rules: &Rules) -> Vec<u8> {
    let mut out = Writer::default();
    let lengths = [rules.start, rules.size, rules.hop, rules.segment];
    out.numbers(&lengths, i64::to_le_bytes);
    let flags = [rules.has_windows, rules.drop_same_time];
    out.numbers(&flags.map(u8::from), u8::to_le_bytes);
    for feature in &rules.partials().features {
        let is_kept = feature.columns().map(|(_, column)| column.is_some());
        out.numbers(&is_kept.map(u8::from), u8::to_le_bytes);
    }
    out.0
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn numbers<T: Copy, const N: usize>(&mut self, column: &[T], write: impl Fn(T) -> [u8; N]) {
        // By blocks, so that what is filled with zeros is still in the processor's cache when the numbers come.
        for block in column.chunks(1024) {
            let start = self.0.len();
            self.0.resize(start + N * block.len(), 0);
            let (places, _) = self.0[start..].as_chunks_mut::<N>();
            for (place, number) in places.iter_mut().zip(block) {
                *place = write(*number);
            }
        }
    }

    fn length(&mut self, length: usize) {
        self.numbers(&[length as u64], u64::to_le_bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn time(&mut self, time: Option<i64>) {
        self.numbers(&[u8::from(time.is_some())], u8::to_le_bytes);
        self.numbers(&[time.unwrap_or_default()], i64::to_le_bytes);
    }

    fn counts(&mut self, counts: &Counts) {
        let of = |reason| counts.invalid.get(&reason).copied().unwrap_or_default();
        let numbers = [
            counts.accepted,
            counts.filtered,
            counts.late,
            counts.early,
            counts.too_old,
            counts.before_start,
            counts.duplicate,
            counts.empty,
        ];
        self.numbers(&numbers, u64::to_le_bytes);
        self.numbers(&Reason::ALL.map(of), u64::to_le_bytes);
    }

    fn sensors(&mut self, sensors: &Sensors) {
        let numbers = 0..small(sensors.numbers());
        let keys: Vec<_> = numbers.map(|number| sensors.get(number)).collect();
        let length = |key: Option<&[u8]>| key.map_or(FREE, |key| small(key.len()));
        self.length(keys.len());
        self.numbers(&keys, |key| length(key).to_le_bytes());
        for key in keys.into_iter().flatten() {
            self.0.extend_from_slice(key);
        }
    }

    fn pane(&mut self, pane: &Pane) {
        self.length(pane.sensors.len());
        self.numbers(&pane.sensors, u32::to_le_bytes);
        self.partials(&pane.partials, 0);
        self.length(pane.seen.times.len());
        self.numbers(&pane.seen.sensors, u32::to_le_bytes);
        self.numbers(&pane.seen.times, i64::to_le_bytes);
    }

    fn waiting(&mut self, waiting: &Waiting) {
        let first = waiting.first();
        self.length(waiting.len());
        self.numbers(&waiting.times[first..], i64::to_le_bytes);
        self.numbers(&waiting.sensors[first..], u32::to_le_bytes);
        self.partials(&waiting.partials, first);
    }

    fn partials(&mut self, partials: &Partials, first: usize) {
        self.numbers(&partials.count[first..], u64::to_le_bytes);
        let times = [&partials.first_time, &partials.last_time];
        for times in times.into_iter().flatten() {
            self.numbers(&times[first..], i64::to_le_bytes);
        }
        for feature in &partials.features {
            for column in feature
                .columns()
                .into_iter()
                .filter_map(|(_, column)| column)
            {
                self.numbers(&column[first..], f64::to_le_bytes);
            }
        }
    }
}
