//! Parquet: only the wanted columns are fetched, and of those only the row groups and pages that may hold readings of the
//! window and of the wanted sensors, going by the file's statistics.
//!
//! `file` fetches bytes, `schema` finds the columns, `prune` decides from statistics what to fetch, `column` gives the values
//! of a batch and `batch` makes readings of them.

mod batch;
mod column;
mod file;
mod prune;
mod schema;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::StreamExt;
use object_store::Error as StorageError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;

use self::batch::BatchReader;
use self::file::ObjectFile;
use self::prune::Pruned;
use self::schema::Layout;
use super::partition::Partition;
use super::{ObjectSource, ReadRequest, ReadStats, ReadingsError, Result, Sink};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8192;

/// Reads a Parquet object; see [`super::read`].
pub(super) fn read(
    object: &ObjectSource,
    request: &ReadRequest,
    sink: &mut Sink<'_>,
) -> Result<ReadStats> {
    let mut file = ObjectFile::new(object.clone());
    let mut partition = Partition::new(request, sink);
    let metadata = guarded(object, || object.runtime.block_on(load(&mut file)))?;
    let layout = Layout::new(object.name(), metadata.schema(), request)?;
    let pruned = guarded(object, || {
        object
            .runtime
            .block_on(prune::prune(&mut file, metadata, &layout, request))
    })?;
    let mut batches = BatchReader::new(object.name(), request, &layout, &pruned)?;
    let mut stream = guarded(object, || open(&file, pruned, &layout))?;
    while let Some(batch) = next(object, &mut stream)? {
        batches.take(&batch, &mut partition)?;
        if partition.done() {
            break;
        }
    }
    Ok(partition.finish(file.bytes_read()))
}

/// Reads the footer. The writer's own Arrow schema in it is not used: the Parquet types say all that is needed, whoever wrote
/// the file.
async fn load(file: &mut ObjectFile) -> parquet::errors::Result<ArrowReaderMetadata> {
    ArrowReaderMetadata::load_async(
        file,
        ArrowReaderOptions::new().with_skip_arrow_metadata(true),
    )
    .await
}

/// Starts to decode what pruning left.
fn open(
    file: &ObjectFile,
    pruned: Pruned,
    layout: &Layout,
) -> parquet::errors::Result<ParquetRecordBatchStream<ObjectFile>> {
    let mask = ProjectionMask::roots(pruned.metadata.parquet_schema(), layout.projection());
    ParquetRecordBatchStreamBuilder::new_with_metadata(file.clone(), pruned.metadata)
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .with_row_group_selections(pruned.selections)
        .build()
}

fn next(
    object: &ObjectSource,
    stream: &mut ParquetRecordBatchStream<ObjectFile>,
) -> Result<Option<RecordBatch>> {
    guarded(object, || {
        object.runtime.block_on(stream.next()).transpose()
    })
}

/// Runs a step of the Parquet library. It is not written for hostile files and may panic on one: that too is only a file that
/// cannot be read.
fn guarded<T>(
    object: &ObjectSource,
    step: impl FnOnce() -> parquet::errors::Result<T>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure(object, error)),
        Err(_) => Err(ReadingsError::unreadable(
            object.name(),
            "the Parquet file is damaged",
        )),
    }
}

fn failure(object: &ObjectSource, error: ParquetError) -> ReadingsError {
    match error {
        ParquetError::External(source) => match source.downcast::<StorageError>() {
            Ok(source) => object.storage_error(*source),
            Err(other) => ReadingsError::unreadable(object.name(), other.to_string()),
        },
        other => ReadingsError::unreadable(object.name(), other.to_string()),
    }
}

/// The metadata of a file, shared.
type Metadata = Arc<parquet::file::metadata::ParquetMetaData>;
