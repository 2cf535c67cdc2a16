use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleetscore_crds::StorageSpec;
use futures::future::{self, TryFutureExt};
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use object_store::limit::LimitStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutResult,
};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::azure::Account;
use super::clock::Clock;
use super::upload::PART_BYTES;
use super::url::is_staged;
use super::{Environment, ObjectUrl, StorageError, StorageOptions, StoreKind, Upload, local};

/// The storage of one run: opened once, then shared by cloning. It keeps one client a container.
#[derive(Clone, Debug)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    options: StorageOptions,
    account: Option<Arc<Account>>,
    /// Turns of files that are read or written in one go.
    files: Semaphore,
    /// Held while a file is compared and replaced.
    swaps: tokio::sync::Mutex<()>,
    clock: Arc<Clock>,
    containers: Mutex<HashMap<(StoreKind, String), Container>>,
}

/// What a store knows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Where it is.
    pub url: ObjectUrl,
    /// Its bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// The same in the store's own terms, as readers of Parquet and the like want it.
    pub meta: ObjectMeta,
}

impl ObjectInfo {
    /// An object whose size is known, and which is never overwritten.
    pub fn known(url: ObjectUrl, size: u64) -> Self {
        let meta = ObjectMeta {
            location: url.path().clone(),
            last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
            size,
            e_tag: None,
            version: None,
        };
        Self {
            url,
            size,
            modified: Timestamp::UNIX_EPOCH,
            meta,
        }
    }
}

impl Storage {
    /// Opens storage with the credentials of this process's environment. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`StorageError::Config`] where the spec is wrong or credentials are absent.
    pub fn new(spec: &StorageSpec, options: StorageOptions) -> Result<Self, StorageError> {
        Self::with_environment(spec, options, &Environment::of_process())
    }

    /// Opens storage with the credentials of the given environment variables.
    pub fn with_environment(
        spec: &StorageSpec,
        options: StorageOptions,
        environment: &Environment,
    ) -> Result<Self, StorageError> {
        let open =
            |azure| Account::new(azure, options.local_credentials, environment).map(Arc::new);
        let account = spec.azure.as_ref().map(open).transpose()?;
        Ok(Self {
            inner: Arc::new(Inner {
                files: Semaphore::new(options.files.max(1)),
                swaps: tokio::sync::Mutex::default(),
                clock: Arc::default(),
                options,
                account,
                containers: Mutex::default(),
            }),
        })
    }

    /// Storage that keeps `memory:///` in the given store, such as one that fails or takes its time in a test.
    pub fn over(store: Arc<dyn ObjectStore>, options: StorageOptions) -> Self {
        let limited = Arc::new(LimitStore::new(Arc::clone(&store), options.concurrency));
        let container = Container {
            store,
            limited,
            account: None,
        };
        let containers = HashMap::from([((StoreKind::Memory, String::new()), container)]);
        Self {
            inner: Arc::new(Inner {
                files: Semaphore::new(options.files.max(1)),
                swaps: tokio::sync::Mutex::default(),
                clock: Arc::default(),
                options,
                account: None,
                containers: Mutex::new(containers),
            }),
        }
    }

    /// How far the clock of the storage account is ahead of this machine's, to about a second, by the latest answer; none before the
    /// first one, and where there is no account.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        self.inner.clock.ahead()
    }

    /// Takes the `Date` of an answer that came at `now` by this machine's clock. The answers of an account are noted so by themselves; this
    /// is for a store that was [given](Storage::over).
    pub fn note_date(&self, date: &str, now: Timestamp) {
        self.inner.clock.note(date, now);
    }

    /// The limits that this storage keeps.
    pub fn options(&self) -> &StorageOptions {
        &self.inner.options
    }

    /// The whole object, refused with [`StorageError::TooLarge`] where it has more than `limit` bytes.
    pub async fn get(&self, url: &ObjectUrl, limit: u64) -> Result<Bytes, StorageError> {
        if url.kind() == StoreKind::File {
            let work = move |url: &ObjectUrl| local::read(url, limit);
            return self.with_file(url, work).await;
        }
        Ok(self.get_with_meta(url, limit).await?.0)
    }

    /// The whole object and what the store says of it; not of files.
    pub(super) async fn get_with_meta(
        &self,
        url: &ObjectUrl,
        limit: u64,
    ) -> Result<(Bytes, ObjectMeta), StorageError> {
        let container = self.container(url)?;
        let result = container
            .limited
            .get(url.path())
            .await
            .map_err(|error| container.error(url, &error))?;
        let meta = result.meta.clone();
        let size = meta.size;
        if size > limit {
            return Err(StorageError::TooLarge {
                url: url.to_string(),
                size,
                limit,
            });
        }
        let bytes = result
            .bytes()
            .await
            .map_err(|error| container.error(url, &error))?;
        Ok((bytes, meta))
    }

    /// What [`Storage::head`] tells, and the object's first bytes, at most `limit`, with one request. Of a file all bytes or none, where it
    /// has more.
    pub async fn begin(
        &self,
        url: &ObjectUrl,
        limit: u64,
    ) -> Result<(ObjectInfo, Bytes), StorageError> {
        if url.kind() == StoreKind::File {
            let small = move |url: &ObjectUrl| local::read_small(url, limit);
            let whole = self.with_file(url, small).await?;
            return match whole {
                Some((meta, bytes)) => Ok((info(url, meta), bytes)),
                None => Ok((self.head(url).await?, Bytes::new())),
            };
        }
        match self.begin_of_store(url, limit).await {
            // A store refuses any range of an object without bytes.
            Err(error) if !(error.is_not_found() || error.is_denied() || error.is_temporary()) => {
                let found = self.head(url).await?;
                if found.size > 0 {
                    return Err(error);
                }
                Ok((found, Bytes::new()))
            }
            begun => begun,
        }
    }

    async fn begin_of_store(
        &self,
        url: &ObjectUrl,
        limit: u64,
    ) -> Result<(ObjectInfo, Bytes), StorageError> {
        let container = self.container(url)?;
        let options = GetOptions {
            range: Some(GetRange::Bounded(0..limit.max(1))),
            ..GetOptions::default()
        };
        let begun = async {
            let result = container.limited.get_opts(url.path(), options).await?;
            let meta = result.meta.clone();
            Ok((info(url, meta), result.bytes().await?))
        };
        begun.await.map_err(|error| container.error(url, &error))
    }

    /// The bytes `range` of the object. The end is cut to the object's; a start behind the object's end is an error.
    pub async fn get_range(
        &self,
        url: &ObjectUrl,
        range: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let container = self.container(url)?;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let result = container.limited.get_opts(url.path(), options).await;
        let bytes = match result {
            Ok(result) => result.bytes().await,
            Err(error) => Err(error),
        };
        bytes.map_err(|error| container.error(url, &error))
    }

    /// The object piece by piece. An open stream does not count as a request in flight.
    pub async fn get_stream(
        &self,
        url: &ObjectUrl,
    ) -> Result<BoxStream<'static, Result<Bytes, StorageError>>, StorageError> {
        let container = self.container(url)?;
        let result = container
            .store
            .get(url.path())
            .await
            .map_err(|error| container.error(url, &error))?;
        let url = url.clone();
        Ok(result
            .into_stream()
            .map_err(move |error| container.error(&url, &error))
            .boxed())
    }

    /// The object's size and time.
    pub async fn head(&self, url: &ObjectUrl) -> Result<ObjectInfo, StorageError> {
        let container = self.container(url)?;
        let meta = container
            .limited
            .head(url.path())
            .await
            .map_err(|error| container.error(url, &error))?;
        Ok(info(url, meta))
    }

    /// Whether the object exists.
    pub async fn exists(&self, url: &ObjectUrl) -> Result<bool, StorageError> {
        match self.head(url).await {
            Ok(_) => Ok(true),
            Err(StorageError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The objects in the folder `url` and below, sorted by the bytes of their paths. A folder that does not exist is empty.
    pub fn list(&self, url: &ObjectUrl) -> BoxStream<'static, Result<ObjectInfo, StorageError>> {
        let container = match self.container(url) {
            Ok(container) => container,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let (of_meta, kind) = (url.clone(), url.kind());
        let listed = container.store.list(Some(url.path()));
        let url = url.clone();
        let infos = listed
            .map_ok(move |meta| info(&of_meta, meta))
            .map_err(move |error| container.error(&url, &error));
        // Azure and memory list in order.
        if kind == StoreKind::File {
            sorted(infos).boxed()
        } else {
            infos.boxed()
        }
    }

    /// Writes the object, replacing the one of its name: readers see the old one or the new one, whole.
    pub async fn put(
        &self,
        url: &ObjectUrl,
        bytes: impl Into<PutPayload>,
    ) -> Result<(), StorageError> {
        let bytes = bytes.into();
        if bytes.content_length() <= PART_BYTES {
            let container = self.container(url)?;
            let put = container.limited.put(url.path(), bytes).await;
            return put
                .map(|_| ())
                .map_err(|error| container.error(url, &error));
        }
        let mut upload = self.upload(url)?;
        upload.write(bytes).await?;
        upload.finish().await
    }

    /// Writes a small object unless there is one of its name; returns whether it was written. Of several writers at once, one
    /// succeeds, of files also those of several processes; readers may see a file before all of it is there. Where a request was sent again after its answer was lost, the object may be this writer's all the same.
    pub async fn create(&self, url: &ObjectUrl, bytes: Bytes) -> Result<bool, StorageError> {
        if url.kind() == StoreKind::File {
            return self
                .with_file(url, move |url| local::create(url, &bytes))
                .await;
        }
        Ok(self.put_if(url, bytes, None).await?.is_some())
    }

    /// Begins to write an object piece by piece.
    pub fn upload(&self, url: &ObjectUrl) -> Result<Upload, StorageError> {
        Ok(Upload::new(url, self.container(url)?))
    }

    /// Deletes the object; one that does not exist is no error.
    pub async fn delete(&self, url: &ObjectUrl) -> Result<(), StorageError> {
        let container = self.container(url)?;
        let options = &self.inner.options;
        let begun = Instant::now();
        let mut pause = options.first_backoff;
        // The client does not send a deletion again that may have been carried out, though that does no harm.
        for _ in 0..options.max_retries {
            match container.delete(url).await {
                Err(StorageError::Unavailable { .. })
                    if begun.elapsed() < options.retry_timeout => {}
                result => return result,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(options.max_backoff);
        }
        container.delete(url).await
    }

    /// Removes what writers that were killed have left in a `file://` folder and below, if it was last written at least `age`
    /// ago; returns how many files. Folders in there that hold a folder `owned` are another writer's and left alone. Other stores need
    /// none of it.
    pub async fn sweep_staged(
        &self,
        url: &ObjectUrl,
        age: Duration,
        owned: &'static str,
    ) -> Result<u64, StorageError> {
        match url.kind() {
            StoreKind::File => {
                self.with_file(url, move |url| local::sweep_staged(url, age, owned))
                    .await
            }
            StoreKind::Azure | StoreKind::Memory => Ok(0),
        }
    }

    /// The file behind a `file://` location, which can be read without a detour.
    pub fn local_file(&self, url: &ObjectUrl) -> Option<PathBuf> {
        (url.kind() == StoreKind::File).then(|| local::path(url))
    }

    /// The object as readers of Parquet and the like want it. Errors that they return go through [`Storage::error`].
    pub fn object(&self, url: &ObjectUrl) -> Result<(Arc<dyn ObjectStore>, Path), StorageError> {
        Ok((self.container(url)?.limited(), url.path().clone()))
    }

    /// Classifies an error of a store that [`Storage::object`] has handed out.
    pub fn error(&self, url: &ObjectUrl, error: &object_store::Error) -> StorageError {
        StorageError::of_store(
            url,
            error,
            self.inner
                .account
                .as_deref()
                .filter(|_| url.kind() == StoreKind::Azure),
        )
    }
}

impl Storage {
    /// Does something with a file where it may block: here, on a thread outside the runtime.
    pub async fn with_file<T: Send + 'static>(
        &self,
        url: &ObjectUrl,
        work: impl FnOnce(&ObjectUrl) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        // The semaphore is never closed.
        let _turn = self.inner.files.acquire().await.ok();
        if Handle::try_current().is_err() {
            return work(url);
        }
        let owned = url.clone();
        let done = tokio::task::spawn_blocking(move || work(&owned)).await;
        done.unwrap_or_else(|error| {
            Err(StorageError::Other {
                url: url.to_string(),
                cause: error.to_string(),
            })
        })
    }

    pub(super) fn swaps(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.swaps
    }

    pub(super) fn container(&self, url: &ObjectUrl) -> Result<Container, StorageError> {
        let mut containers = self
            .inner
            .containers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let key = (url.kind(), url.container().to_owned());
        if let Some(container) = containers.get(&key) {
            return Ok(container.clone());
        }
        let container = self.inner.open(url)?;
        containers.insert(key, container.clone());
        Ok(container)
    }
}

impl Inner {
    fn open(&self, url: &ObjectUrl) -> Result<Container, StorageError> {
        let (store, account): (Arc<dyn ObjectStore>, _) = match url.kind() {
            StoreKind::File => (Arc::new(LocalFileSystem::new()), None),
            StoreKind::Memory => (Arc::new(InMemory::new()), None),
            StoreKind::Azure => {
                let account = self.account.clone().ok_or_else(|| StorageError::Config {
                    reason: format!("{url} needs an account; set storage.azure.account"),
                })?;
                let store = account.open(url.container(), &self.options, &self.clock)?;
                (store, Some(account))
            }
        };
        let at_once = match url.kind() {
            StoreKind::File => self.options.files,
            StoreKind::Azure | StoreKind::Memory => self.options.concurrency,
        };
        let limited = Arc::new(LimitStore::new(Arc::clone(&store), at_once.max(1)));
        Ok(Container {
            store,
            limited,
            account,
        })
    }
}

impl fmt::Debug for Inner {
    // The clients would print their credentials.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Storage")
            .field("options", &self.options)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// The client of one container.
#[derive(Clone)]
pub(super) struct Container {
    /// For streams, which would hold their place among the requests for as long as they are open.
    store: Arc<dyn ObjectStore>,
    limited: Arc<LimitStore<Arc<dyn ObjectStore>>>,
    account: Option<Arc<Account>>,
}

impl Container {
    pub(super) fn limited(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.limited) as Arc<dyn ObjectStore>
    }

    pub(super) fn error(&self, url: &ObjectUrl, error: &object_store::Error) -> StorageError {
        StorageError::of_store(url, error, self.account.as_deref())
    }

    pub(super) async fn put_opts(
        &self,
        url: &ObjectUrl,
        bytes: Bytes,
        mode: PutMode,
    ) -> object_store::Result<PutResult> {
        let limited = &self.limited;
        limited
            .put_opts(url.path(), bytes.into(), mode.into())
            .await
    }

    async fn delete(&self, url: &ObjectUrl) -> Result<(), StorageError> {
        let deleted = self.limited.delete(url.path()).await;
        match deleted.map_err(|error| self.error(url, &error)) {
            Err(StorageError::NotFound { .. }) => Ok(()),
            result => result,
        }
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Container")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

fn info(url: &ObjectUrl, meta: ObjectMeta) -> ObjectInfo {
    let modified =
        Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).unwrap_or_default();
    ObjectInfo {
        url: url.listed(meta.location.clone()),
        size: meta.size,
        modified,
        meta,
    }
}

/// The objects in order and without files that are being written.
fn sorted(
    infos: impl Stream<Item = Result<ObjectInfo, StorageError>> + Send,
) -> impl Stream<Item = Result<ObjectInfo, StorageError>> + Send {
    let complete = |info: &ObjectInfo| future::ready(!info.url.file_name().is_some_and(is_staged));
    let sorted = infos
        .try_filter(complete)
        .try_collect::<Vec<_>>()
        .map_ok(|mut infos| {
            infos.sort_unstable_by(|a, b| a.url.path().cmp(b.url.path()));
            stream::iter(infos.into_iter().map(Ok))
        });
    sorted.try_flatten_stream()
}
