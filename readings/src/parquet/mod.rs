//! Parquet: only the wanted columns are fetched, and of those only the row groups and pages that may hold readings of the
//! window and of the wanted sensors, going by the file's statistics.
//!
//! `file` fetches bytes, `schema` finds the columns, `prune` decides from statistics what to fetch, `column` gives the values
//! of a batch and `batch` makes readings of them. What is left is cut into `stretches` of rows, which `lanes` have decoded by all
//! threads at once and hand over in the file's order; `decoding` plans it. `ahead` fetches row groups whole, the next ones while one
//! is decoded; where one does not fit into memory, all are read through `windows`, page by page. `pages` looks at what pages take in
//! memory, before they are unpacked. `wide` sees to timestamps that are too wide, `joined` to files behind one another, and `encrypted`
//! to failures.

mod ahead;
mod batch;
mod column;
mod compact;
mod decoding;
mod encrypted;
mod file;
mod joined;
mod lanes;
mod order;
mod pages;
mod prune;
mod schema;
mod sensors;
mod stretches;
mod wide;
mod windows;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use object_store::Error as StorageError;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;

use self::decoding::Decoding;
use self::file::ObjectFile;
use self::pages::TooLarge;
pub use self::pages::{PageBounds, check_pages};
use self::schema::Layout;
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
    let mut partition = Partition::new(request, request.memory / 4, file.bytes_read(), sink);
    let metadata = guarded(object, || object.runtime.block_on(load(&mut file)))?;
    guarded(object, || {
        Ok(joined::refuse(object, &file, metadata.metadata()))
    })??;
    let layout = Layout::new(object.name(), &metadata, request)?;
    let pruned = guarded(object, || {
        object
            .runtime
            .block_on(prune::prune(&mut file, metadata, &layout, request))
    })?;
    let decoding = guarded(object, || Decoding::new(pruned, &layout, request))?;
    lanes::read(object, &file, request, &layout, &decoding, &mut partition)?;
    Ok(ReadStats {
        page_bytes: decoding.page_bytes(),
        ..partition.finish()
    })
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
            Err(other) => match other.downcast::<TooLarge>() {
                Ok(pages) => ReadingsError::PagesTooLarge {
                    object: object.name().to_owned(),
                    column: pages.column,
                    bytes: pages.bytes,
                    room: pages.room,
                },
                Err(other) => ReadingsError::unreadable(object.name(), other.to_string()),
            },
        },
        other => ReadingsError::unreadable(object.name(), other.to_string()),
    }
}

/// The metadata of a file, shared.
type Metadata = Arc<parquet::file::metadata::ParquetMetaData>;
