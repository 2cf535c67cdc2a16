use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use bytes::Bytes;
use fleetscore_crds::contract::{SegmentFile, StreamColumns};
use fleetscore_storage::{ObjectUrl, Storage, StorageError, Upload};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;

use super::merge::Chunk;
use crate::Rules;
use crate::folder::FolderError;

/// What decides on a file's bytes beside its rows. With any change of how files are written this changes, too, and so do the files' names.
pub(super) const FORMAT: &str = concat!("1 ", env!("CARGO_PKG_VERSION"));

const GROUP_ROWS: usize = 131_072;
const PAGE_ROWS: usize = 4096;

/// Bytes that are sent at a time.
const PIECE: usize = 8 << 20;

/// A file of a segment that is being written.
pub(super) struct FileWriter<'a> {
    rules: &'a Rules,
    schema: Arc<Schema>,
    writer: ArrowWriter<Vec<u8>>,
    sink: Sink,
    file: SegmentFile,
}

impl<'a> FileWriter<'a> {
    /// Begins the file `name` in `folder`. If it is there, it was made of the same parts in the same way, as its name tells.
    pub async fn open(
        storage: &Storage,
        folder: &ObjectUrl,
        name: String,
        columns: &StreamColumns,
        rules: &'a Rules,
    ) -> Result<Self, FolderError> {
        let url = folder.join(&name)?;
        let schema = schema(columns);
        let writer = properties(columns).and_then(|properties| {
            ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))
        });
        Ok(Self {
            rules,
            writer: writer.map_err(|error| failure(&url, &error))?,
            schema,
            sink: Sink::open(storage, url).await?,
            file: SegmentFile {
                name,
                rows: 0,
                bytes: 0,
                first_key: Vec::new(),
                last_key: Vec::new(),
            },
        })
    }

    /// Appends rows, which follow those before in their order.
    pub async fn write(&mut self, chunk: &Chunk) -> Result<(), FolderError> {
        let Some(last) = chunk.times.len().checked_sub(1) else {
            return Ok(());
        };
        let key = |row| {
            chunk
                .keys
                .iter()
                .map(|texts| texts.value(row).to_owned())
                .collect()
        };
        if self.file.rows == 0 {
            self.file.first_key = key(0);
        }
        self.file.last_key = key(last);
        self.file.rows += chunk.times.len() as u64;
        let batch = batch(&self.schema, chunk, self.rules);
        let written = batch.and_then(|batch| self.writer.write(&batch));
        written.map_err(|error| failure(&self.sink.url, &error))?;
        let bytes = std::mem::take(self.writer.inner_mut());
        Ok(self.sink.write(bytes).await?)
    }

    /// Completes the file.
    pub async fn finish(mut self) -> Result<SegmentFile, FolderError> {
        let rest = self.writer.into_inner();
        let rest = rest.map_err(|error| failure(&self.sink.url, &error))?;
        self.sink.write(rest).await?;
        self.file.bytes = self.sink.bytes;
        self.sink.finish().await?;
        Ok(self.file)
    }
}

fn failure(url: &ObjectUrl, error: &ParquetError) -> FolderError {
    let error = StorageError::Other {
        url: url.to_string(),
        cause: error.to_string(),
    };
    error.into()
}

fn schema(columns: &StreamColumns) -> Arc<Schema> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![Field::new(&columns.time, time, false)];
    let keys = columns.keys.iter();
    fields.extend(keys.map(|name| Field::new(name, DataType::Utf8, false)));
    let features = columns.features.iter();
    fields.extend(features.map(|name| Field::new(name, DataType::Float64, true)));
    Arc::new(Schema::new(fields))
}

fn properties(columns: &StreamColumns) -> Result<WriterProperties, ParquetError> {
    // By the keys, which are the columns behind the time, then by time.
    let order = (1..=columns.keys.len())
        .chain([0])
        .map(|column| SortingColumn {
            column_idx: i32::try_from(column).unwrap_or(i32::MAX),
            descending: false,
            nulls_first: false,
        });
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_sorting_columns(Some(order.collect()))
        .build())
}

fn batch(schema: &Arc<Schema>, chunk: &Chunk, rules: &Rules) -> Result<RecordBatch, ParquetError> {
    let times = chunk.times.iter().map(|time| time.div_euclid(1000));
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(times)];
    arrays.extend(
        chunk
            .keys
            .iter()
            .map(|key| Arc::new(key.clone()) as ArrayRef),
    );
    for output in &rules.outputs {
        let value = |row| chunk.partials.value(row, output.feature, output.function);
        let values: Float64Array = (0..chunk.times.len()).map(value).collect();
        arrays.push(Arc::new(values));
    }
    let batch = RecordBatch::try_new(Arc::clone(schema), arrays);
    batch.map_err(|error| ParquetError::ArrowError(error.to_string()))
}

/// Where a file's bytes go.
struct Sink {
    storage: Storage,
    url: ObjectUrl,
    is_there: bool,
    bytes: u64,
    waiting: Vec<u8>,
    upload: Option<Upload>,
}

impl Sink {
    async fn open(storage: &Storage, url: ObjectUrl) -> Result<Self, StorageError> {
        Ok(Self {
            is_there: storage.exists(&url).await?,
            storage: storage.clone(),
            url,
            bytes: 0,
            waiting: Vec::new(),
            upload: None,
        })
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.bytes += bytes.len() as u64;
        if self.is_there {
            return Ok(());
        }
        self.waiting.extend(bytes);
        if self.waiting.len() < PIECE {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.waiting));
        let upload = match &mut self.upload {
            Some(upload) => upload,
            upload => upload.insert(self.storage.upload(&self.url)?),
        };
        upload.write(piece).await
    }

    async fn finish(self) -> Result<(), StorageError> {
        if self.is_there {
            return Ok(());
        }
        let rest = Bytes::from(self.waiting);
        match self.upload {
            Some(mut upload) => {
                upload.write(rest).await?;
                upload.finish().await
            }
            // If another process was faster, it has written the same.
            None => self.storage.put_if(&self.url, rest, None).await.map(|_| ()),
        }
    }
}
