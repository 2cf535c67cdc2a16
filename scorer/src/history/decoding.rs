//! From the bytes of a row group to its columns.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use fleetscore_readings::{PageBounds, check_pages};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowGroupSelection};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::columns::ROWS_PER_GROUP;

/// The bytes of columns, each with its place in the file.
pub(super) type Fetched = Vec<(Range<u64>, Bytes)>;

/// What the pages of a row group may come to, whatever the footer says. A sensor has a few warnings.
const PAGES: PageBounds = PageBounds {
    bytes: 64 << 20,
    values: 64 * ROWS_PER_GROUP as u64,
};

/// Decodes a row group whose columns `leaves` have been fetched.
pub(super) fn decode(
    metadata: &ArrowReaderMetadata,
    group: usize,
    mask: &ProjectionMask,
    leaves: &[usize],
    fetched: &Fetched,
) -> Result<Vec<RecordBatch>, ParquetError> {
    check_pages(metadata.metadata(), group, leaves, fetched, PAGES)?;
    let selection = RowGroupSelection::new(group, None);
    let mut decoder = ParquetPushDecoderBuilder::new_with_metadata(metadata.clone())
        .with_projection(mask.clone())
        .with_batch_size(ROWS_PER_GROUP)
        .with_row_group_selections(vec![selection])
        .build()?;
    let mut batches = Vec::new();
    loop {
        match decoder.try_decode()? {
            DecodeResult::Data(batch) => batches.push(batch),
            DecodeResult::Finished => return Ok(batches),
            DecodeResult::NeedsData(ranges) => {
                let bytes = ranges.iter().map(|range| slice(fetched, range));
                let bytes = bytes.collect::<Result<_, _>>()?;
                decoder.push_ranges(ranges, bytes)?;
            }
        }
    }
}

fn slice(fetched: &Fetched, range: &Range<u64>) -> Result<Bytes, ParquetError> {
    let found = fetched.iter().find_map(|(own, bytes)| {
        let at = |position: u64| usize::try_from(position.checked_sub(own.start)?).ok();
        let (from, to) = (at(range.start)?, at(range.end)?);
        (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
    });
    found.ok_or_else(|| ParquetError::EOF(format!("bytes {range:?} are in no column")))
}

/// The footer, with texts as views: a text that many sensors share is then held once.
pub(super) fn as_views(
    metadata: Arc<ParquetMetaData>,
) -> Result<ArrowReaderMetadata, ParquetError> {
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::try_new(Arc::clone(&metadata), options())?;
    let fields = plain.schema().fields().iter().map(|field| view(field));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    ArrowReaderMetadata::try_new(metadata, options().with_schema(schema))
}

fn view(field: &Field) -> Field {
    let kind = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::List(inner) => DataType::List(Arc::new(view(inner))),
        other => other.clone(),
    };
    field.clone().with_data_type(kind)
}
