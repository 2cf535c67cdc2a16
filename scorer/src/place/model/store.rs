use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Told of every object that is written or deleted, right after it: by which run, and where.
pub type Witness = Arc<dyn Fn(usize, &'static str, &Path) + Send + Sync>;

/// What a run sees of the storage: requests wait before they are sent, are on their way for some seconds in which nothing can
/// stop them, and their answers come late.
#[derive(Clone)]
pub struct Slow {
    run: usize,
    seed: u64,
    inner: Arc<InMemory>,
    witness: Witness,
    asked: Arc<Mutex<HashMap<String, u64>>>,
}

/// Milliseconds that one request takes.
struct Delays {
    before: u64,
    on_the_way: u64,
    after: u64,
}

impl Slow {
    pub fn new(run: usize, seed: u64, inner: &Arc<InMemory>, witness: &Witness) -> Self {
        Self {
            run,
            seed,
            inner: Arc::clone(inner),
            witness: Arc::clone(witness),
            asked: Arc::default(),
        }
    }

    /// The delays of the next request of this kind. They depend on the seed and on how many there were, not on threads.
    fn delays(&self, verb: &str, path: &str) -> Delays {
        let count = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry(format!("{verb} {path}")).or_default();
            *count += 1;
            *count
        };
        let draw = |what: u8, most: u64| {
            let mut hasher = DefaultHasher::new();
            (self.seed, self.run, verb, path, count, what).hash(&mut hasher);
            hasher.finish() % (most + 1)
        };
        // Most requests are quick, some wait for longer than a write may take.
        let longest = match draw(0, 19) {
            0 => 100_000,
            1..=4 => 5_000,
            _ => 100,
        };
        Delays {
            before: draw(1, longest),
            on_the_way: draw(2, longest.min(4_900)),
            after: draw(3, longest),
        }
    }

    /// Does something at the store after a while. Once it is on its way it is done, also where nobody waits for it any more.
    async fn send<T: Send + 'static>(
        &self,
        verb: &'static str,
        path: &Path,
        effect: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let delays = self.delays(verb, path.as_ref());
        sleep(delays.before).await;
        let (run, witness, path) = (self.run, Arc::clone(&self.witness), path.clone());
        let done = tokio::spawn(async move {
            sleep(delays.on_the_way).await;
            let done = effect.await;
            if done.is_ok() {
                witness(run, verb, &path);
            }
            done
        });
        let done = done.await.unwrap();
        sleep(delays.after).await;
        done
    }
}

async fn sleep(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

#[async_trait]
impl ObjectStore for Slow {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let (inner, path) = (Arc::clone(&self.inner), location.clone());
        self.send("put", location, async move {
            inner.put_opts(&path, payload, opts).await
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // The rest is read by threads, which the clock does not wait for.
        if location.as_ref().contains("/_run/") {
            let delays = self.delays("get", location.as_ref());
            sleep(delays.before).await;
            let result = self.inner.get_opts(location, options).await;
            sleep(delays.after).await;
            return result;
        }
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> Result<Vec<bytes::Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        // The stream must not borrow.
        let this = Arc::new(self.clone());
        locations
            .and_then(move |path| {
                let this = Arc::clone(&this);
                async move {
                    let (inner, gone) = (Arc::clone(&this.inner), path.clone());
                    let deletion = async move {
                        match inner.head(&gone).await {
                            Ok(_) => inner.delete(&gone).await,
                            Err(error) => Err(error),
                        }
                    };
                    this.send("delete", &path, deletion).await?;
                    Ok(path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let inner = Arc::clone(&self.inner);
        let prefix = prefix.cloned();
        let delays = self.delays("list", prefix.as_ref().map_or("", |prefix| prefix.as_ref()));
        stream::once(async move {
            sleep(delays.before).await;
            let found: Vec<_> = inner.list(prefix.as_ref()).collect().await;
            sleep(delays.after).await;
            stream::iter(found)
        })
        .flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Debug for Slow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Slow({})", self.run)
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Slow({})", self.run)
    }
}
