use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::file::ObjectFile;
use super::pages::Pages;

/// Sizes of a window.
const SIZES: std::ops::RangeInclusive<usize> = 64 << 10..=4 << 20;

/// A file of which some stretches are in memory: about one for each column that is being read. This is how row groups are read that
/// do not fit into memory whole.
#[derive(Clone)]
pub(super) struct Windows {
    file: ObjectFile,
    /// Bytes of a window, and how many there are.
    size: usize,
    count: usize,
    /// Where each begins and what it holds; the one that was used last comes last.
    held: Arc<Mutex<Vec<(u64, Bytes)>>>,
    /// Checked before they are unpacked.
    pages: Arc<Mutex<Pages>>,
    /// The first failure: what reads the windows tells no more of it than its text.
    failure: Arc<Mutex<Option<ParquetError>>>,
}

impl Windows {
    /// Windows for so many columns that take `memory` bytes together, as far as that is enough to be worth a request each.
    pub fn new(file: ObjectFile, columns: usize, memory: usize, pages: Pages) -> Self {
        // A window may be in use still when the next is fetched.
        let size = memory / (2 * columns.max(1));
        Self {
            file,
            size: size.clamp(*SIZES.start(), *SIZES.end()),
            count: columns.max(1),
            held: Arc::default(),
            pages: Arc::new(Mutex::new(pages)),
            failure: Arc::default(),
        }
    }

    /// The first failure, once.
    pub fn take_failure(&self) -> Option<ParquetError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    /// A window from `start` on that has `least` bytes; `known` are the first of it.
    fn longer(&self, start: u64, known: &Bytes, least: usize) -> Result<Bytes> {
        let end = self.file.size().min(start + self.size.max(least) as u64);
        if start + least as u64 > end {
            return Err(ParquetError::EOF(format!(
                "{least} bytes at {start} are beyond the end of the file"
            )));
        }
        let more = self.fetch(start + known.len() as u64, end)?;
        Ok(if known.is_empty() {
            more
        } else {
            Bytes::from([known.as_ref(), &more].concat())
        })
    }

    fn fetch(&self, start: u64, end: u64) -> Result<Bytes> {
        self.file
            .read_now(start..end)
            .map_err(|error| self.failed(error))
    }

    /// Keeps a failure; what the reader of the windows is told of it.
    fn failed(&self, error: ParquetError) -> ParquetError {
        let text = error.to_string();
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        ParquetError::General(text)
    }

    /// Has the header of a page checked, where there is one at `start`; the bytes that it has.
    fn look_at(&self, start: u64) -> Result<usize> {
        let reader = || WindowReader {
            windows: self.clone(),
            position: start,
        };
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let length = pages.look_at(start, reader);
        length.map_err(|error| self.failed(error))
    }

    /// Has a page checked, where there is one at `start`.
    fn check(&self, start: u64, bytes: &[u8]) -> Result<()> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let checked = pages.check(start, bytes);
        checked.map_err(|error| self.failed(error))
    }

    /// At least one and at most `most` bytes from `start` on, and all of them where they are `needed`.
    fn bytes(&self, start: u64, most: usize, needed: bool) -> Result<Bytes> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let least = if needed { most } else { 1 };
        let found = held
            .iter()
            .position(|(first, bytes)| rest(*first, bytes, start) > 0);
        let window = found.map(|place| held.remove(place));
        let (first, bytes) = match window {
            Some((first, bytes)) if rest(first, &bytes, start) >= least => (first, bytes),
            Some((first, bytes)) => {
                let known = usize::try_from(start - first).unwrap_or(usize::MAX);
                (start, self.longer(start, &bytes.slice(known..), least)?)
            }
            None => {
                if held.len() >= self.count {
                    held.remove(0);
                }
                (start, self.longer(start, &Bytes::new(), least)?)
            }
        };
        let from = usize::try_from(start - first).unwrap_or(usize::MAX);
        let to = from.saturating_add(most).min(bytes.len());
        let part = bytes.slice(from..to);
        held.push((first, bytes));
        Ok(part)
    }
}

/// How many bytes there are from `start` on in a window that begins at `first`.
fn rest(first: u64, bytes: &Bytes, start: u64) -> usize {
    let before = start
        .checked_sub(first)
        .and_then(|before| usize::try_from(before).ok());
    before.map_or(0, |before| bytes.len().saturating_sub(before))
}

impl Length for Windows {
    fn len(&self) -> u64 {
        self.file.size()
    }
}

impl ChunkReader for Windows {
    type T = WindowReader;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.look_at(start)?;
        Ok(WindowReader {
            windows: self.clone(),
            position: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let header = self.look_at(start)?;
        let bytes = self.bytes(start, length, true)?;
        let page = bytes.get(header..).unwrap_or_default();
        self.check(start + header as u64, page)?;
        Ok(bytes)
    }
}

/// Reads on from some byte of the file.
pub(super) struct WindowReader {
    windows: Windows,
    position: u64,
}

impl Read for WindowReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.windows.len() {
            return Ok(0);
        }
        let bytes = self.windows.bytes(self.position, buffer.len(), false);
        let bytes = bytes.map_err(io::Error::other)?;
        if let Some(into) = buffer.get_mut(..bytes.len()) {
            into.copy_from_slice(&bytes);
        }
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }
}
