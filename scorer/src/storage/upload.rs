use std::fmt;

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt as _};

use super::store::Container;
use super::{ObjectUrl, StorageError};

/// An object that is being written in parts. It appears, or replaces the one of its name, with [`Upload::finish`]; until then,
/// and when it is dropped or aborted, nobody sees anything of it.
pub struct Upload {
    url: ObjectUrl,
    container: Container,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    pub(super) fn new(url: &ObjectUrl, container: Container) -> Self {
        Self {
            url: url.clone(),
            container,
            parts: None,
        }
    }

    /// Appends bytes as one part; nothing of them stays in memory. Azure takes at most 50,000 parts an object.
    ///
    /// # Errors
    ///
    /// The upload can then only be aborted or dropped.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.parts.is_none() {
            let begun = self
                .container
                .limited()
                .put_multipart(self.url.path())
                .await;
            self.parts = Some(begun.map_err(|error| self.error(&error))?);
        }
        let Some(parts) = &mut self.parts else {
            return Ok(());
        };
        let written = parts.put_part(bytes.into()).await;
        written.map_err(|error| self.error(&error))
    }

    /// Makes the object visible, with all that was written.
    pub async fn finish(mut self) -> Result<(), StorageError> {
        let finished = match &mut self.parts {
            Some(parts) => parts.complete().await,
            None => {
                self.container
                    .limited()
                    .put(self.url.path(), Bytes::new().into())
                    .await
            }
        };
        finished.map(|_| ()).map_err(|error| self.error(&error))
    }

    /// Gives up and removes what was staged.
    pub async fn abort(mut self) -> Result<(), StorageError> {
        let Some(parts) = &mut self.parts else {
            return Ok(());
        };
        let aborted = parts.abort().await;
        aborted.map_err(|error| self.error(&error))
    }

    fn error(&self, error: &object_store::Error) -> StorageError {
        self.container.error(&self.url, error)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Upload")
            .field("url", &self.url)
            .field("begun", &self.parts.is_some())
            .finish_non_exhaustive()
    }
}
