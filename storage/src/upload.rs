use std::fmt;

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};

use super::store::Container;
use super::{ObjectUrl, StorageError};

/// Objects up to this size are written with one request, larger ones in parts of it, each within the time of a request.
pub(super) const PART_BYTES: usize = 8 << 20;

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

    /// Appends bytes, in parts that each fit into the time of a request; nothing of them stays in memory. Azure takes at most
    /// 50,000 parts an object.
    ///
    /// # Errors
    ///
    /// The upload can then only be aborted or dropped.
    pub async fn write(&mut self, bytes: impl Into<PutPayload>) -> Result<(), StorageError> {
        for part in parts(bytes.into()) {
            self.write_part(part).await?;
        }
        Ok(())
    }

    async fn write_part(&mut self, part: PutPayload) -> Result<(), StorageError> {
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
        let written = parts.put_part(part).await;
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

/// Cuts bytes into parts of [`PART_BYTES`] and a last one that may be smaller.
fn parts(bytes: PutPayload) -> Vec<PutPayload> {
    let (mut parts, mut part, mut room) = (Vec::new(), Vec::new(), PART_BYTES);
    for mut chunk in bytes {
        while chunk.len() >= room {
            part.push(chunk.split_to(room));
            parts.push(PutPayload::from_iter(std::mem::take(&mut part)));
            room = PART_BYTES;
        }
        if !chunk.is_empty() {
            room -= chunk.len();
            part.push(chunk);
        }
    }
    if !part.is_empty() {
        parts.push(PutPayload::from_iter(part));
    }
    parts
}

impl fmt::Debug for Upload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Upload")
            .field("url", &self.url)
            .field("begun", &self.parts.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_full_but_for_the_last() {
        let chunks = [1, PART_BYTES - 1, 3, 2 * PART_BYTES, 0, 5];
        let bytes: Vec<Bytes> = chunks
            .iter()
            .zip(0_u8..)
            .map(|(length, value)| Bytes::from(vec![value; *length]))
            .collect();
        let cut = parts(PutPayload::from_iter(bytes.clone()));
        let lengths: Vec<usize> = cut.iter().map(PutPayload::content_length).collect();
        assert_eq!(lengths, [PART_BYTES, PART_BYTES, PART_BYTES, 8]);
        let joined: Vec<u8> = cut.into_iter().flatten().flatten().collect();
        assert!(joined == bytes.concat());
        assert!(parts(PutPayload::default()).is_empty());
    }
}
