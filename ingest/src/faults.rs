//! Storage in memory that fails when a test says so.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// What happens at the call of this number, counted from 0.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Never,
    /// It and all later ones fail, as where the process is killed before it.
    KilledBefore(usize),
    /// It takes effect, its answer is lost, and all later ones fail, as where the process is killed while it waits.
    KilledAfter(usize),
    /// It takes effect, and its answer is lost.
    Dropped(usize),
    /// The same, and the next one fails without effect: an outage that begins amid a call.
    Outage(usize),
    /// It fails without effect.
    Failed(usize),
}

#[derive(Clone)]
pub struct Faulty {
    inner: Arc<InMemory>,
    fault: Fault,
    calls: Arc<AtomicUsize>,
}

impl Faulty {
    /// Storage over the objects of `inner` with a fault.
    pub fn storage(inner: &Arc<InMemory>, fault: Fault) -> (Storage, Self) {
        let faulty = Self {
            inner: Arc::clone(inner),
            fault,
            calls: Arc::default(),
        };
        let options = StorageOptions {
            max_retries: 0,
            ..StorageOptions::default()
        };
        (Storage::over(Arc::new(faulty.clone()), options), faulty)
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn call<T>(&self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let (fails, takes_effect) = match self.fault {
            Fault::Never => (false, true),
            Fault::KilledBefore(at) => (call >= at, call < at),
            Fault::KilledAfter(at) => (call >= at, call <= at),
            Fault::Dropped(at) => (call == at, true),
            Fault::Outage(at) => (call == at || call == at + 1, call != at + 1),
            Fault::Failed(at) => (call == at, call != at),
        };
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
        write!(out, "Faulty({:?})", self.fault)
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
