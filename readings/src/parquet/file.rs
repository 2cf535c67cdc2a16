use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{OBJECT_STORE_COALESCE_DEFAULT, coalesce_ranges};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaDataReader;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Metadata;
use crate::ObjectSource;

/// Bytes at the end of a file that are fetched at once, so that most footers need one request.
const FOOTER: usize = 64 << 10;

/// Bytes after the footer: its length, and the mark of the format.
pub(super) const TAIL: usize = 8;

/// Gives the Parquet library ranges of an object, and counts them.
#[derive(Clone)]
pub(super) struct ObjectFile {
    object: ObjectSource,
    read: Arc<AtomicU64>,
    /// Bytes of the footer, once its length has been read.
    footer: Arc<OnceLock<u32>>,
}

impl ObjectFile {
    pub fn new(object: ObjectSource) -> Self {
        Self {
            object,
            read: Arc::new(AtomicU64::new(0)),
            footer: Arc::new(OnceLock::new()),
        }
    }

    /// Counts the bytes that are fetched.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// Bytes of the footer, once it has been read.
    pub fn footer(&self) -> Option<u64> {
        self.footer.get().copied().map(u64::from)
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.object.size()
    }

    /// Where requests run.
    pub fn runtime(&self) -> &Handle {
        &self.object.runtime
    }

    /// What a task of the runtime comes to, blocking.
    pub fn wait<T>(&self, task: &mut JoinHandle<Result<T>>) -> Result<T> {
        let done = self.object.runtime.block_on(task);
        done.unwrap_or_else(|error| Err(ParquetError::General(error.to_string())))
    }

    /// Fetches a range, blocking.
    pub fn read_now(&self, range: Range<u64>) -> Result<Bytes> {
        self.object.runtime.block_on(self.fetch(range))
    }

    /// Fetches a range; one that the object cannot have is damage.
    async fn fetch(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.object.size() {
            return Err(ParquetError::EOF(format!(
                "bytes {range:?} are beyond the end of the file"
            )));
        }
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.read
            .fetch_add(range.end - range.start, Ordering::Relaxed);
        let end = range.end;
        let fetched = self.object.get(range).await;
        let bytes = fetched.map_err(|error| ParquetError::External(Box::new(error)))?;
        if end == self.object.size()
            && let Some((length, _)) = bytes
                .last_chunk::<TAIL>()
                .and_then(|tail| tail.split_first_chunk())
        {
            self.footer.get_or_init(|| u32::from_le_bytes(*length));
        }
        Ok(bytes)
    }
}

impl AsyncFileReader for ObjectFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.fetch(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        let file = &*self;
        async move {
            if ranges.iter().any(|range| range.start > range.end) {
                return Err(ParquetError::General(
                    "a range of bytes ends before it begins".to_owned(),
                ));
            }
            coalesce_ranges(
                &ranges,
                |range| file.fetch(range),
                OBJECT_STORE_COALESCE_DEFAULT,
            )
            .await
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Metadata>> {
        async move {
            let size = self.object.size();
            let reader = ParquetMetaDataReader::new()
                .with_metadata_options(options.map(|options| options.metadata_options().clone()))
                .with_prefetch_hint(Some(FOOTER));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}
