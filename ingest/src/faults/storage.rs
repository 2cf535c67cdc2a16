use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fleetscore_storage::{Storage, StorageOptions};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result, UploadPart,
};

use super::{Calls, Fault, Outcome};

/// Storage in memory that fails when a test says so.
#[derive(Clone)]
pub struct Faulty {
    inner: Arc<InMemory>,
    calls: Calls,
    /// What lies below this takes so long to be written.
    slow: Option<(Path, Duration)>,
}

impl Faulty {
    /// Storage over the objects of `inner` with the fault of `calls`.
    pub fn storage(inner: &Arc<InMemory>, calls: &Calls) -> Storage {
        let faulty = Self {
            inner: Arc::clone(inner),
            calls: calls.clone(),
            slow: None,
        };
        faulty.over()
    }

    /// Storage over the objects of `inner` that takes `pause` for each object below `prefix`.
    pub fn slow(inner: &Arc<InMemory>, prefix: &str, pause: Duration) -> Storage {
        let faulty = Self {
            inner: Arc::clone(inner),
            calls: Calls::new(Fault::Never),
            slow: Some((Path::from(prefix), pause)),
        };
        faulty.over()
    }

    fn over(self) -> Storage {
        let options = StorageOptions {
            max_retries: 0,
            ..StorageOptions::default()
        };
        Storage::over(Arc::new(self), options)
    }

    async fn call<T>(&self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        let Outcome {
            fails,
            takes_effect,
        } = self.calls.next();
        let done = if takes_effect {
            Some(effect.await)
        } else {
            None
        };
        match done {
            Some(done) if !fails => done,
            _ => Err(Error::Generic {
                store: "faulty",
                source: Box::new(io::Error::from(io::ErrorKind::TimedOut)),
            }),
        }
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        if let Some((prefix, pause)) = &self.slow
            && location.prefix_matches(prefix)
        {
            tokio::time::sleep(*pause).await;
        }
        self.call(self.inner.put_opts(location, payload, opts))
            .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self
            .call(self.inner.put_multipart_opts(location, opts))
            .await?;
        Ok(Box::new(FaultyUpload {
            upload,
            faulty: self.clone(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.call(self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.call(self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let delete = move |path: Path| {
            let this = this.clone();
            async move {
                this.call(this.inner.delete(&path)).await?;
                Ok(path)
            }
        };
        locations.and_then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let objects = this.inner.list(prefix.as_ref()).try_collect::<Vec<_>>();
            this.call(objects).await
        };
        stream::once(listed)
            .map_ok(|objects| stream::iter(objects.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.call(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call(self.inner.copy_opts(from, to, options)).await
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Faulty({})", self.inner)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    faulty: Faulty,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (faulty, part) = (self.faulty.clone(), self.upload.put_part(data));
        Box::pin(async move { faulty.call(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.faulty.clone().call(self.upload.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.faulty.clone().call(self.upload.abort()).await
    }
}
