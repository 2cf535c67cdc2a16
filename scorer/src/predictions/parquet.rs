use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{self, BoolType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnPath;

use super::error::PredictionError;
use super::packed::PackedRows;
use super::{PREDICTION, PredictionLayout, SCORE, constant};
use crate::models::Verdicts;
use fleetscore_readings::SensorRows;

/// Rows that are encoded at a time; those of a row group are a multiple of it.
const STEP_ROWS: usize = 4096;

/// What a row group may come to before it is compressed.
const GROUP_BYTES: usize = 4 << 20;

/// Writes Parquet, compressed with zstd. Times are microseconds in UTC, which every reader knows; finer fractions are cut off.
///
/// Rows are packed until there are enough for a row group: the library's writer takes a hundred times more than the rows of a
/// sensor do, so it is opened late, and holds next to nothing between two row groups.
pub(super) struct ParquetEncoder {
    layout: PredictionLayout,
    packed: PackedRows,
    writer: Option<SerializedFileWriter<Vec<u8>>>,
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

    /// Appends rows with their verdicts to `out`, packed.
    pub fn append(&self, rows: &SensorRows, verdicts: &Verdicts, out: &mut Vec<u8>) {
        self.packed.pack(rows, verdicts, out);
    }

    /// Appends a row group of packed rows to `out`.
    pub fn write_group(&mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), PredictionError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => open(&self.layout)?,
        };
        for rows in packed.chunks(self.group_bytes()) {
            self.encode(rows, &mut writer)?;
        }
        // Without its room: between two row groups a file holds next to nothing.
        put(writer.inner_mut(), out);
        self.writer = Some(writer);
        Ok(())
    }

    /// Appends the last rows, packed, and the end of the file to `out`.
    pub fn finish(mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), PredictionError> {
        self.write_group(packed, out)?;
        if let Some(writer) = self.writer.take() {
            put(&mut writer.into_inner()?, out);
        }
        Ok(())
    }

    /// Adds a row group of packed rows to the file.
    fn encode(
        &self,
        packed: &[u8],
        file: &mut SerializedFileWriter<Vec<u8>>,
    ) -> Result<(), ParquetError> {
        let rows = u32::try_from(packed.len() / self.packed.width())?;
        let descriptions = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        let pieces = || packed.chunks(STEP_ROWS * self.packed.width());
        write::<Int64Type, _>(&mut group, pieces().map(|rows| self.packed.micros(rows)))?;
        // The keys come after the time.
        let keys = self.layout.keys.iter().zip(descriptions.iter().skip(1));
        for ((_, key), description) in keys {
            constant::append(&mut group, description, key, rows)?;
        }
        for position in 0..self.layout.features.len() {
            let values = pieces().map(|rows| self.packed.feature(rows, position));
            write::<DoubleType, _>(&mut group, values)?;
        }
        if self.layout.label.is_some() {
            write::<BoolType, _>(&mut group, pieces().map(|rows| self.packed.labels(rows)))?;
        }
        write::<DoubleType, _>(&mut group, pieces().map(|rows| self.packed.scores(rows)))?;
        let predictions = |rows| self.packed.anomalies(rows).map(i32::from);
        write::<Int32Type, _>(&mut group, pieces().map(predictions))?;
        group.close()?;
        file.flush()?;
        Ok(())
    }
}

/// Moves bytes to the end of others.
fn put(bytes: &mut Vec<u8>, out: &mut Vec<u8>) {
    let mut bytes = std::mem::take(bytes);
    if out.is_empty() {
        *out = bytes;
    } else {
        out.append(&mut bytes);
    }
}

/// Adds the next column to a row group, piece by piece.
fn write<T, P>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    pieces: impl Iterator<Item = P>,
) -> Result<(), ParquetError>
where
    T: data_type::DataType,
    P: Iterator<Item = T::T>,
{
    let Some(mut column) = group.next_column()? else {
        return Ok(());
    };
    let mut values = Vec::with_capacity(STEP_ROWS);
    for piece in pieces {
        values.clear();
        values.extend(piece);
        column.typed::<T>().write_batch(&values, None, None)?;
    }
    column.close()
}

fn open(layout: &PredictionLayout) -> Result<SerializedFileWriter<Vec<u8>>, PredictionError> {
    let schema = ArrowSchemaConverter::new().convert(&schema(layout))?;
    let properties = properties(&layout.time)?;
    let file = SerializedFileWriter::new(Vec::new(), schema.root_schema_ptr(), properties.into());
    Ok(file?)
}

/// Columns of a file.
fn columns(layout: &PredictionLayout) -> usize {
    layout.names().count()
}

/// Rows of a row group in a file of so many columns.
fn group_rows(columns: usize) -> usize {
    (GROUP_BYTES / (8 * columns * STEP_ROWS)).max(1) * STEP_ROWS
}

fn schema(layout: &PredictionLayout) -> Schema {
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
    Schema::new(fields)
}

/// Without dictionaries: hardly two times or scores are alike, and of predictions their differences leave hardly more than a
/// dictionary does, in less time.
fn properties(time: &str) -> Result<WriterProperties, ParquetError> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        // Not the library's name and version: the same rows give the same bytes whatever wrote them.
        .set_created_by("fleetscore version 1".to_owned())
        .set_dictionary_enabled(false)
        .set_column_encoding(ColumnPath::from(time), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(ColumnPath::from(PREDICTION), Encoding::DELTA_BINARY_PACKED)
        .build())
}
