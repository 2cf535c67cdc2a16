use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    self, BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnPath;

use super::error::PredictionError;
use super::packed::PackedRows;
use super::{ANOMALY, EXPECTED, PREDICTION, PredictionLayout, SCORE, constant};
use crate::models::{Kind, Labels, Verdicts};
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
    labels: Labels,
    packed: PackedRows,
    writer: Option<SerializedFileWriter<Vec<u8>>>,
}

impl ParquetEncoder {
    pub fn new(layout: &PredictionLayout, labels: &Labels) -> Self {
        Self {
            layout: layout.clone(),
            labels: labels.clone(),
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
            None => open(&self.layout, &self.labels)?,
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
        if self.layout.kind == Kind::Residual {
            write::<DoubleType, _>(&mut group, pieces().map(|rows| self.packed.expected(rows)))?;
        }
        // Of a regressor the value, which is the prediction.
        write::<DoubleType, _>(&mut group, pieces().map(|rows| self.packed.scores(rows)))?;
        if self.layout.kind == Kind::Class {
            self.encode_labels(&mut group, pieces())?;
        }
        if self.layout.kind != Kind::Value {
            let anomalies = |rows| self.packed.anomalies(rows).map(i32::from);
            write::<Int32Type, _>(&mut group, pieces().map(anomalies))?;
        }
        group.close()?;
        file.flush()?;
        Ok(())
    }
}

impl ParquetEncoder {
    /// Adds the labels of packed rows' classes to a row group.
    fn encode_labels<'p>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
        pieces: impl Iterator<Item = &'p [u8]>,
    ) -> Result<(), ParquetError> {
        match &self.labels {
            Labels::Integers(labels) => {
                let label = |class| labels.get(usize::from(class)).copied().unwrap_or_default();
                let of = |rows| self.packed.classes(rows).map(label);
                write::<Int64Type, _>(group, pieces.map(of))
            }
            Labels::Texts(labels) => {
                let labels: Vec<ByteArray> = (labels.iter())
                    .map(|label| ByteArray::from(label.as_str()))
                    .collect();
                let label = |class| labels.get(usize::from(class)).cloned().unwrap_or_default();
                let of = |rows| self.packed.classes(rows).map(label);
                write::<ByteArrayType, _>(group, pieces.map(of))
            }
        }
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

fn open(
    layout: &PredictionLayout,
    labels: &Labels,
) -> Result<SerializedFileWriter<Vec<u8>>, PredictionError> {
    let schema = ArrowSchemaConverter::new().convert(&schema(layout, labels))?;
    let properties = properties(layout)?;
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

fn schema(layout: &PredictionLayout, labels: &Labels) -> Schema {
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
    let label = match labels {
        Labels::Integers(_) => DataType::Int64,
        Labels::Texts(_) => DataType::Utf8,
    };
    let computed: &[(&str, DataType)] = match layout.kind {
        Kind::Anomaly => &[(SCORE, DataType::Float64), (PREDICTION, DataType::Int8)],
        Kind::Residual => &[
            (EXPECTED, DataType::Float64),
            (SCORE, DataType::Float64),
            (PREDICTION, DataType::Int8),
        ],
        Kind::Class => &[
            (SCORE, DataType::Float64),
            (PREDICTION, label),
            (ANOMALY, DataType::Int8),
        ],
        Kind::Value => &[(PREDICTION, DataType::Float64)],
    };
    let computed = computed.iter();
    fields.extend(computed.map(|(name, kind)| Field::new(*name, kind.clone(), false)));
    Schema::new(fields)
}

/// Without dictionaries: hardly two times or scores are alike, and of predictions their differences leave hardly more than a
/// dictionary does, in less time.
fn properties(layout: &PredictionLayout) -> Result<WriterProperties, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        // Not the library's name and version: the same rows give the same bytes whatever wrote them.
        .set_created_by("fleetscore version 1".to_owned())
        .set_dictionary_enabled(false)
        .set_column_encoding(
            ColumnPath::from(layout.time.as_str()),
            Encoding::DELTA_BINARY_PACKED,
        );
    let small = |name| ColumnPath::from(name);
    let properties = match layout.kind {
        Kind::Anomaly | Kind::Residual => {
            properties.set_column_encoding(small(PREDICTION), Encoding::DELTA_BINARY_PACKED)
        }
        // Labels are few.
        Kind::Class => properties
            .set_column_dictionary_enabled(small(PREDICTION), true)
            .set_column_encoding(small(ANOMALY), Encoding::DELTA_BINARY_PACKED),
        Kind::Value => properties,
    };
    Ok(properties.build())
}
