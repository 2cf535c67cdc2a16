use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_cast::cast;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};
use jiff::SignedDuration;
use jiff::civil::date;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::batch::array_of;
use super::column;
use super::schema::Column;

// A column of old 12-byte timestamps (INT96) is read twice: in nanoseconds, as all times are, and in milliseconds.
//
// Such a timestamp is a day and a nanosecond of the day, so it reaches far beyond the years that 64 bits of nanoseconds can
// hold, and the Parquet library lets those run over without a word. Milliseconds hold every one of them: where the two do not
// agree, the nanoseconds have run over.

/// The metadata of a file whose column of timestamps is to be read in milliseconds.
pub(super) fn in_milliseconds(
    metadata: &ArrowReaderMetadata,
    column: &Column,
) -> parquet::errors::Result<ArrowReaderMetadata> {
    let fields = replaced(metadata.schema().fields(), &column.path);
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
}

/// The milliseconds of a batch.
pub(super) fn millis(batch: &RecordBatch, time: &Column) -> column::Result<Vec<Option<i64>>> {
    let values = cast(&array_of(batch, time)?, &DataType::Int64)?;
    Ok(values.as_primitive::<Int64Type>().iter().collect())
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
fn replaced(fields: &Fields, path: &[String]) -> Fields {
    let Some((name, rest)) = path.split_first() else {
        return fields.clone();
    };
    let replace = |field: &FieldRef| -> FieldRef {
        if field.name() != name {
            return field.clone();
        }
        let data_type = match field.data_type() {
            DataType::Struct(inner) => DataType::Struct(replaced(inner, rest)),
            _ => DataType::Timestamp(TimeUnit::Millisecond, None),
        };
        Arc::new(Field::new(name, data_type, field.is_nullable()))
    };
    fields.iter().map(replace).collect()
}
