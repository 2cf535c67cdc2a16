//! The library unpacks a page into as much memory as its header says, or as it turns out to take. So headers are looked at before:
//! nobody's file is to take more than there is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use parquet::basic::{Compression, Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;

use super::ahead::Fetched;
use super::compact::{Compact, STOP};

/// Bytes of a header that are looked at: there may be statistics in it.
const HEADER: u64 = 16 << 20;

/// The type of a dictionary's page, as headers have it.
const DICTIONARY: i64 = 2;

/// Encodings of text whose lengths the library holds in memory for all values of a page: by their differences, and by what is common
/// to one and the next.
const LENGTHS: [i64; 2] = [6, 7];

/// Bytes of such a length.
const LENGTH: u64 = 8;

/// How many times less than it is something takes at least that is packed with gzip, and with LZ4.
const GZIP: u64 = 1032;
const LZ4: u64 = 255;

/// What a page's header says.
#[derive(Debug, Default)]
struct Head {
    /// Bytes of the header itself.
    length: u64,
    /// Bytes of the page in the file.
    packed: u64,
    /// Bytes of the page in memory.
    unpacked: u64,
    kind: i64,
    values: u64,
    encoding: i64,
    /// Bytes at its start that are not packed.
    levels: u64,
}

impl Head {
    /// Reads a header; none where it is damaged.
    fn read(input: impl Read) -> Option<Self> {
        let mut fields = Compact::new(input.take(HEADER));
        let mut head = Self::default();
        let mut id = 0;
        loop {
            match (fields.field(&mut id)?, id) {
                (STOP, _) => break,
                (_, 1) => head.kind = fields.integer()?,
                (_, 2) => head.unpacked = size(fields.integer()?)?,
                (_, 3) => head.packed = size(fields.integer()?)?,
                (_, 5 | 7 | 8) => head.read_kind(&mut fields, id)?,
                (kind, _) => fields.skip(kind)?,
            }
        }
        head.length = fields.taken();
        Some(head)
    }

    /// Reads what a header has for its type of page only.
    fn read_kind(&mut self, fields: &mut Compact<impl Read>, of: i64) -> Option<()> {
        let encoding = if of == 8 { 4 } else { 2 };
        let mut id = 0;
        loop {
            match (fields.field(&mut id)?, id) {
                (STOP, _) => return Some(()),
                (_, 1) => self.values = size(fields.integer()?)?,
                (_, id) if id == encoding => self.encoding = fields.integer()?,
                (_, 5 | 6) if of == 8 => {
                    let levels = size(fields.integer()?)?;
                    self.levels = self.levels.saturating_add(levels);
                }
                (kind, _) => fields.skip(kind)?,
            }
        }
    }
}

fn size(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

/// The pages of some columns of a row group: where they begin, and what they take in memory. Of each column the largest page counts,
/// and the dictionary.
#[derive(Debug)]
pub(super) struct Pages {
    columns: Vec<Column>,
    /// Where headers are that have not been looked at, with the column.
    headers: BTreeSet<(u64, usize)>,
    /// What was in the headers of pages that have not been checked, by where the page begins, and the column.
    bodies: BTreeMap<(u64, usize), Head>,
    /// Bytes that they may take together, and the most that any have taken.
    room: u64,
    most: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Column {
    metadata: ColumnChunkMetaData,
    end: u64,
    page: u64,
    dictionary: u64,
    /// Values of all pages but the dictionary: of a list more than there are rows.
    values: u64,
}

/// What the pages of a row group may come to.
#[derive(Clone, Copy, Debug)]
pub struct PageBounds {
    /// Bytes that they may take in memory together.
    pub bytes: u64,
    /// Values that one column may have.
    pub values: u64,
}

/// Checks that the pages of the columns `leaves` of a row group stay within `bounds` when the library unpacks them, by their own headers,
/// whatever the footer says. `fetched` are the bytes of these columns, each with its place in the file.
///
/// # Errors
///
/// A header is damaged, a page unpacks to more than its header says, or there is more than `bounds` allow.
pub fn check_pages(
    metadata: &ParquetMetaData,
    group: usize,
    leaves: &[usize],
    fetched: &[(Range<u64>, Bytes)],
    bounds: PageBounds,
) -> Result<()> {
    let mut fetched = fetched.to_vec();
    fetched.sort_unstable_by_key(|(range, _)| range.start);
    let (ranges, bytes) = fetched.into_iter().unzip();
    let mut pages = Pages::new(metadata, group, leaves, bounds.bytes, &Arc::default());
    pages.check_all(&Fetched::new(ranges, bytes))?;
    let many = |column: &&Column| column.values > bounds.values;
    match pages.columns.iter().find(many) {
        Some(column) => Err(column.damaged("it has more values than it may have")),
        None => Ok(()),
    }
}

impl Pages {
    /// The pages of the columns `leaves` of a row group, which may take `room` bytes. What they take is noted in `most`.
    pub fn new(
        metadata: &ParquetMetaData,
        group: usize,
        leaves: &[usize],
        room: u64,
        most: &Arc<AtomicU64>,
    ) -> Self {
        let mut pages = Self {
            columns: Vec::new(),
            headers: BTreeSet::new(),
            bodies: BTreeMap::new(),
            room,
            most: Arc::clone(most),
        };
        let Some(row_group) = metadata.row_groups().get(group) else {
            return pages;
        };
        for leaf in leaves {
            let column = row_group.column(*leaf);
            let (start, length) = column.byte_range();
            let (place, end) = (pages.columns.len(), start.saturating_add(length));
            if start < end {
                pages.headers.insert((start, place));
            }
            // The library goes by where the index says that pages are.
            let index = metadata.page_index();
            let index = index.and_then(|index| index.offset_index(group, *leaf));
            let listed = index
                .into_iter()
                .flat_map(OffsetIndexMetaData::page_locations);
            let starts = listed.filter_map(|page| size(page.offset));
            pages.headers.extend(starts.map(|start| (start, place)));
            pages.columns.push(Column {
                metadata: column.clone(),
                end,
                page: 0,
                dictionary: 0,
                values: 0,
            });
        }
        pages
    }

    /// Bytes that they take, as far as they have been looked at.
    fn bytes(&self) -> u64 {
        let taken = |column: &Column| column.page.saturating_add(column.dictionary);
        let taken = self.columns.iter().map(taken);
        taken.fold(0, u64::saturating_add)
    }

    /// Checks all pages of bytes that have been fetched.
    pub fn check_all(&mut self, fetched: &Fetched) -> Result<()> {
        while let Some((start, place)) = self.headers.first().copied() {
            match fetched.after(start) {
                Some(bytes) => {
                    let header = self.look_at(start, || bytes.as_ref())?;
                    let page = bytes.get(header..).unwrap_or_default();
                    self.check(start + header as u64, page)?;
                }
                // A page that nobody needs.
                None => drop(self.headers.remove(&(start, place))),
            }
        }
        Ok(())
    }

    /// Looks at the header at `start`, where there is one; the bytes that it has.
    pub fn look_at<R: Read>(&mut self, start: u64, input: impl Fn() -> R) -> Result<usize> {
        let mut length = 0;
        while let Some((_, place)) = self.headers.range((start, 0)..=(start, usize::MAX)).next() {
            let place = *place;
            self.headers.remove(&(start, place));
            let Some(column) = self.columns.get_mut(place) else {
                continue;
            };
            let head = Head::read(input()).ok_or_else(|| column.damaged(HEADER_DAMAGED))?;
            column.take(&head)?;
            let body = start.saturating_add(head.length);
            let next = body.saturating_add(head.packed);
            // The library reads on to the end, even where there are more values than there should be.
            if next < column.end {
                self.headers.insert((next, place));
            }
            let name = column.metadata.column_path().string();
            let (bytes, room) = (self.bytes(), self.room);
            self.most.fetch_max(bytes, Ordering::Relaxed);
            if bytes > room {
                let column = name;
                return Err(ParquetError::External(Box::new(TooLarge {
                    column,
                    bytes,
                    room,
                })));
            }
            length = usize::try_from(head.length).unwrap_or(usize::MAX);
            self.bodies.insert((body, place), head);
        }
        Ok(length)
    }

    /// Checks that the page at `start`, where there is one, takes no more than its header says, where the library does not. `bytes`
    /// begin with it.
    pub fn check(&mut self, start: u64, bytes: &[u8]) -> Result<()> {
        while let Some(((_, place), _)) = self.bodies.range((start, 0)..=(start, usize::MAX)).next()
        {
            let place = *place;
            let head = self.bodies.remove(&(start, place)).unwrap_or_default();
            let packed = usize::try_from(head.packed).unwrap_or(usize::MAX);
            let packed = bytes.get(..packed.min(bytes.len())).unwrap_or_default();
            if let Some(column) = self.columns.get(place)
                && !column.fits(&head, packed, self.room)
            {
                return Err(column.damaged("a page unpacks to more than its header says"));
            }
        }
        Ok(())
    }
}

const HEADER_DAMAGED: &str = "the header of a page is damaged";

impl Column {
    /// Notes what a page takes.
    fn take(&mut self, head: &Head) -> Result<()> {
        if head.kind == DICTIONARY {
            let (least, most) = self.width();
            if head.values.saturating_mul(least) > head.unpacked {
                return Err(self.damaged(HEADER_DAMAGED));
            }
            let values = head.values.saturating_mul(most);
            self.dictionary = self.dictionary.max(head.unpacked.saturating_add(values));
        } else {
            let lengths = if LENGTHS.contains(&head.encoding) {
                head.values.saturating_mul(LENGTH)
            } else {
                0
            };
            self.page = self.page.max(head.unpacked.saturating_add(lengths));
            self.values = self.values.saturating_add(head.values);
        }
        Ok(())
    }

    /// Whether a packed page takes no more than its header says, as far as the library does not see to that, or than there is room for.
    fn fits(&self, head: &Head, packed: &[u8], room: u64) -> bool {
        let levels = usize::try_from(head.levels).unwrap_or(usize::MAX);
        let packed = packed.get(levels..).unwrap_or_default();
        let at_most = |times: u64| (packed.len() as u64).saturating_mul(times) <= room;
        match self.metadata.compression() {
            Compression::GZIP(_) => {
                at_most(GZIP) || has_at_most(MultiGzDecoder::new(packed), head.unpacked)
            }
            Compression::BROTLI(_) => {
                has_at_most(brotli::Decompressor::new(packed, 4096), head.unpacked)
            }
            Compression::LZ4 => {
                at_most(LZ4) || has_at_most(FrameDecoder::new(packed), head.unpacked)
            }
            _ => true,
        }
    }

    /// Bytes that a value of a dictionary has at least in the file, and at most in memory beside it.
    fn width(&self) -> (u64, u64) {
        match self.metadata.column_type() {
            Type::BOOLEAN => (1, 1),
            Type::INT32 | Type::FLOAT => (4, 4),
            Type::INT64 | Type::DOUBLE => (8, 8),
            Type::INT96 => (12, 16),
            Type::BYTE_ARRAY => (4, 16),
            Type::FIXED_LEN_BYTE_ARRAY => {
                let length = self.metadata.column_descr().type_length();
                let length = u64::try_from(length).unwrap_or(0).max(1);
                (length, length)
            }
        }
    }

    fn damaged(&self, what: &str) -> ParquetError {
        let name = self.metadata.column_path().string();
        ParquetError::General(format!("column {name:?}: {what}; write the file again"))
    }
}

/// Whether an input has no more bytes than `most`. One that is damaged ends where it is.
fn has_at_most(input: impl Read, most: u64) -> bool {
    let mut input = input.take(most.saturating_add(1));
    io::copy(&mut input, &mut io::sink()).is_err() || input.limit() > 0
}

/// Pages for which there is no room.
#[derive(Debug, thiserror::Error)]
#[error(
    "the pages of column {column:?} and of those before it take {bytes} bytes, and there is room for {room}"
)]
pub(super) struct TooLarge {
    pub column: String,
    pub bytes: u64,
    pub room: u64,
}
