use arrow_array::RecordBatch;
use futures::StreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowGroupSelection,
};
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;

use super::file::ObjectFile;
use super::prune::Pruned;
use super::windows::Windows;
use crate::readings::{ObjectSource, ReadRequest};

/// Rows that are decoded at a time.
const BATCH_ROWS: std::ops::RangeInclusive<usize> = 256..=8192;

/// Bytes that a number of a batch takes while it is made a reading.
const NUMBER: usize = 32;

/// The batches of what pruning left of a file.
pub(super) enum Batches {
    /// What is needed of a row group is fetched at once.
    Whole(Box<ParquetRecordBatchStream<ObjectFile>>),
    /// A row group has more than memory: it is fetched page by page.
    Pages(Box<Pages>),
}

/// Row groups that are read page by page.
pub(super) struct Pages {
    windows: Windows,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    rows: usize,
    groups: std::vec::IntoIter<RowGroupSelection>,
    current: Option<ParquetRecordBatchReader>,
}

impl Batches {
    /// Starts to decode the columns of `mask`.
    pub fn open(
        file: &ObjectFile,
        pruned: Pruned,
        mask: ProjectionMask,
        request: &ReadRequest,
    ) -> Result<Self> {
        let leaves = pruned.metadata.parquet_schema().num_columns();
        let columns: Vec<usize> = (0..leaves)
            .filter(|leaf| mask.leaf_included(*leaf))
            .collect();
        let rows = request.memory / 16 / (NUMBER * columns.len().max(1));
        let rows = rows.clamp(*BATCH_ROWS.start(), *BATCH_ROWS.end());
        if largest(&pruned, &columns) <= request.memory as u64 / 2 {
            let stream =
                ParquetRecordBatchStreamBuilder::new_with_metadata(file.clone(), pruned.metadata)
                    .with_projection(mask)
                    .with_batch_size(rows)
                    .with_row_group_selections(pruned.selections)
                    .build()?;
            return Ok(Self::Whole(Box::new(stream)));
        }
        Ok(Self::Pages(Box::new(Pages {
            windows: Windows::new(file.clone(), columns.len(), request.memory / 4),
            metadata: pruned.metadata,
            mask,
            rows,
            groups: pruned.selections.into_iter(),
            current: None,
        })))
    }

    /// The next batch; none after the last.
    pub fn next(&mut self, object: &ObjectSource) -> Result<Option<RecordBatch>> {
        match self {
            Self::Whole(stream) => object.runtime.block_on(stream.next()).transpose(),
            Self::Pages(pages) => pages
                .next()
                .map_err(|error| pages.windows.take_failure().unwrap_or(error)),
        }
    }
}

impl Pages {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.current.as_mut().and_then(Iterator::next) {
                return Ok(Some(batch.map_err(ParquetError::from)?));
            }
            let Some(group) = self.groups.next() else {
                return Ok(None);
            };
            let metadata = self.metadata.clone();
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(self.windows.clone(), metadata)
                    .with_projection(self.mask.clone())
                    .with_batch_size(self.rows)
                    .with_row_groups(vec![group.row_group_index()]);
            let builder = match group.selection() {
                Some(selection) => builder.with_row_selection(selection.clone()),
                None => builder,
            };
            self.current = Some(builder.build()?);
        }
    }
}

/// The most bytes that the columns have in a row group.
fn largest(pruned: &Pruned, columns: &[usize]) -> u64 {
    let metadata = pruned.metadata.metadata();
    let bytes = |group: &RowGroupSelection| -> u64 {
        let group = metadata.row_groups().get(group.row_group_index());
        let chunks = group.map(RowGroupMetaData::columns).unwrap_or_default();
        let chunks = columns.iter().filter_map(|column| chunks.get(*column));
        chunks
            .map(|chunk| u64::try_from(chunk.compressed_size()).unwrap_or(u64::MAX))
            .fold(0, u64::saturating_add)
    };
    pruned.selections.iter().map(bytes).max().unwrap_or(0)
}
