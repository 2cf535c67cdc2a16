use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use tokio::task::JoinHandle;

use super::decoding::Decoding;
use super::file::ObjectFile;

/// Row groups that are fetched beyond those that are being decoded.
const GROUPS: usize = 4;

/// Ranges of a file in memory: what is needed of a row group.
#[derive(Debug)]
pub(super) struct Fetched {
    ranges: Vec<Range<u64>>,
    bytes: Vec<Bytes>,
    /// Whether the pages in it have been found to be sound.
    sound: Mutex<bool>,
}

impl Fetched {
    /// Ranges of a file, by where they begin, with their bytes.
    pub fn new(ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Self {
        Self {
            ranges,
            bytes,
            sound: Mutex::default(),
        }
    }

    /// The bytes of a range that lies in one of those that were fetched.
    pub fn get(&self, range: &Range<u64>) -> Result<Bytes> {
        let length = range.end.checked_sub(range.start);
        let length = length.and_then(|length| usize::try_from(length).ok());
        length
            .zip(self.after(range.start))
            .filter(|(length, bytes)| *length <= bytes.len())
            .map(|(length, bytes)| bytes.slice(..length))
            .ok_or_else(|| ParquetError::EOF(format!("bytes {range:?} are not in the row group")))
    }

    /// The bytes from `start` on in the range that was fetched with it.
    pub fn after(&self, start: u64) -> Option<Bytes> {
        let after = self
            .ranges
            .partition_point(|fetched| fetched.start <= start);
        let position = after.checked_sub(1)?;
        let (fetched, bytes) = self.ranges.get(position).zip(self.bytes.get(position))?;
        let from = usize::try_from(start - fetched.start).ok()?;
        (from < bytes.len()).then(|| bytes.slice(from..))
    }

    /// Has the pages in it checked, once where they are sound.
    pub fn check(&self, check: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner);
        if !*sound {
            check()?;
            *sound = true;
        }
        Ok(())
    }
}

/// Fetches row groups ahead, in their order, within a bound of memory.
pub(super) struct Ahead {
    file: ObjectFile,
    /// Bytes that may be held, unless one row group has more.
    memory: u64,
    /// Those that are on their way or there, and the position of the first one.
    started: VecDeque<(u64, Part)>,
    first: usize,
    held: u64,
}

enum Part {
    OnItsWay(JoinHandle<Result<Vec<Bytes>>>, Vec<Range<u64>>),
    There(Arc<Fetched>),
}

impl Ahead {
    /// Holds at most `memory` bytes, unless one row group has more.
    pub fn new(file: ObjectFile, memory: u64) -> Self {
        Self {
            file,
            memory,
            started: VecDeque::new(),
            first: 0,
            held: 0,
        }
    }

    /// Row group `group`, waited for; none where it has to wait until memory is free.
    pub fn get(&mut self, group: usize, decoding: &Decoding) -> Result<Option<Arc<Fetched>>> {
        while self.first + self.started.len() <= group {
            if !self.start(decoding)? {
                return Ok(None);
            }
        }
        let place = group.checked_sub(self.first);
        let Some((_, part)) = place.and_then(|place| self.started.get_mut(place)) else {
            return Ok(None);
        };
        if let Part::OnItsWay(task, ranges) = part {
            let bytes = self.file.wait(task)?;
            let ranges = std::mem::take(ranges);
            *part = Part::There(Arc::new(Fetched::new(ranges, bytes)));
        }
        match part {
            Part::There(fetched) => Ok(Some(Arc::clone(fetched))),
            Part::OnItsWay(..) => Ok(None),
        }
    }

    /// Asks for those that come after row group `group`, as far as there is memory.
    pub fn fetch_after(&mut self, group: usize, decoding: &Decoding) -> Result<()> {
        while self.first + self.started.len() <= group + GROUPS && self.start(decoding)? {}
        Ok(())
    }

    /// Gives up the row groups before and including `group`.
    pub fn release(&mut self, group: usize) {
        while self.first <= group {
            let Some((bytes, _)) = self.started.pop_front() else {
                return;
            };
            self.held = self.held.saturating_sub(bytes);
            self.first += 1;
        }
    }

    /// Asks for the next one; whether there is one, and memory for it.
    fn start(&mut self, decoding: &Decoding) -> Result<bool> {
        let next = self.first + self.started.len();
        if next >= decoding.stretches.groups().len() {
            return Ok(false);
        }
        let mut ranges = decoding.ranges(next)?;
        let lengths = ranges
            .iter()
            .map(|range| range.end.saturating_sub(range.start));
        let bytes = lengths.fold(0, u64::saturating_add);
        if !self.started.is_empty() && self.held.saturating_add(bytes) > self.memory {
            return Ok(false);
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let (mut file, wanted) = (self.file.clone(), ranges.clone());
        let task = self
            .file
            .runtime()
            .spawn(async move { file.get_byte_ranges(wanted).await });
        self.held = self.held.saturating_add(bytes);
        self.started
            .push_back((bytes, Part::OnItsWay(task, ranges)));
        Ok(true)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        for (_, part) in &self.started {
            if let Part::OnItsWay(task, _) = part {
                task.abort();
            }
        }
    }
}
