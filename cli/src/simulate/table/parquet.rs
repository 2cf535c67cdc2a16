use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, StringBuilder, TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{Layout, Row, Table};
use crate::simulate::Error;
use crate::simulate::sensor::UNITS;

/// Rows handed to the writer at once.
const BATCH: usize = 1 << 14;
/// Rows of a row group: small enough that a window reads little of the file.
const ROW_GROUP: usize = 1 << 17;

/// A Parquet file: TS as UTC timestamps in milliseconds, the keys as text, the features as doubles, Label as a boolean.
pub(super) struct ParquetTable {
    path: PathBuf,
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    columns: Columns,
    labelled: bool,
}

struct Columns {
    time: TimestampMillisecondBuilder,
    device: StringBuilder,
    tag: StringBuilder,
    features: Vec<Float64Builder>,
    label: BooleanBuilder,
    rows: usize,
}

impl ParquetTable {
    /// Writes the head of the file.
    pub(super) fn new(path: &Path, file: File, layout: &Layout) -> Result<Self, Error> {
        let schema = schema(layout);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(at(path))?;
        let columns = Columns {
            time: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            device: StringBuilder::new(),
            tag: StringBuilder::new(),
            features: layout
                .features
                .iter()
                .map(|_| Float64Builder::new())
                .collect(),
            label: BooleanBuilder::new(),
            rows: 0,
        };
        Ok(Self {
            path: path.to_owned(),
            writer,
            schema,
            columns,
            labelled: layout.labelled,
        })
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let arrays = self.columns.take(self.labelled);
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)?;
        self.writer.write(&batch)
    }
}

impl Columns {
    fn push(&mut self, row: Row<'_>) {
        self.time.append_value(row.time);
        // Writing into a builder of strings only appends to memory.
        let _ = write!(self.device, "{}", row.place.device);
        self.device.append_value("");
        let _ = write!(self.tag, "{}", row.place.tag);
        self.tag.append_value("");
        for (builder, value) in self.features.iter_mut().zip(row.values) {
            builder.append_value(*value as f64 / UNITS);
        }
        self.label.append_value(row.anomalous);
        self.rows += 1;
    }

    fn take(&mut self, labelled: bool) -> Vec<ArrayRef> {
        self.rows = 0;
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.time.finish()),
            Arc::new(self.device.finish()),
            Arc::new(self.tag.finish()),
        ];
        arrays.extend(
            self.features
                .iter_mut()
                .map(|builder| Arc::new(builder.finish()) as ArrayRef),
        );
        let label = self.label.finish();
        if labelled {
            arrays.push(Arc::new(label));
        }
        arrays
    }
}

impl Table for ParquetTable {
    fn push(&mut self, row: Row<'_>) -> Result<(), Error> {
        self.columns.push(row);
        if self.columns.rows == BATCH {
            self.flush().map_err(at(&self.path))
        } else {
            Ok(())
        }
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        self.flush().map_err(at(&self.path))?;
        let Self { path, writer, .. } = *self;
        writer.close().map_err(at(&path)).map(|_| ())
    }
}

fn schema(layout: &Layout) -> SchemaRef {
    let mut fields = vec![
        Field::new(
            "TS",
            DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            false,
        ),
        Field::new("Device", DataType::Utf8, false),
        Field::new("Tag", DataType::Utf8, false),
    ];
    fields.extend(
        layout
            .features
            .iter()
            .map(|name| Field::new(name, DataType::Float64, false)),
    );
    if layout.labelled {
        fields.push(Field::new("Label", DataType::Boolean, false));
    }
    Arc::new(Schema::new(fields))
}

fn at(path: &Path) -> impl FnOnce(ParquetError) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Parquet { path, source }
}
