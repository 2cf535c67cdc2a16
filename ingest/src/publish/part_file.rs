use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use fleetscore_storage::{ObjectUrl, Storage, StorageError};
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::folder::FolderError;

/// A part as it is read: piece by piece.
pub(super) struct PartFile {
    storage: Storage,
    url: ObjectUrl,
    size: u64,
}

impl PartFile {
    pub async fn open(storage: &Storage, url: &ObjectUrl) -> Result<Self, FolderError> {
        Ok(Self {
            storage: storage.clone(),
            url: url.clone(),
            size: storage.head(url).await?.size,
        })
    }
}

impl AsyncFileReader for PartFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        let fetched = self.storage.get_range(&self.url, range);
        fetched
            .map(|bytes| bytes.map_err(|error| ParquetError::External(Box::new(error))))
            .boxed()
    }

    /// With one request: the columns of a group of rows lie side by side, and all of them are read.
    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let start = ranges.iter().map(|range| range.start).min().unwrap_or(0);
            let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
            if end > self.size {
                return Err(ParquetError::EOF(
                    "its columns lie behind its end".to_owned(),
                ));
            }
            let all = self.get_bytes(start..end).await?;
            let piece = |range: &Range<u64>| {
                let (from, to) = (range.start - start, range.end - start);
                let piece = usize::try_from(from).ok().zip(usize::try_from(to).ok());
                piece
                    .filter(|(from, to)| from <= to && *to <= all.len())
                    .map(|(from, to)| all.slice(from..to))
                    .ok_or_else(|| ParquetError::EOF("it ends too early".to_owned()))
            };
            ranges.iter().map(piece).collect()
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            let reader = ParquetMetaDataReader::new();
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

/// Why a part cannot be read.
pub(super) fn failure(url: &ObjectUrl, error: ParquetError) -> FolderError {
    let malformed = |cause: String| FolderError::Malformed {
        url: url.to_string(),
        cause,
    };
    match error {
        ParquetError::External(source) => match source.downcast::<StorageError>() {
            Ok(error) => FolderError::Storage(*error),
            Err(other) => malformed(other.to_string()),
        },
        other => malformed(other.to_string()),
    }
}
