use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use crate::{Partials, Rules};

/// The columns of a part: the keys' texts, the time in nanoseconds, and the partial aggregates that the stream's columns need.
pub(super) fn part_schema(keys: usize, rules: &Rules) -> Arc<Schema> {
    let field = |name: String, kind: DataType| Field::new(name, kind, false);
    let mut fields: Vec<Field> = (0..keys)
        .map(|key| field(format!("key{key}"), DataType::Utf8))
        .collect();
    fields.push(field("time".to_owned(), DataType::Int64));
    for (name, kind) in partial_columns(&rules.partials()) {
        fields.push(field(name, kind));
    }
    Arc::new(Schema::new(fields))
}

fn partial_columns(partials: &Partials) -> Vec<(String, DataType)> {
    let mut columns = vec![("count".to_owned(), DataType::UInt64)];
    let times = [
        ("first_time", partials.first_time.is_some()),
        ("last_time", partials.last_time.is_some()),
    ];
    for (name, _) in times.iter().filter(|(_, is_kept)| *is_kept) {
        columns.push(((*name).to_owned(), DataType::Int64));
    }
    for (number, feature) in partials.features.iter().enumerate() {
        for (name, column) in feature.columns() {
            if column.is_some() {
                columns.push((format!("{name}{number}"), DataType::Float64));
            }
        }
    }
    columns
}

/// Rows as the columns of a part.
pub(super) fn part_batch(
    schema: &Arc<Schema>,
    keys: Vec<StringArray>,
    times: Vec<i64>,
    partials: Partials,
) -> Result<RecordBatch, ArrowError> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    arrays.extend(keys.into_iter().map(|key| Arc::new(key) as ArrayRef));
    arrays.push(Arc::new(Int64Array::from(times)));
    arrays.push(Arc::new(UInt64Array::from(partials.count)));
    for times in [partials.first_time, partials.last_time]
        .into_iter()
        .flatten()
    {
        arrays.push(Arc::new(Int64Array::from(times)));
    }
    for mut feature in partials.features {
        for column in feature.columns_mut().into_iter().flatten() {
            arrays.push(Arc::new(Float64Array::from(std::mem::take(column))));
        }
    }
    RecordBatch::try_new(Arc::clone(schema), arrays)
}

/// Rows of a part.
#[derive(Debug)]
pub(super) struct Block {
    pub keys: Vec<StringArray>,
    pub times: Vec<i64>,
    pub partials: Partials,
}

impl Block {
    /// Reads what [`part_batch`] makes; none: it is something else.
    pub fn of_batch(batch: &RecordBatch, keys: usize, rules: &Rules) -> Option<Self> {
        let schema = part_schema(keys, rules);
        let is_same = |(ours, theirs): (&Arc<Field>, &Arc<Field>)| {
            ours.name() == theirs.name() && ours.data_type() == theirs.data_type()
        };
        let (ours, theirs) = (schema.fields(), batch.schema_ref().fields());
        let has_nulls = batch.columns().iter().any(|column| column.null_count() > 0);
        if ours.len() != theirs.len() || !ours.iter().zip(theirs).all(is_same) || has_nulls {
            return None;
        }
        let mut columns = batch.columns().iter();
        let texts = columns.by_ref().take(keys);
        let keys = texts.map(|column| column.as_string_opt::<i32>().cloned());
        let keys = keys.collect::<Option<Vec<_>>>()?;
        let int64 =
            |column: &ArrayRef| Some(column.as_primitive_opt::<Int64Type>()?.values().to_vec());
        let times = int64(columns.next()?)?;
        let mut partials = rules.partials();
        partials.count = columns
            .next()?
            .as_primitive_opt::<UInt64Type>()?
            .values()
            .to_vec();
        for times in [&mut partials.first_time, &mut partials.last_time]
            .into_iter()
            .flatten()
        {
            *times = int64(columns.next()?)?;
        }
        for feature in &mut partials.features {
            for column in feature.columns_mut().into_iter().flatten() {
                *column = columns
                    .next()?
                    .as_primitive_opt::<Float64Type>()?
                    .values()
                    .to_vec();
            }
        }
        Some(Self {
            keys,
            times,
            partials,
        })
    }

    /// The key's texts of a row.
    pub fn key(&self, row: usize) -> impl Iterator<Item = &str> {
        self.keys.iter().map(move |texts| texts.value(row))
    }
}
