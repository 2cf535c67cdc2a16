use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use fleetscore_crds::LARGEST_COUNT;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::columns::{self, MAX_KEYS, ROWS_PER_GROUP, TABLE_VERSION};
use super::table::{KEYS, NAMESPACE, RETRIES, RUN, VERSION};
use super::{HistoryError, SensorRow, TableInfo};
use crate::ledger::SensorState;

/// Makes `_run/sensors.parquet`, row by row, in the order of the plan. It holds the rows of one row group and the bytes of those before,
/// some 40 a sensor. The same rows give the same bytes.
pub struct TableWriter {
    keys: BTreeMap<String, String>,
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
    rows: Vec<SensorRow>,
}

impl TableWriter {
    /// Begins the table of a run whose sensors have no other keys than those in `info`.
    ///
    /// # Errors
    ///
    /// The sensors have more than 64 different keys.
    pub fn new(info: &TableInfo) -> Result<Self, HistoryError> {
        if info.keys.len() > MAX_KEYS {
            return Err(ParquetError::General(format!(
                "the sensors have {} different keys, a table at most {MAX_KEYS}",
                info.keys.len()
            ))
            .into());
        }
        let keys = columns::key_columns(info.keys.iter().map(String::as_str));
        let schema = Arc::new(columns::schema(&keys));
        Ok(Self {
            writer: open(&schema, info, &keys)?,
            keys,
            schema,
            rows: Vec::with_capacity(ROWS_PER_GROUP),
        })
    }

    /// Adds the next sensor.
    pub fn add(&mut self, row: SensorRow) -> Result<(), HistoryError> {
        if let Some((key, _)) = row
            .key
            .iter()
            .find(|(key, _)| !self.keys.contains_key(*key))
        {
            return Err(ParquetError::General(format!(
                "the sensor {} has the key `{key}`, for which there is no column",
                row.key
            ))
            .into());
        }
        self.rows.push(row);
        if self.rows.len() < ROWS_PER_GROUP {
            return Ok(());
        }
        self.write_group()
    }

    /// Ends the table, and returns the whole file.
    pub fn finish(mut self) -> Result<Vec<u8>, HistoryError> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        Ok(self.writer.into_inner()?)
    }

    fn write_group(&mut self) -> Result<(), HistoryError> {
        let rows = mem::take(&mut self.rows);
        let columns = self.columns(&rows);
        let batch =
            RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(ParquetError::from)?;
        self.writer.write(&batch)?;
        self.writer.flush()?;
        self.rows = rows;
        self.rows.clear();
        Ok(())
    }

    fn columns(&self, rows: &[SensorRow]) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = self
            .keys
            .keys()
            .map(|key| texts(rows.iter().map(|row| row.key.get(key))))
            .collect();
        columns.extend([
            texts(rows.iter().map(|row| Some(state(row.state)))),
            texts(rows.iter().map(|row| row.reason.as_deref())),
            counts(rows.iter().map(|row| Some(row.rows))),
            counts(rows.iter().map(|row| Some(row.skipped))),
            counts(rows.iter().map(|row| Some(row.anomalies))),
            numbers(rows.iter().map(|row| row.score.map(|score| score.min))),
            numbers(rows.iter().map(|row| row.score.map(|score| score.mean))),
            numbers(rows.iter().map(|row| row.score.map(|score| score.max))),
            lists(rows.iter().map(|row| row.warnings.as_slice())),
        ]);
        let labels = || rows.iter().map(|row| row.labels);
        columns.extend([
            counts(labels().map(|labels| Some(labels?.true_positives))),
            counts(labels().map(|labels| Some(labels?.false_positives))),
            counts(labels().map(|labels| Some(labels?.false_negatives))),
            counts(labels().map(|labels| Some(labels?.true_negatives))),
            texts(rows.iter().map(|row| row.output.as_deref())),
        ]);
        columns
    }
}

/// The name of a state in the table.
pub(super) fn state(state: SensorState) -> &'static str {
    match state {
        SensorState::Succeeded => "Succeeded",
        SensorState::Failed => "Failed",
    }
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

/// Counts beyond what readers keep whole are cut to it.
fn counts(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    let mut builder = Int64Builder::new();
    let whole = |value: u64| i64::try_from(value.min(LARGEST_COUNT)).unwrap_or(i64::MAX);
    values.for_each(|value| builder.append_option(value.map(whole)));
    Arc::new(builder.finish())
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    let mut builder = Float64Builder::new();
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn lists<'a>(values: impl Iterator<Item = &'a [String]>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for texts in values {
        texts
            .iter()
            .for_each(|text| builder.values().append_value(text));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn open(
    schema: &Arc<Schema>,
    info: &TableInfo,
    keys: &BTreeMap<String, String>,
) -> Result<ArrowWriter<Vec<u8>>, ParquetError> {
    let keys = serde_json::to_string(keys).map_err(|error| ParquetError::External(error.into()))?;
    let mut metadata = vec![
        KeyValue::new(VERSION.to_owned(), TABLE_VERSION.to_string()),
        KeyValue::new(KEYS.to_owned(), keys),
        KeyValue::new(RUN.to_owned(), info.run.clone()),
    ];
    let optional = [(NAMESPACE, &info.namespace), (RETRIES, &info.retries)];
    for (name, value) in optional {
        let value = value.iter();
        metadata.extend(value.map(|value| KeyValue::new(name.to_owned(), value.clone())));
    }
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_data_page_row_count_limit(ROWS_PER_GROUP / 5)
        // Not the library's name and version: the same rows give the same bytes whatever wrote them.
        .set_created_by("fleetscore version 1".to_owned())
        .set_key_value_metadata(Some(metadata))
        .build();
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(schema), options)
}
