use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowGroupSelection, RowSelection,
};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::ahead::Fetched;
use super::file::ObjectFile;
use super::pages::Pages;
use super::prune::{Kept, Pruned};
use super::schema::{Layout, is_text};
use super::stretches::Stretches;
use super::wide;
use super::windows::Windows;
use crate::ReadRequest;

/// Rows that are decoded at a time.
const BATCH_ROWS: std::ops::RangeInclusive<usize> = 256..=8192;

/// Bytes that a number of a batch takes while it is made a reading.
const NUMBER: usize = 32;

/// Batches of a stretch at most. Each stretch begins within pages that the one before it needs too, so they are not to be short.
const BATCHES: usize = 16;

/// Bytes of a row of a stretch, of the text of its time, and of each of its features: twice what they are, for vectors that grow.
const ROW: usize = 48;
const TEXT: usize = 64;
const FEATURE: usize = 16;

/// Bytes that a column may have in memory while a lane decodes it: a dictionary and a page of the usual size.
const PAGES: u64 = 2 << 20;

/// How many times the memory of a read the pages of a row group may take: that is most of the memory of a run. Where it is little, it
/// is enough for two dictionaries and pages of the usual size a column.
const ROOM: u64 = 4;

/// How the rows that pruning left are decoded.
pub(super) struct Decoding {
    /// Which thread decodes which rows.
    pub stretches: Stretches,
    /// Whether no row group is too large to be fetched whole.
    pub whole: bool,
    rows: Columns,
    /// The times of old 12-byte timestamps once more, in milliseconds; see [`wide`].
    millis: Option<Columns>,
    /// Bytes that windows may take.
    windows: usize,
    pages: PageRoom,
}

/// The memory of the pages that one lane unpacks.
#[derive(Clone)]
struct PageRoom {
    /// Bytes that they may take.
    bytes: u64,
    /// The most that they have taken.
    most: Arc<AtomicU64>,
}

/// Columns that are decoded together.
struct Columns {
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    leaves: Vec<usize>,
    /// Rows of a batch.
    batch: usize,
}

/// Where the bytes of a row group come from.
#[derive(Clone)]
pub(super) enum Source {
    /// All that is needed of it is in memory.
    Fetched(Arc<Fetched>),
    /// It is larger than memory: the file is read page by page.
    Pages(Box<ObjectFile>),
}

/// Batches of some columns of a row group.
pub(super) struct Batches {
    /// None where there is no row.
    reader: Option<ParquetRecordBatchReader>,
    windows: Option<Windows>,
}

impl Decoding {
    /// Plans to decode the columns of `layout`, on as many threads as there are and as memory allows.
    pub fn new(pruned: Pruned, layout: &Layout, request: &ReadRequest) -> Result<Self> {
        let Pruned { metadata, groups } = pruned;
        let mask = layout.projection(metadata.parquet_schema());
        let all = metadata.parquet_schema().num_columns();
        let leaves: Vec<usize> = (0..all).filter(|leaf| mask.leaf_included(*leaf)).collect();
        let batch = request.memory / 16 / (NUMBER * leaves.len().max(1));
        let batch = batch.clamp(*BATCH_ROWS.start(), *BATCH_ROWS.end());
        let size = |of: fn(&ColumnChunkMetaData) -> i64, most: u64| {
            largest(&metadata, &groups, &leaves, of, most)
        };
        let whole = size(ColumnChunkMetaData::compressed_size, u64::MAX) <= half(request.memory);
        let pages = size(ColumnChunkMetaData::uncompressed_size, PAGES).max(1);
        let lanes = match &request.pool {
            Some(pool) if whole => {
                let room = usize::try_from(request.memory as u64 / pages).unwrap_or(usize::MAX);
                pool.current_num_threads().min(room)
            }
            _ => 1,
        };
        let usual = 2 * PAGES * leaves.len() as u64;
        let text = layout
            .time
            .as_ref()
            .is_some_and(|time| is_text(time.data_type()));
        let row = ROW + if text { TEXT } else { 0 } + FEATURE * layout.features.len();
        let room = request.memory / 4 / (lanes + 1) / row;
        let rows = batch * (room / batch).clamp(1, BATCHES);
        let int96 = layout.time.as_ref().filter(|time| time.is_int96);
        let millis = int96.map(|time| {
            let metadata = wide::in_milliseconds(&metadata, time)?;
            let mask = ProjectionMask::leaves(metadata.parquet_schema(), [time.leaf]);
            Ok::<_, ParquetError>(Columns {
                metadata,
                mask,
                leaves: vec![time.leaf],
                batch,
            })
        });
        Ok(Self {
            stretches: Stretches::new(groups, rows, lanes),
            whole,
            millis: millis.transpose()?,
            rows: Columns {
                metadata,
                mask,
                leaves,
                batch,
            },
            windows: request.memory / 4,
            pages: PageRoom {
                bytes: usual.max(ROOM * request.memory as u64),
                most: Arc::default(),
            },
        })
    }

    /// Bytes of memory that pages have taken at most, on all threads.
    pub fn page_bytes(&self) -> u64 {
        let lanes = self.stretches.lanes() as u64;
        self.pages
            .most
            .load(Ordering::Relaxed)
            .saturating_mul(lanes)
    }

    /// The bytes that are needed of a row group.
    pub fn ranges(&self, group: usize) -> Result<Vec<Range<u64>>> {
        let Some(kept) = self.stretches.groups().get(group) else {
            return Ok(Vec::new());
        };
        match self.rows.decoder(kept, &kept.rows)?.try_next_reader()? {
            DecodeResult::NeedsData(ranges) => Ok(ranges),
            DecodeResult::Data(_) | DecodeResult::Finished => Ok(Vec::new()),
        }
    }

    /// Starts to decode the rows that a lane takes of a row group: the rows, and where they are wanted the milliseconds of their times.
    pub fn open(
        &self,
        group: usize,
        rows: &[Range<usize>],
        source: &Source,
    ) -> Result<(Batches, Option<Batches>)> {
        let Some(kept) = self.stretches.groups().get(group) else {
            return Ok((Batches::none(), None));
        };
        if let Source::Fetched(fetched) = source {
            fetched.check(|| self.rows.check(kept, fetched, &self.pages))?;
        }
        let open = |columns: &Columns| columns.open(kept, rows, source, self.windows, &self.pages);
        Ok((
            open(&self.rows)?,
            self.millis.as_ref().map(open).transpose()?,
        ))
    }
}

impl Columns {
    /// Checks the pages of a row group that was fetched.
    fn check(&self, kept: &Kept, fetched: &Fetched, room: &PageRoom) -> Result<()> {
        self.pages(kept, room).check_all(fetched)
    }

    fn pages(&self, kept: &Kept, room: &PageRoom) -> Pages {
        let metadata = self.metadata.metadata();
        Pages::new(metadata, kept.group, &self.leaves, room.bytes, &room.most)
    }

    fn open(
        &self,
        kept: &Kept,
        rows: &[Range<usize>],
        source: &Source,
        memory: usize,
        room: &PageRoom,
    ) -> Result<Batches> {
        match source {
            Source::Fetched(fetched) => {
                let mut decoder = self.decoder(kept, rows)?;
                let reader = loop {
                    match decoder.try_next_reader()? {
                        DecodeResult::Data(reader) => break Some(reader),
                        DecodeResult::Finished => break None,
                        DecodeResult::NeedsData(ranges) => {
                            let bytes = ranges.iter().map(|range| fetched.get(range));
                            let bytes = bytes.collect::<Result<_>>()?;
                            decoder.push_ranges(ranges, bytes)?;
                        }
                    }
                };
                Ok(Batches {
                    reader,
                    windows: None,
                })
            }
            Source::Pages(file) => {
                let pages = self.pages(kept, room);
                let windows = Windows::new((**file).clone(), self.leaves.len(), memory, pages);
                let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
                    windows.clone(),
                    self.metadata.clone(),
                );
                let builder = builder
                    .with_projection(self.mask.clone())
                    .with_batch_size(self.batch)
                    .with_row_groups(vec![kept.group]);
                let builder = match kept.selection(rows) {
                    Some(selection) => builder.with_row_selection(selection),
                    None => builder,
                };
                let reader = builder
                    .build()
                    .map_err(|error| windows.take_failure().unwrap_or(error))?;
                Ok(Batches {
                    reader: Some(reader),
                    windows: Some(windows),
                })
            }
        }
    }

    fn decoder(&self, kept: &Kept, rows: &[Range<usize>]) -> Result<ParquetPushDecoder> {
        let selection = RowGroupSelection::new(kept.group, kept.selection(rows));
        ParquetPushDecoderBuilder::new_with_metadata(self.metadata.clone())
            .with_projection(self.mask.clone())
            .with_batch_size(self.batch)
            .with_row_group_selections(vec![selection])
            .build()
    }
}

impl Kept {
    /// Some of its rows; none where they are all.
    fn selection(&self, rows: &[Range<usize>]) -> Option<RowSelection> {
        if let [range] = rows
            && range.start == 0
            && range.end == self.length
        {
            return None;
        }
        let rows = rows.iter().cloned();
        Some(RowSelection::from_consecutive_ranges(rows, self.length))
    }
}

impl Batches {
    fn none() -> Self {
        Self {
            reader: None,
            windows: None,
        }
    }

    /// The next batch; none after the last.
    pub fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.reader.as_mut().and_then(Iterator::next) else {
            return Ok(None);
        };
        batch.map(Some).map_err(|error| {
            let failure = self.windows.as_ref().and_then(Windows::take_failure);
            failure.unwrap_or_else(|| ParquetError::ArrowError(error.to_string()))
        })
    }
}

/// The most bytes that the columns have in a row group, each taken for `most` at most.
fn largest(
    metadata: &ArrowReaderMetadata,
    groups: &[Kept],
    columns: &[usize],
    of: fn(&ColumnChunkMetaData) -> i64,
    most: u64,
) -> u64 {
    let all = metadata.metadata().row_groups();
    let bytes = |kept: &Kept| -> u64 {
        let chunks = all.get(kept.group).map(RowGroupMetaData::columns);
        let chunks = chunks.unwrap_or_default();
        let chunks = columns.iter().filter_map(|column| chunks.get(*column));
        chunks
            .map(|chunk| u64::try_from(of(chunk)).unwrap_or(u64::MAX).min(most))
            .fold(0, u64::saturating_add)
    };
    groups.iter().map(bytes).max().unwrap_or(0)
}

fn half(memory: usize) -> u64 {
    memory as u64 / 2
}
