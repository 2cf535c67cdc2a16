use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType};
use arrow_array::{
    Array, ArrayRef, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow_cast::cast;
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::collector::{Collector, Row};
use super::time::{parse_label, parse_time};
use crate::train::Error;
use crate::train::job::Job;

/// Hands every row of the Parquet file `path` to `collector`. Only the wanted columns are read.
pub(super) fn read(path: &Path, job: &Job, collector: &mut Collector<'_>) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::io(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| Error::data(path, &error))?;
    let names = wanted(job);
    check(builder.schema(), &names).map_err(|message| Error::data(path, &message))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().map(String::as_str));
    let batches = builder
        .with_projection(mask)
        .build()
        .map_err(|error| Error::data(path, &error))?;
    let mut number = 0;
    for batch in batches {
        let batch = batch.map_err(|error| Error::data(path, &error))?;
        let columns = Columns::of(&batch, job).map_err(|message| Error::data(path, &message))?;
        for index in 0..batch.num_rows() {
            number += 1;
            collector.push(
                path,
                number,
                &ParquetRow {
                    columns: &columns,
                    index,
                },
            )?;
        }
    }
    Ok(())
}

fn wanted(job: &Job) -> Vec<String> {
    let columns = &job.columns;
    let mut names: Vec<String> = columns
        .keys
        .values()
        .chain(&columns.features)
        .chain(&columns.label)
        .cloned()
        .collect();
    if job.window.is_some() {
        names.push(columns.time.clone());
    }
    names
}

fn check(schema: &SchemaRef, names: &[String]) -> Result<(), String> {
    let missing = names
        .iter()
        .find(|name| schema.field_with_name(name).is_err());
    missing.map_or(Ok(()), |name| {
        let there: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        Err(format!(
            "there is no column `{name}`; the file has {}",
            there.join(", ")
        ))
    })
}

/// The wanted columns of one batch, as the types that are worked with.
struct Columns {
    keys: Vec<StringArray>,
    features: Vec<Float64Array>,
    time: Option<Time>,
    label: Option<StringArray>,
}

enum Time {
    Typed(TimestampNanosecondArray),
    Text(StringArray),
}

impl Columns {
    fn of(batch: &RecordBatch, job: &Job) -> Result<Self, String> {
        let columns = &job.columns;
        Ok(Self {
            keys: columns
                .keys
                .values()
                .map(|name| text(batch, name))
                .collect::<Result<_, _>>()?,
            features: columns
                .features
                .iter()
                .map(|name| numbers(batch, name))
                .collect::<Result<_, _>>()?,
            time: job.window.map(|_| time(batch, &columns.time)).transpose()?,
            label: columns
                .label
                .as_ref()
                .map(|name| text(batch, name))
                .transpose()?,
        })
    }
}

fn converted(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, String> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| format!("there is no column `{name}`"))?;
    cast(column, kind).map_err(|error| format!("column `{name}`: {error}"))
}

fn text(batch: &RecordBatch, name: &str) -> Result<StringArray, String> {
    Ok(converted(batch, name, &DataType::Utf8)?
        .as_string::<i32>()
        .clone())
}

fn numbers(batch: &RecordBatch, name: &str) -> Result<Float64Array, String> {
    Ok(converted(batch, name, &DataType::Float64)?
        .as_primitive::<Float64Type>()
        .clone())
}

/// Timestamps with a zone are instants; without one, and text and numbers, they go the way of text.
fn time(batch: &RecordBatch, name: &str) -> Result<Time, String> {
    let typed = batch
        .column_by_name(name)
        .map(|column| column.data_type().clone());
    if matches!(typed, Some(DataType::Timestamp(_, Some(_)))) {
        let kind = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let instants = converted(batch, name, &kind)?;
        return Ok(Time::Typed(
            instants.as_primitive::<TimestampNanosecondType>().clone(),
        ));
    }
    text(batch, name).map(Time::Text)
}

struct ParquetRow<'a> {
    columns: &'a Columns,
    index: usize,
}

impl ParquetRow<'_> {
    fn text<'b>(&self, column: &'b StringArray) -> Option<&'b str> {
        column
            .is_valid(self.index)
            .then(|| column.value(self.index))
    }
}

impl Row for ParquetRow<'_> {
    fn key(&self, index: usize) -> Result<&str, String> {
        let column = self.columns.keys.get(index).ok_or_else(String::new)?;
        self.text(column)
            .filter(|text| !text.is_empty())
            .ok_or_else(String::new)
    }

    fn time(&self, zone: &TimeZone) -> Result<Timestamp, String> {
        match &self.columns.time {
            Some(Time::Typed(column)) if column.is_valid(self.index) => {
                let nanoseconds = column.value(self.index);
                Timestamp::from_nanosecond(i128::from(nanoseconds))
                    .map_err(|_| nanoseconds.to_string())
            }
            Some(Time::Text(column)) => {
                let text = self.text(column).unwrap_or_default();
                parse_time(text, zone).ok_or_else(|| text.to_owned())
            }
            _ => Err(String::new()),
        }
    }

    fn anomalous(&self) -> Result<bool, String> {
        let text = self
            .columns
            .label
            .as_ref()
            .and_then(|column| self.text(column))
            .unwrap_or_default();
        parse_label(text).ok_or_else(|| text.to_owned())
    }

    fn feature(&self, index: usize) -> Result<f64, String> {
        let column = self.columns.features.get(index).ok_or_else(String::new)?;
        if column.is_null(self.index) {
            return Err(String::new());
        }
        let number = column.value(self.index);
        if number.is_finite() {
            Ok(number)
        } else {
            Err(number.to_string())
        }
    }
}
