use std::fs::File;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use fleetscore_storage::{ObjectInfo, Storage, StorageError};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::runtime::Handle;

use super::prefetch::Prefetch;
use super::{ReadingsError, Result};

/// An object of readings and how to get at its bytes.
#[derive(Clone, Debug)]
pub struct ObjectSource {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) meta: ObjectMeta,
    name: String,
    pub(super) runtime: Handle,
    file: Option<PathBuf>,
    /// The first bytes, where they are there already.
    first: Bytes,
}

impl ObjectSource {
    /// The object `meta` of `store`, called `name` (its URL) in messages. Requests run on `runtime`, which must be of the
    /// multi-threaded kind.
    ///
    /// Where `meta` has an `e_tag`, an object that is overwritten meanwhile ends the read with an error instead of a mixture.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        meta: ObjectMeta,
        name: impl Into<String>,
        runtime: Handle,
    ) -> Self {
        Self {
            store,
            meta,
            name: name.into(),
            runtime,
            file: None,
            first: Bytes::new(),
        }
    }

    /// An object in storage, called by its URL. Call it in the runtime that its requests shall run on.
    ///
    /// # Errors
    ///
    /// The container cannot be opened.
    pub fn open(storage: &Storage, object: &ObjectInfo) -> std::result::Result<Self, StorageError> {
        let (store, _) = storage.object(&object.url)?;
        let name = object.url.to_string();
        let source = Self::new(store, object.meta.clone(), name, Handle::current());
        Ok(match storage.local_file(&object.url) {
            Some(file) => source.with_file(file),
            None => source,
        })
    }

    /// The same object, called by another name in messages.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same object, which is the local file `path`: streamed without the detour over the store.
    #[must_use]
    pub fn with_file(mut self, path: PathBuf) -> Self {
        self.file = Some(path);
        self
    }

    /// The same object, whose first bytes are there already.
    #[must_use]
    pub fn with_first(mut self, bytes: Bytes) -> Self {
        self.first = bytes;
        self
    }

    /// Whether the whole object is there already.
    pub fn is_here(&self) -> bool {
        self.first.len() as u64 == self.meta.size
    }

    /// The object's URL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The object's length in bytes.
    pub fn size(&self) -> u64 {
        self.meta.size
    }

    /// An error of storage about this object.
    pub(super) fn storage_error(&self, source: object_store::Error) -> ReadingsError {
        ReadingsError::Storage {
            object: self.name.clone(),
            source,
        }
    }

    /// Reads a range of bytes, blocking.
    pub(super) fn range(&self, range: Range<u64>) -> Result<Bytes> {
        if let Some(bytes) = self.of_first(&range) {
            return Ok(bytes);
        }
        self.runtime
            .block_on(self.get(range))
            .map_err(|error| self.storage_error(error))
    }

    /// A range of the bytes that are there already.
    fn of_first(&self, range: &Range<u64>) -> Option<Bytes> {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok()?;
        (start <= end && end <= self.first.len()).then(|| self.first.slice(start..end))
    }

    /// Reads a range of bytes.
    pub async fn get(&self, range: Range<u64>) -> object_store::Result<Bytes> {
        if let Some(bytes) = self.of_first(&range) {
            return Ok(bytes);
        }
        let expected = range.end - range.start;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            if_match: self.meta.e_tag.clone(),
            version: self.meta.version.clone(),
            ..GetOptions::default()
        };
        let bytes = self
            .store
            .get_opts(&self.meta.location, options)
            .await?
            .bytes()
            .await?;
        if bytes.len() as u64 == expected {
            return Ok(bytes);
        }
        let message = format!(
            "bytes {range:?} are not all there: the object is shorter than it was or says it is"
        );
        Err(object_store::Error::Generic {
            store: "readings",
            source: message.into(),
        })
    }

    /// Whether it is streamed from a local file.
    pub(super) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// The object from its first to its last byte; at most `memory` bytes are read ahead.
    pub fn stream(&self, memory: usize) -> Result<Box<dyn Read + Send>> {
        if self.is_here() {
            return Ok(Box::new(Cursor::new(self.first.clone())));
        }
        let Some(path) = &self.file else {
            let rest = Prefetch::new(self.clone(), self.first.len() as u64, memory);
            return Ok(Box::new(Cursor::new(self.first.clone()).chain(rest)));
        };
        let file = File::open(path).map_err(|error| self.file_error(path, error))?;
        Ok(Box::new(file))
    }

    fn file_error(&self, path: &std::path::Path, error: std::io::Error) -> ReadingsError {
        let path = path.display().to_string();
        let source = match error.kind() {
            std::io::ErrorKind::NotFound => object_store::Error::NotFound {
                path,
                source: Box::new(error),
            },
            std::io::ErrorKind::PermissionDenied => object_store::Error::PermissionDenied {
                path,
                source: Box::new(error),
            },
            _ => object_store::Error::Generic {
                store: "file",
                source: Box::new(error),
            },
        };
        self.storage_error(source)
    }

    /// What an error while streaming means: storage's own error where there is one inside.
    pub fn stream_error(&self, error: std::io::Error) -> ReadingsError {
        match error.downcast::<object_store::Error>() {
            Ok(source) => self.storage_error(source),
            Err(error) => ReadingsError::unreadable(&self.name, error.to_string()),
        }
    }
}
