use std::ops::Range;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int8Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::writer::{PredictionError, is_anomaly};
use super::{PREDICTION, PredictionLayout, SCORE};
use crate::readings::SensorRows;

/// Rows that are encoded at a time. Always the same number, so that the bytes do not depend on how rows arrive.
const BATCH_ROWS: usize = 4096;

/// What a row group may come to before it is compressed.
const GROUP_BYTES: usize = 4 << 20;

/// Writes Parquet, compressed with zstd. Times are microseconds in UTC, which every reader knows; finer fractions are cut off.
pub(super) struct ParquetEncoder {
    writer: ArrowWriter<Vec<u8>>,
    schema: SchemaRef,
    keys: Vec<String>,
    pending: Pending,
}

/// Rows that do not fill a batch yet.
#[derive(Default)]
struct Pending {
    micros: Vec<i64>,
    /// By feature.
    features: Vec<Vec<f64>>,
    labels: Option<Vec<bool>>,
    scores: Vec<f64>,
}

impl ParquetEncoder {
    pub fn new(layout: &PredictionLayout) -> Result<Self, PredictionError> {
        let schema = schema(layout);
        let options = ArrowWriterOptions::new()
            .with_properties(properties(&layout.time, schema.fields().len())?)
            .with_skip_arrow_metadata(true);
        Ok(Self {
            writer: ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), options)?,
            schema,
            keys: layout.keys.iter().map(|(_, value)| value.clone()).collect(),
            pending: Pending::new(layout),
        })
    }

    pub fn append(
        &mut self,
        rows: &SensorRows,
        scores: &[f64],
        out: &mut Vec<u8>,
    ) -> Result<(), PredictionError> {
        let mut start = 0;
        while start < scores.len() {
            let room = BATCH_ROWS - self.pending.scores.len();
            let end = scores.len().min(start + room);
            self.pending.add(rows, scores, start..end);
            start = end;
            if self.pending.scores.len() == BATCH_ROWS {
                self.write()?;
            }
        }
        out.append(self.writer.inner_mut());
        Ok(())
    }

    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), PredictionError> {
        if !self.pending.scores.is_empty() {
            self.write()?;
        }
        out.append(&mut self.writer.into_inner()?);
        Ok(())
    }

    fn write(&mut self) -> Result<(), PredictionError> {
        let columns = self.pending.take(&self.keys);
        self.writer
            .write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)?;
        Ok(())
    }
}

impl Pending {
    fn new(layout: &PredictionLayout) -> Self {
        Self {
            features: vec![Vec::new(); layout.features.len()],
            labels: layout.label.is_some().then(Vec::new),
            ..Self::default()
        }
    }

    /// Adds the rows `range` of `rows`, with their scores.
    fn add(&mut self, rows: &SensorRows, scores: &[f64], range: Range<usize>) {
        let width = self.features.len();
        let nanos = rows.times.nanos.get(range.clone()).unwrap_or_default();
        self.micros
            .extend(nanos.iter().map(|nanos| nanos.div_euclid(1000)));
        for (position, column) in self.features.iter_mut().enumerate() {
            let first = range.start * width + position;
            let values = rows.features.get(first..).unwrap_or_default();
            column.extend(values.iter().step_by(width).take(range.len()));
        }
        if let (Some(own), Some(labels)) = (&mut self.labels, &rows.labels) {
            own.extend_from_slice(labels.get(range.clone()).unwrap_or_default());
        }
        self.scores
            .extend_from_slice(scores.get(range).unwrap_or_default());
    }

    /// The rows as columns.
    fn take(&mut self, keys: &[String]) -> Vec<ArrayRef> {
        let rows = self.scores.len();
        let micros = std::mem::take(&mut self.micros);
        let mut columns: Vec<ArrayRef> = vec![Arc::new(
            TimestampMicrosecondArray::from(micros).with_timezone("UTC"),
        )];
        for key in keys {
            let column = StringArray::from_iter_values(std::iter::repeat_n(key, rows));
            columns.push(Arc::new(column));
        }
        for feature in &mut self.features {
            columns.push(Arc::new(Float64Array::from(std::mem::take(feature))));
        }
        if let Some(labels) = &mut self.labels {
            columns.push(Arc::new(BooleanArray::from(std::mem::take(labels))));
        }
        let scores = std::mem::take(&mut self.scores);
        let predictions: Int8Array = scores
            .iter()
            .map(|score| Some(i8::from(is_anomaly(*score))))
            .collect();
        columns.push(Arc::new(Float64Array::from(scores)));
        columns.push(Arc::new(predictions));
        columns
    }
}

fn schema(layout: &PredictionLayout) -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![Field::new(&layout.time, time, false)];
    fields.extend(
        layout
            .keys
            .iter()
            .map(|(name, _)| Field::new(name, DataType::Utf8, false)),
    );
    fields.extend(
        layout
            .features
            .iter()
            .map(|name| Field::new(name, DataType::Float64, false)),
    );
    fields.extend(
        layout
            .label
            .iter()
            .map(|name| Field::new(name, DataType::Boolean, false)),
    );
    fields.push(Field::new(SCORE, DataType::Float64, false));
    fields.push(Field::new(PREDICTION, DataType::Int8, false));
    Arc::new(Schema::new(fields))
}

/// Without dictionaries: hardly two times or scores are alike, of a key, which is the same in every row, zstd leaves nothing, and
/// of predictions their differences leave hardly more than a dictionary does, in less time.
fn properties(time: &str, columns: usize) -> Result<WriterProperties, ParquetError> {
    let batches = (GROUP_BYTES / (8 * columns * BATCH_ROWS)).max(1);
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        // Not the library's name and version: the same rows give the same bytes whatever wrote them.
        .set_created_by("fleetscore version 1".to_owned())
        .set_max_row_group_row_count(Some(batches * BATCH_ROWS))
        .set_dictionary_enabled(false)
        .set_column_encoding(ColumnPath::from(time), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(ColumnPath::from(PREDICTION), Encoding::DELTA_BINARY_PACKED)
        .build())
}
