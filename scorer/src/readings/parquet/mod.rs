//! Parquet: only the wanted columns are fetched, and of those only the row groups and pages that may hold readings of the
//! window and of the wanted sensors, going by the file's statistics.
//!
//! `file` fetches bytes, `schema` finds the columns, `prune` decides from statistics what to fetch, `column` gives the values
//! of a batch and `batch` makes readings of them. `batches` decodes what is left: row groups whole, or through `windows` page by
//! page where they do not fit into memory. `wide` sees to timestamps that are too wide, and `encrypted` to failures.

mod batch;
mod batches;
mod column;
mod encrypted;
mod file;
mod prune;
mod schema;
mod wide;
mod windows;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use object_store::Error as StorageError;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;

use self::batch::BatchReader;
use self::batches::Batches;
use self::file::ObjectFile;
use self::prune::Pruned;
use self::schema::Layout;
use self::wide::WideTimes;
use super::kind;
use super::partition::Partition;
use super::{ObjectSource, ReadRequest, ReadStats, ReadingsError, Result, Sink};

/// Reads a Parquet object; see [`super::read`].
pub(super) fn read(
    object: &ObjectSource,
    request: &ReadRequest,
    sink: &mut Sink<'_>,
) -> Result<ReadStats> {
    read_rows(object, request, sink).map_err(|error| match error {
        ReadingsError::Unreadable { .. } => explained(object, error),
        other => other,
    })
}

/// What an object that cannot be read as Parquet is instead, where that can be told.
fn explained(object: &ObjectSource, error: ReadingsError) -> ReadingsError {
    let Ok(head) = object.range(0..object.size().min(kind::HEAD as u64)) else {
        return error;
    };
    let unreadable = |message: &str| ReadingsError::unreadable(object.name(), message);
    if head.starts_with(kind::GZIP) {
        return unreadable(
            "it is packed with gzip; unpack it: a Parquet file is packed by itself, and CSV is to be named .csv.gz",
        );
    }
    if let Some(kind) = kind::foreign(&head) {
        return kind::refused(object.name(), kind, false);
    }
    if encrypted::is_encrypted(object) {
        return unreadable("it is encrypted; write it without encryption");
    }
    let is_text = !head.is_empty() && !head.contains(&0) && std::str::from_utf8(&head).is_ok();
    if is_text && !head.starts_with(kind::PARQUET) {
        return unreadable("it is text, not Parquet; name it .csv, or set spec.input.format: Csv");
    }
    error
}

fn read_rows(
    object: &ObjectSource,
    request: &ReadRequest,
    sink: &mut Sink<'_>,
) -> Result<ReadStats> {
    let mut file = ObjectFile::new(object.clone());
    let mut partition = Partition::new(request, file.bytes_read(), sink);
    let metadata = guarded(object, || object.runtime.block_on(load(&mut file)))?;
    let layout = Layout::new(object.name(), &metadata, request)?;
    let pruned = guarded(object, || {
        object
            .runtime
            .block_on(prune::prune(&mut file, metadata, &layout, request))
    })?;
    let mut batches = BatchReader::new(object.name(), request, &layout, &pruned)?;
    let int96 = layout.time.as_ref().filter(|time| time.is_int96);
    let mut wide = int96
        .map(|time| guarded(object, || WideTimes::open(&file, &pruned, time)))
        .transpose()?;
    let mut stream = guarded(object, || open(&file, pruned, &layout, request))?;
    while let Some(batch) = next(object, &mut stream)? {
        let millis = wide
            .as_mut()
            .map(|times| times.take(object, batch.num_rows()));
        batches.take(&batch, millis.transpose()?, &mut partition)?;
        if partition.done() {
            break;
        }
    }
    Ok(partition.finish())
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
    request: &ReadRequest,
) -> parquet::errors::Result<Batches> {
    let mask = layout.projection(pruned.metadata.parquet_schema());
    Batches::open(file, pruned, mask, request)
}

fn next(object: &ObjectSource, batches: &mut Batches) -> Result<Option<RecordBatch>> {
    guarded(object, || batches.next(object))
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
