use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use fleetscore_storage::{ObjectInfo, Storage, StorageError};
use futures::future::{BoxFuture, FutureExt};
use object_store::{GetOptions, GetRange, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// Bytes at the end of the object that are asked for first: the footer of a table of 100,000 sensors is in them.
const END_BYTES: u64 = 64 << 10;

/// The bytes of an object, as they were when it was looked up: one that is overwritten meanwhile is an error, not a mixture.
#[derive(Clone)]
pub(super) struct Source {
    store: Arc<dyn ObjectStore>,
    object: ObjectInfo,
    /// The last bytes, and where they begin.
    end: (u64, Bytes),
}

impl Source {
    /// Looks an object up and reads its end.
    pub(super) async fn open(
        storage: &Storage,
        object: ObjectInfo,
    ) -> std::result::Result<Self, StorageError> {
        let (store, _) = storage.object(&object.url)?;
        let mut source = Self {
            store,
            end: (object.size, Bytes::new()),
            object,
        };
        let start = source.object.size.saturating_sub(END_BYTES);
        if start < source.object.size {
            let end = source.get(start..source.object.size).await;
            let end = end.map_err(|error| storage.error(&source.object.url, &error))?;
            source.end = (start, end);
        }
        Ok(source)
    }

    async fn get(&self, range: Range<u64>) -> object_store::Result<Bytes> {
        if range.start >= self.end.0 {
            let at = |position: u64| usize::try_from(position - self.end.0).unwrap_or(usize::MAX);
            let (from, to) = (at(range.start), at(range.end));
            if from <= to && to <= self.end.1.len() {
                return Ok(self.end.1.slice(from..to));
            }
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.object.meta.e_tag.clone(),
            ..GetOptions::default()
        };
        let path = &self.object.meta.location;
        self.store.get_opts(path, options).await?.bytes().await
    }
}

impl AsyncFileReader for Source {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let bytes = self.get(range).await;
            bytes.map_err(|error| ParquetError::External(error.into()))
        }
        .boxed()
    }

    /// With one request where the ranges lie close together, as the columns of a row group do.
    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let this = &*self;
            let fetched = object_store::coalesce_ranges(
                &ranges,
                |range| this.get(range),
                object_store::OBJECT_STORE_COALESCE_DEFAULT,
            );
            fetched
                .await
                .map_err(|error| ParquetError::External(error.into()))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.object.size;
            let reader = ParquetMetaDataReader::new();
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}
