use std::io;
use std::sync::Arc;

use fleetscore_crds::{Failure, FailureReason};
use fleetscore_readings::{SensorRows, TimeText};

use super::buffers::Buffers;
use super::spool::Spool;

/// Bytes that are read back from disk at a time.
const PART: usize = 1 << 20;
/// What a row takes beside its numbers while it is scored: its text, its verdict.
const ROW: usize = 64;

/// Readings of one sensor that wait until all of them are there, to be scored together.
#[derive(Debug)]
pub struct Waiting {
    bytes: Spool,
    /// Bytes that were taken out, and how many of them have become rows.
    read: Vec<u8>,
    decoded: usize,
    rows: u64,
    /// Rows that are scored together at most.
    most: usize,
    buffers: Arc<Buffers>,
    /// What the buffers think that this holds.
    counted: usize,
}

// A block: the number of bytes that follow, the number of rows, and which of the two that may be absent there are; then times, labels,
// the texts of times, features.
const TEXTS: u8 = 1;
const LABELS: u8 = 2;

impl Waiting {
    /// No readings. At most `most` of them are scored together.
    pub fn new(most: Option<u32>, buffers: &Arc<Buffers>) -> Self {
        Self {
            bytes: Spool::default(),
            read: Vec::new(),
            decoded: 0,
            rows: 0,
            most: most.map_or(usize::MAX, |most| most as usize),
            buffers: Arc::clone(buffers),
            counted: 0,
        }
    }

    /// Readings that wait.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of memory.
    pub fn held(&self) -> usize {
        self.bytes.held()
    }

    /// Bytes of memory that [`Self::next`] and scoring what it returns take, of so many calls at the same time.
    pub fn scoring_bytes(&self, calls: u64) -> u64 {
        let rows = self.rows.max(1);
        let together = rows.min((self.most as u64).saturating_mul(calls));
        (self.bytes.len() / rows * 2 + ROW as u64) * together
    }

    /// Adds readings, which are behind those that are there.
    pub fn add(&mut self, rows: &SensorRows, encoded: &mut Vec<u8>) {
        let mut from = 0;
        while from < rows.len() {
            // No block has rows of two calls.
            let before = usize::try_from(self.rows % self.most as u64).unwrap_or(0);
            let to = rows.len().min(from.saturating_add(self.most - before));
            encoded.clear();
            encode(rows, from, to, encoded);
            self.bytes.append(encoded, self.buffers.block());
            self.rows += (to - from) as u64;
            from = to;
        }
        self.count();
    }

    /// Moves what is in memory to disk.
    pub fn put_aside(&mut self) -> Result<(), Failure> {
        let buffers = Arc::clone(&self.buffers);
        let aside = self.bytes.put_aside(&buffers.scratch);
        self.count();
        aside.map_err(|error| disk_failure("put aside on disk", &error))
    }

    /// Takes out the readings that are scored together next; none when there are no more.
    pub fn next(&mut self) -> Result<Option<SensorRows>, Failure> {
        let read = self.read_next();
        read.map_err(|error| disk_failure("read back from disk", &error))
    }

    fn read_next(&mut self) -> io::Result<Option<SensorRows>> {
        let mut together: Option<SensorRows> = None;
        while self.rows > 0 {
            let Some(block) = self.block()? else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            self.rows = self.rows.saturating_sub(block.len() as u64);
            let together = match &mut together {
                Some(together) => {
                    together.append(&block);
                    together
                }
                none => none.insert(block),
            };
            if together.len() >= self.most {
                break;
            }
        }
        Ok(together)
    }

    /// Takes out the next block.
    fn block(&mut self) -> io::Result<Option<SensorRows>> {
        let buffers = Arc::clone(&self.buffers);
        loop {
            let read = self.read.get(self.decoded..).unwrap_or_default();
            if let Some((rows, bytes)) = decode(read) {
                self.decoded += bytes;
                return Ok(Some(rows));
            }
            self.read.drain(..self.decoded);
            self.decoded = 0;
            let part = self.bytes.next_part(&buffers.scratch, PART)?;
            self.count();
            if part.is_empty() {
                return Ok(None);
            }
            part.iter()
                .for_each(|part| self.read.extend_from_slice(part));
        }
    }

    fn count(&mut self) {
        let held = self.held();
        self.buffers.resized(self.counted, held);
        self.counted = held;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let buffers = Arc::clone(&self.buffers);
        self.bytes.clear(&buffers.scratch);
        self.count();
    }
}

fn disk_failure(what: &str, error: &io::Error) -> Failure {
    Failure {
        reason: FailureReason::OutputUnwritable,
        message: format!("readings that wait for Python cannot be {what}: {error}"),
    }
}

fn encode(rows: &SensorRows, from: usize, to: usize, into: &mut Vec<u8>) {
    let width = rows.features.len() / rows.len().max(1);
    let texts = rows.times.text.as_ref();
    let mark = texts.map_or(0, |_| TEXTS) | rows.labels.as_ref().map_or(0, |_| LABELS);
    into.extend_from_slice(&[0; 8]);
    into.extend_from_slice(&small(to - from));
    into.push(mark);
    for row in from..to {
        let nanos = rows.times.nanos.get(row).copied().unwrap_or_default();
        into.extend_from_slice(&nanos.to_le_bytes());
    }
    let labels = rows.labels.as_deref().unwrap_or_default();
    let labels = labels.iter().take(to).skip(from);
    into.extend(labels.map(|&label| u8::from(label)));
    if let Some(texts) = texts {
        for row in from..to {
            let text = texts.get(row);
            into.extend_from_slice(&small(text.len()));
            into.extend_from_slice(text);
        }
    }
    let features = rows.features.get(from * width..to * width);
    for feature in features.unwrap_or_default() {
        into.extend_from_slice(&feature.to_le_bytes());
    }
    let behind = (into.len() - 8) as u64;
    if let Some(length) = into.get_mut(..8) {
        length.copy_from_slice(&behind.to_le_bytes());
    }
}

/// A number of rows or of bytes of a text: a block is of a piece of readings that is far below 4 GiB.
fn small(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

/// The first block, and its bytes; none where not all of it is there.
fn decode(bytes: &[u8]) -> Option<(SensorRows, usize)> {
    let (behind, block) = bytes.split_first_chunk()?;
    let behind = usize::try_from(u64::from_le_bytes(*behind)).ok()?;
    let (count, block) = block.get(..behind)?.split_first_chunk()?;
    let count = u32::from_le_bytes(*count) as usize;
    let (mark, block) = block.split_first()?;
    let (nanos, mut block) = block.split_at_checked(8 * count)?;
    let mut rows = SensorRows::default();
    let nanos = nanos.as_chunks().0.iter();
    rows.times.nanos = nanos.map(|bytes| i64::from_le_bytes(*bytes)).collect();
    if mark & LABELS != 0 {
        let (labels, rest) = block.split_at_checked(count)?;
        rows.labels = Some(labels.iter().map(|label| *label != 0).collect());
        block = rest;
    }
    if mark & TEXTS != 0 {
        let texts = rows.times.text.insert(TimeText::default());
        for _ in 0..count {
            let (length, rest) = block.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            texts.push(text);
            block = rest;
        }
    }
    let features = block.as_chunks().0.iter();
    rows.features = features.map(|bytes| f64::from_le_bytes(*bytes)).collect();
    Some((rows, behind + 8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use fleetscore_readings::Times;

    fn rows(first: i64, count: usize, texts: bool, labels: bool) -> SensorRows {
        let nanos: Vec<i64> = (first..).take(count).collect();
        let mut text = TimeText::default();
        nanos
            .iter()
            .for_each(|nanos| text.push(format!("at {nanos}").as_bytes()));
        SensorRows {
            features: nanos
                .iter()
                .flat_map(|&n| [n as f64, -0.5 * n as f64])
                .collect(),
            labels: labels.then(|| nanos.iter().map(|nanos| nanos % 3 == 0).collect()),
            times: Times {
                nanos,
                text: texts.then_some(text),
            },
            ..SensorRows::default()
        }
    }

    proptest! {
        /// Readings come out as they went in, however they came and wherever they were meanwhile, in calls of the size asked for.
        #[test]
        fn readings_come_out_in_order(
            pieces in prop::collection::vec((0_usize..50, any::<bool>()), 0..12),
            most in prop::option::of(1_u32..70),
            texts in any::<bool>(),
            labels in any::<bool>(),
        ) {
            let buffers = Arc::new(Buffers::new(1 << 20, 3, false, vec![std::env::temp_dir()]));
            let mut waiting = Waiting::new(most, &buffers);
            let (mut total, mut encoded) = (0, Vec::new());
            for (count, aside) in pieces {
                waiting.add(&rows(total, count, texts, labels), &mut encoded);
                total += i64::try_from(count).unwrap();
                if aside {
                    waiting.put_aside().unwrap();
                }
            }
            prop_assert_eq!(waiting.rows(), u64::try_from(total).unwrap());
            let mut next = 0;
            while let Some(together) = waiting.next().unwrap() {
                let count = together.len();
                let left = usize::try_from(total - next).unwrap();
                prop_assert_eq!(count, left.min(most.map_or(usize::MAX, |most| most as usize)));
                let expected = rows(next, count, texts, labels);
                prop_assert_eq!(&together.times, &expected.times);
                prop_assert_eq!(&together.features, &expected.features);
                prop_assert_eq!(&together.labels, &expected.labels);
                next += i64::try_from(count).unwrap();
            }
            prop_assert_eq!(next, total);
            drop(waiting);
            prop_assert_eq!(buffers.excess(), 0);
        }
    }
}
