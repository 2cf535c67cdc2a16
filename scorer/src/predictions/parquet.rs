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

use super::packed::PackedRows;
use super::writer::PredictionError;
use super::{PREDICTION, PredictionLayout, SCORE};
use crate::models::is_anomaly;
use crate::readings::SensorRows;

/// Rows that are encoded at a time. Always the same number, so that the bytes do not depend on how rows arrive.
const BATCH_ROWS: usize = 4096;

/// What a row group may come to before it is compressed.
const GROUP_BYTES: usize = 4 << 20;

/// Writes Parquet, compressed with zstd. Times are microseconds in UTC, which every reader knows; finer fractions are cut off.
///
/// Rows are packed until there are enough for a row group: the library's writer takes a hundred times more than the rows of a
/// sensor do, so it is opened late, and holds next to nothing between two row groups.
pub(super) struct ParquetEncoder {
    layout: PredictionLayout,
    packed: PackedRows,
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl ParquetEncoder {
    pub fn new(layout: &PredictionLayout) -> Self {
        Self {
            layout: layout.clone(),
            packed: PackedRows::new(layout),
            writer: None,
        }
    }

    /// Bytes of the packed rows of a row group.
    pub fn group_bytes(&self) -> usize {
        group_rows(columns(&self.layout)) * self.packed.width()
    }

    /// Appends rows with their scores to `out`, packed.
    pub fn append(&self, rows: &SensorRows, scores: &[f64], out: &mut Vec<u8>) {
        self.packed.pack(rows, scores, out);
    }

    /// Appends a row group of packed rows to `out`.
    pub fn write_group(&mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), PredictionError> {
        let schema = schema(&self.layout);
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => open(&self.layout, &schema)?,
        };
        for rows in packed.chunks(BATCH_ROWS * self.packed.width()) {
            let batch = RecordBatch::try_new(Arc::clone(&schema), self.columns(rows))?;
            writer.write(&batch)?;
        }
        out.append(writer.inner_mut());
        self.writer = Some(writer);
        Ok(())
    }

    /// Appends the last rows, packed, and the end of the file to `out`.
    pub fn finish(mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), PredictionError> {
        self.write_group(packed, out)?;
        if let Some(writer) = self.writer.take() {
            out.append(&mut writer.into_inner()?);
        }
        Ok(())
    }

    /// Packed rows as columns.
    fn columns(&self, packed: &[u8]) -> Vec<ArrayRef> {
        let rows = packed.len() / self.packed.width();
        let micros = TimestampMicrosecondArray::from(self.packed.micros(packed));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(micros.with_timezone("UTC"))];
        for (_, key) in &self.layout.keys {
            let column = StringArray::from_iter_values(std::iter::repeat_n(key, rows));
            columns.push(Arc::new(column));
        }
        for position in 0..self.layout.features.len() {
            let feature = self.packed.feature(packed, position);
            columns.push(Arc::new(Float64Array::from(feature)));
        }
        if let Some(labels) = self.packed.labels(packed) {
            columns.push(Arc::new(BooleanArray::from(labels)));
        }
        let scores = self.packed.scores(packed);
        let predictions: Int8Array = scores
            .iter()
            .map(|score| Some(i8::from(is_anomaly(*score))))
            .collect();
        columns.push(Arc::new(Float64Array::from(scores)));
        columns.push(Arc::new(predictions));
        columns
    }
}

fn open(
    layout: &PredictionLayout,
    schema: &SchemaRef,
) -> Result<ArrowWriter<Vec<u8>>, PredictionError> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties(&layout.time, columns(layout))?)
        .with_skip_arrow_metadata(true);
    let schema = Arc::clone(schema);
    Ok(ArrowWriter::try_new_with_options(
        Vec::new(),
        schema,
        options,
    )?)
}

/// Columns of a file.
fn columns(layout: &PredictionLayout) -> usize {
    layout.names().count()
}

/// Rows of a row group in a file of so many columns.
fn group_rows(columns: usize) -> usize {
    (GROUP_BYTES / (8 * columns * BATCH_ROWS)).max(1) * BATCH_ROWS
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
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        // Not the library's name and version: the same rows give the same bytes whatever wrote them.
        .set_created_by("fleetscore version 1".to_owned())
        .set_max_row_group_row_count(Some(group_rows(columns)))
        .set_dictionary_enabled(false)
        .set_column_encoding(ColumnPath::from(time), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(ColumnPath::from(PREDICTION), Encoding::DELTA_BINARY_PACKED)
        .build())
}
