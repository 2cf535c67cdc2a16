use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int8Array, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
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
    writer: Option<Writer>,
}

/// A file that is being written.
struct Writer {
    schema: SchemaRef,
    file: SerializedFileWriter<Vec<u8>>,
    encoders: ArrowRowGroupWriterFactory,
    /// The columns of the keys in a full row group, once there is one.
    keys: Vec<KeyColumn>,
}

/// The column of a key. It is the same in every full row group, so it is encoded in the first one only.
struct KeyColumn {
    bytes: Bytes,
    encoded: ColumnCloseResult,
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
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => Writer::open(&self.layout)?,
        };
        for rows in packed.chunks(self.group_bytes()) {
            self.encode(rows, &mut writer)?;
        }
        out.append(writer.file.inner_mut());
        self.writer = Some(writer);
        Ok(())
    }

    /// Appends the last rows, packed, and the end of the file to `out`.
    pub fn finish(mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), PredictionError> {
        self.write_group(packed, out)?;
        if let Some(writer) = self.writer.take() {
            out.append(&mut writer.file.into_inner()?);
        }
        Ok(())
    }

    /// Adds a row group of packed rows to the file.
    fn encode(&self, packed: &[u8], writer: &mut Writer) -> Result<(), PredictionError> {
        let full = packed.len() == self.group_bytes();
        let known = if full {
            std::mem::take(&mut writer.keys)
        } else {
            Vec::new()
        };
        let group = writer.file.flushed_row_groups().len();
        let mut encoders = writer.encoders.create_column_writers(group)?;
        for rows in packed.chunks(BATCH_ROWS * self.packed.width()) {
            let columns = self.columns(rows, known.is_empty());
            let fields = writer.schema.fields().iter().zip(columns);
            for ((field, column), encoder) in fields.zip(&mut encoders) {
                let Some(column) = column else { continue };
                for leaf in compute_leaves(field, &column)? {
                    encoder.write(&leaf)?;
                }
            }
        }
        let mut group = writer.file.next_row_group()?;
        let mut encoded = Vec::new();
        for (position, encoder) in encoders.into_iter().enumerate() {
            // The keys come after the time.
            let key = position.checked_sub(1);
            if let Some(column) = key.and_then(|key| known.get(key)) {
                group.append_column(&column.bytes, column.encoded.clone())?;
                continue;
            }
            let column = encoder.close()?;
            if key.is_some_and(|key| key < self.layout.keys.len()) {
                encoded.push(column.close().clone());
            }
            column.append_to_row_group(&mut group)?;
        }
        let metadata = group.close()?;
        writer.file.flush().map_err(ParquetError::from)?;
        if full && known.is_empty() {
            let columns = metadata.columns().iter().skip(1);
            let ranges = columns.map(ColumnChunkMetaData::byte_range);
            writer.keep_keys(ranges, encoded);
        } else if full {
            writer.keys = known;
        }
        Ok(())
    }

    /// Packed rows as columns; those of the keys only where they are wanted.
    fn columns(&self, packed: &[u8], keys: bool) -> Vec<Option<ArrayRef>> {
        let rows = packed.len() / self.packed.width();
        let micros = TimestampMicrosecondArray::from(self.packed.micros(packed));
        let mut columns: Vec<Option<ArrayRef>> = vec![Some(Arc::new(micros.with_timezone("UTC")))];
        for (_, key) in &self.layout.keys {
            let column = || StringArray::from_iter_values(std::iter::repeat_n(key, rows));
            columns.push(keys.then(|| Arc::new(column()) as ArrayRef));
        }
        for position in 0..self.layout.features.len() {
            let feature = self.packed.feature(packed, position);
            columns.push(Some(Arc::new(Float64Array::from(feature))));
        }
        if let Some(labels) = self.packed.labels(packed) {
            columns.push(Some(Arc::new(BooleanArray::from(labels))));
        }
        let scores = self.packed.scores(packed);
        let predictions = scores.iter().map(|score| i8::from(is_anomaly(*score)));
        let predictions = Int8Array::from_iter_values(predictions);
        columns.push(Some(Arc::new(Float64Array::from(scores))));
        columns.push(Some(Arc::new(predictions)));
        columns
    }
}

impl Writer {
    fn open(layout: &PredictionLayout) -> Result<Self, PredictionError> {
        let schema = schema(layout);
        let (file, encoders) = open(layout, &schema)?.into_serialized_writer()?;
        Ok(Self {
            schema,
            file,
            encoders,
            keys: Vec::new(),
        })
    }

    /// Keeps the columns of the keys in the last row group, which are in these ranges of the file.
    fn keep_keys(
        &mut self,
        ranges: impl Iterator<Item = (u64, u64)>,
        encoded: Vec<ColumnCloseResult>,
    ) {
        let held = self.file.inner();
        let before = (self.file.bytes_written() - held.len()) as u64;
        let column = |((start, length), encoded): ((u64, u64), ColumnCloseResult)| {
            let start = usize::try_from(start.checked_sub(before)?).ok()?;
            let bytes = held.get(start..start + usize::try_from(length).ok()?)?;
            Some(KeyColumn {
                bytes: Bytes::copy_from_slice(bytes),
                encoded,
            })
        };
        let keys: Option<Vec<KeyColumn>> = ranges.zip(encoded).map(column).collect();
        self.keys = keys.unwrap_or_default();
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
