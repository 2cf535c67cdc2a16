use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_cast::cast;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};
use futures::StreamExt;
use jiff::SignedDuration;
use jiff::civil::date;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};

use super::batch::array_of;
use super::file::ObjectFile;
use super::guarded;
use super::prune::Pruned;
use super::schema::Column;
use crate::readings::{ObjectSource, ReadingsError, Result};

/// Timestamps that are decoded at a time.
const BATCH_ROWS: usize = 8192;

/// The milliseconds of a column of old 12-byte timestamps (INT96), beside the nanoseconds that the rows are read with.
///
/// Such a timestamp is a day and a nanosecond of the day, so it reaches far beyond the years that 64 bits of nanoseconds can
/// hold, and the Parquet library lets those run over without a word. Milliseconds hold every one of them: where the two do not
/// agree, the nanoseconds have run over.
pub(super) struct WideTimes<'a> {
    column: &'a Column,
    stream: ParquetRecordBatchStream<ObjectFile>,
    /// Those that have been read and not handed out.
    ahead: VecDeque<Option<i64>>,
}

impl<'a> WideTimes<'a> {
    /// Starts to read the times of the rows that pruning left.
    pub fn open(
        file: &ObjectFile,
        pruned: &Pruned,
        column: &'a Column,
    ) -> parquet::errors::Result<Self> {
        let fields = in_milliseconds(pruned.metadata.schema().fields(), &column.path);
        let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
        let metadata = Arc::clone(pruned.metadata.metadata());
        let metadata = ArrowReaderMetadata::try_new(metadata, options)?;
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), [column.leaf]);
        let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(file.clone(), metadata)
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .with_row_group_selections(pruned.selections.clone())
            .build()?;
        Ok(Self {
            column,
            stream,
            ahead: VecDeque::new(),
        })
    }

    /// The milliseconds of the next `rows` rows.
    pub fn take(&mut self, object: &ObjectSource, rows: usize) -> Result<Vec<Option<i64>>> {
        while self.ahead.len() < rows {
            let batch = guarded(object, || {
                object.runtime.block_on(self.stream.next()).transpose()
            });
            let Some(batch) = batch? else {
                let message = "its columns are not of the same length";
                return Err(ReadingsError::unreadable(object.name(), message));
            };
            let unreadable = |error: arrow_schema::ArrowError| {
                ReadingsError::unreadable(object.name(), error.to_string())
            };
            let array = array_of(&batch, self.column).map_err(unreadable)?;
            let values = cast(&array, &DataType::Int64).map_err(unreadable)?;
            self.ahead.extend(values.as_primitive::<Int64Type>());
        }
        Ok(self.ahead.drain(..rows).collect())
    }
}

/// Whether these are the nanoseconds of a timestamp of so many milliseconds, and have not run over.
pub(super) fn agree(nanos: i64, millis: i64) -> bool {
    nanos.div_euclid(1_000_000) == millis
}

/// A timestamp as text.
pub(super) fn text(millis: i64) -> String {
    let since = SignedDuration::from_millis(millis);
    let local = date(1970, 1, 1).at(0, 0, 0, 0).checked_add(since);
    local.map_or_else(
        |_| format!("{millis} milliseconds since 1970"),
        |local| local.to_string(),
    )
}

/// The fields with the one at `path` in milliseconds.
fn in_milliseconds(fields: &Fields, path: &[String]) -> Fields {
    let Some((name, rest)) = path.split_first() else {
        return fields.clone();
    };
    let replaced = |field: &FieldRef| -> FieldRef {
        if field.name() != name {
            return field.clone();
        }
        let data_type = match field.data_type() {
            DataType::Struct(inner) => DataType::Struct(in_milliseconds(inner, rest)),
            _ => DataType::Timestamp(TimeUnit::Millisecond, None),
        };
        Arc::new(Field::new(name, data_type, field.is_nullable()))
    };
    fields.iter().map(replaced).collect()
}
