use std::fmt::Write as _;

use bytes::Bytes;
use object_store::{PutMode, UpdateVersion};
use sha2::{Digest, Sha256};

use super::store::Container;
use super::{ObjectUrl, Storage, StorageError, StoreKind, local};

/// The content that an object had when it was read or written: each content has another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Storage {
    /// The whole object and the tag of its content, refused with [`StorageError::TooLarge`] where it has more than `limit` bytes.
    pub async fn get_with_etag(
        &self,
        url: &ObjectUrl,
        limit: u64,
    ) -> Result<(Bytes, Etag), StorageError> {
        if url.kind() == StoreKind::File {
            let bytes = self.get(url, limit).await?;
            let tag = of_content(&bytes);
            return Ok((bytes, tag));
        }
        let (bytes, meta) = self.get_with_meta(url, limit).await?;
        let tag = meta.e_tag.ok_or_else(|| without_tag(url))?;
        Ok((bytes, Etag(tag)))
    }

    /// Writes the object in one request if its content is still `expected`, or, without that, if there is none of its name. Returns the tag
    /// of what was written; none where another writer was first. Of several writers at once, one succeeds: of files those of this
    /// process, since a file system cannot compare and write in one go. Who shares the folder with other processes locks it.
    ///
    /// Where a request was sent again after its answer was lost, and after an error, the object may be this writer's all the same: read
    /// it back to know.
    pub async fn put_if(
        &self,
        url: &ObjectUrl,
        bytes: Bytes,
        expected: Option<&Etag>,
    ) -> Result<Option<Etag>, StorageError> {
        if url.kind() == StoreKind::File {
            return self.put_file_if(url, bytes, expected).await;
        }
        let mode = match expected {
            None => PutMode::Create,
            Some(Etag(tag)) => PutMode::Update(UpdateVersion {
                e_tag: Some(tag.clone()),
                version: None,
            }),
        };
        let container = self.container(url)?;
        match container.put_opts(url, bytes, mode).await {
            Ok(put) => put
                .e_tag
                .map(|tag| Some(Etag(tag)))
                .ok_or_else(|| without_tag(url)),
            Err(error) if is_conflict(url.kind(), &error) => Ok(None),
            Err(error) => Err(container.error(url, &error)),
        }
    }

    async fn put_file_if(
        &self,
        url: &ObjectUrl,
        bytes: Bytes,
        expected: Option<&Etag>,
    ) -> Result<Option<Etag>, StorageError> {
        let _alone = self.swaps().lock().await;
        let found = match self.with_file(url, |url| local::read(url, u64::MAX)).await {
            Ok(bytes) => Some(of_content(&bytes)),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        if found.as_ref() != expected {
            return Ok(None);
        }
        let tag = of_content(&bytes);
        let container: Container = self.container(url)?;
        match container.put_opts(url, bytes, PutMode::Overwrite).await {
            Ok(_) => Ok(Some(tag)),
            Err(error) => Err(container.error(url, &error)),
        }
    }
}

fn of_content(bytes: &[u8]) -> Etag {
    let mut tag = format!("{}-", bytes.len());
    for byte in Sha256::digest(bytes) {
        // Writing into a text cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    Etag(tag)
}

fn without_tag(url: &ObjectUrl) -> StorageError {
    StorageError::Other {
        url: url.to_string(),
        cause:
            "storage has answered without an ETag, which tells changes; check what stands between"
                .to_owned(),
    }
}

/// Whether the object is not as expected. Azure refuses for other reasons with the same status: a lease, a container that is being deleted.
fn is_conflict(kind: StoreKind, error: &object_store::Error) -> bool {
    use object_store::Error::{AlreadyExists, NotFound, Precondition};
    if !matches!(
        error,
        AlreadyExists { .. } | Precondition { .. } | NotFound { .. }
    ) {
        return false;
    }
    let codes = ["BlobAlreadyExists", "ConditionNotMet", "BlobNotFound"];
    let text = error.to_string();
    kind != StoreKind::Azure || codes.iter().any(|code| text.contains(code))
}
