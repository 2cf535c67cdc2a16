use std::sync::Arc;

use bytes::Bytes;
use futures::executor::block_on;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::location::Template;
use crate::models::{self, Allowance, MlflowFolder, Model, ModelError, Preparation};
use crate::steps::Context;
use crate::steps::engine::Engine;
use crate::steps::model::{SensorModel, mismatch};
use fleetscore_crds::{Failure, FailureReason, ModelBundle, ModelFormat, SensorKey, WorkerUse};
use fleetscore_storage::{ObjectUrl, StorageError};

/// Largest model file, in bytes.
const MODEL_BYTES: u64 = 256 * 1024 * 1024;
/// Largest file of a scaler, and memory to read it, in bytes.
const SCALER_BYTES: u64 = 4 * 1024 * 1024;
const SCALER_MEMORY: usize = 16 * 1024 * KIB;
const KIB: usize = 1024;
/// How often a folder that is replaced while it is read is read anew.
const FOLDER_READS: usize = 3;

/// Reads models, as many at a time as are asked for, in bounded memory: each may take a small share at once, and those that need
/// more wait until they get it.
pub struct ModelReader<'c> {
    context: &'c Context,
    /// KiB that all models together may take beyond their small shares.
    large: Semaphore,
    /// Bytes of a small share.
    small: usize,
    /// Bytes that one model may take.
    most: usize,
    /// The scaler that all sensors have in common, once it is read.
    common: OnceCell<Preparation>,
}

impl<'c> ModelReader<'c> {
    /// A reader of the run's models. Those that are read at the same time take up to `memory` bytes together, a quarter of it in
    /// small shares.
    pub fn new(context: &'c Context, memory: usize) -> Self {
        let most = memory / 4 * 3;
        Self {
            context,
            large: Semaphore::new(most / KIB),
            small: (memory / 4 / context.limits.requests.max(1)).max(64 * KIB),
            most,
            common: OnceCell::new(),
        }
    }

    /// What scores a sensor whose model is at `location`, a URL: its model, or Python where the spec says so, of all models or of those
    /// that cannot be read.
    ///
    /// Errors as [`Self::read`].
    pub async fn engine(&self, location: &str, sensor: &SensorKey) -> Result<Engine, Failure> {
        let worker = self.context.run.spec.model.worker.as_ref();
        let used = worker.map(|worker| worker.used);
        if used == Some(WorkerUse::Always) {
            return Engine::python(&self.context.run.spec.model);
        }
        match self.read(location, sensor).await {
            Err(failure) if used.is_some() && failure.reason == FailureReason::ModelUnreadable => {
                tracing::debug!(sensor = %sensor, "Python scores it, for the model is none of those that are read: {}", failure.message);
                Engine::python(&self.context.run.spec.model)
            }
            model => model.map(Engine::Native),
        }
    }

    /// Reads the model at `location`, a URL, and the scaler of `sensor` before it where that is a file of its own.
    ///
    /// Errors when there is none, it cannot be read, it takes too much memory, or its features are not the run's columns.
    pub async fn read(&self, location: &str, sensor: &SensorKey) -> Result<SensorModel, Failure> {
        let url = ObjectUrl::parse(location)
            .map_err(|error| error.failure(FailureReason::ModelNotFound))?;
        let place = url.to_string();
        let model = if self.is_folder(location) {
            self.read_folder(&url).await?
        } else {
            self.read_file(&url, None).await?
        };
        let model = match &self.context.run.scaler {
            None => model,
            Some(scaler) => {
                let before = self.scaler(scaler, sensor).await?;
                let behind = model.behind(before);
                let at = || format!("{place}, behind spec.model.scaler");
                behind.map_err(|error| mismatch(format!("{}: {error}", at())))?
            }
        };
        let spec = &self.context.run.spec;
        let model = model
            .with_output(&spec.model)
            .map_err(|error| match error {
                // Where Python may score what is not read, it scores that.
                ModelError::NoBorder(_) if spec.model.worker.is_some() => unreadable(&url, &error),
                _ => mismatch(format!("{place}: {error}")),
            })?;
        SensorModel::fit(&place, model, &spec.input.columns.features)
    }

    /// The scaler of a sensor; one without placeholders is read once.
    async fn scaler(
        &self,
        template: &Template,
        sensor: &SensorKey,
    ) -> Result<Preparation, Failure> {
        let expanded = template.expand(sensor).map_err(|error| Failure {
            reason: FailureReason::KeyMissing,
            message: format!("spec.model.scaler: {error}"),
        })?;
        if template.keys().is_empty() {
            let common = self.common.get_or_try_init(|| self.read_scaler(&expanded));
            return common.await.cloned();
        }
        self.read_scaler(&expanded).await
    }

    async fn read_scaler(&self, location: &str) -> Result<Preparation, Failure> {
        let url = ObjectUrl::parse(location)
            .map_err(|error| error.failure(FailureReason::ModelNotFound))?;
        let bytes = self.context.storage.get(&url, SCALER_BYTES).await;
        let bytes = bytes.map_err(|error| model_failure(&error))?;
        let stop = self.context.stop.clone();
        let read = self.context.compute.run(move || {
            let allowance = Allowance {
                memory: SCALER_MEMORY,
                stopped: &|| stop.is_cancelled(),
            };
            models::read_preparation(&bytes, allowance)
        });
        match read.await {
            Ok(Ok(before)) => Ok(before),
            Ok(Err(ModelError::Stopped)) => Err(stopped()),
            Ok(Err(ModelError::TooMuchMemory { .. })) => Err(unreadable(
                &url,
                &format!(
                    "spec.model.scaler: reading it takes more than {} MiB of memory, which is all that a scaler may take: save it without \
                     compression",
                    SCALER_MEMORY / KIB / KIB
                ),
            )),
            Ok(Err(error)) => Err(unreadable(&url, &format!("spec.model.scaler: {error}"))),
            Err(error) => Err(unreadable(
                &url,
                &format!("internal error: {error}; please report it"),
            )),
        }
    }

    /// Whether the location is that of the description of a folder.
    fn is_folder(&self, location: &str) -> bool {
        let format = self.context.run.spec.model.format;
        matches!(format, ModelFormat::Auto | ModelFormat::Mlflow) && MlflowFolder::is_at(location)
    }

    /// Reads the model of a folder. Where scoring depends on the description and the file, both must be there together: a
    /// description that has changed meanwhile is read again, with its file.
    async fn read_folder(&self, description: &ObjectUrl) -> Result<Model, Failure> {
        let folder = description.to_string();
        let folder = folder.strip_suffix(MlflowFolder::DESCRIPTION);
        let mut told = self.describe(description).await?;
        for _ in 0..FOLDER_READS {
            let parsed = MlflowFolder::parse(&told);
            let parsed = Arc::new(parsed.map_err(|error| unreadable(description, &error))?);
            let file =
                ObjectUrl::parse(&format!("{}{}", folder.unwrap_or_default(), parsed.file()));
            let file = file.map_err(|error| error.failure(FailureReason::ModelNotFound))?;
            let model = self.read_file(&file, Some(&parsed)).await?;
            if !parsed.names_features() {
                return Ok(model);
            }
            let now = self.describe(description).await?;
            if now == told {
                return Ok(model);
            }
            told = now;
        }
        let problem = "it was replaced again and again while the model was read: log each version into a folder of its own, and run again";
        Err(unreadable(description, &problem))
    }

    /// The description of a folder. Its bytes count as long as they come.
    async fn describe(&self, description: &ObjectUrl) -> Result<Bytes, Failure> {
        let bytes = MlflowFolder::DESCRIPTION_BYTES;
        let share = u32::try_from((bytes / KIB).min(self.most / KIB)).unwrap_or(u32::MAX);
        let _share = self.large.acquire_many(share).await;
        let got = self.context.storage.get(description, bytes as u64).await;
        got.map_err(|error| model_failure(&error))
    }

    /// Reads a model's file; `folder` is what is known of it from the folder in which it lies.
    async fn read_file(
        &self,
        url: &ObjectUrl,
        folder: Option<&Arc<MlflowFolder>>,
    ) -> Result<Model, Failure> {
        match self.read_small(url, folder).await? {
            Ok(model) => Ok(model),
            Err(needed) => self.read_large(url, folder, needed).await,
        }
    }

    /// Reads a model within the small share, or says what it needs.
    async fn read_small(
        &self,
        url: &ObjectUrl,
        folder: Option<&Arc<MlflowFolder>>,
    ) -> Result<Tried, Failure> {
        let limit = self.small as u64 / 2;
        let (parser, of) = (self.parser(folder, self.small), url.clone());
        // A small file is read and parsed on one thread, which takes less time than handing it over.
        let read = self.at_file(url, limit, move |got| match got {
            Ok(bytes) => parser.parse(&of, &bytes),
            Err(error) => not_read(&error),
        });
        if let Some(read) = read.await {
            return read?;
        }
        match self.context.storage.get(url, limit).await {
            Ok(bytes) => {
                let parser = self.parser(folder, self.small);
                self.parse(url, bytes, parser).await
            }
            Err(error) => not_read(&error),
        }
    }

    /// Reads a model that needs so many bytes or more.
    async fn read_large(
        &self,
        url: &ObjectUrl,
        folder: Option<&Arc<MlflowFolder>>,
        mut needed: usize,
    ) -> Result<Model, Failure> {
        let mut allowed = self.small;
        loop {
            if needed > self.most || allowed >= self.most {
                return Err(self.too_much(url, needed));
            }
            // More than is known to be needed, so that few tries do.
            allowed = needed.saturating_mul(2).min(self.most);
            let share = u32::try_from(allowed / KIB).unwrap_or(u32::MAX);
            let share = self.large.acquire_many(share).await;
            let bytes = match self.at_file(url, MODEL_BYTES, |got| got).await {
                Some(got) => got?,
                None => self.context.storage.get(url, MODEL_BYTES).await,
            };
            let bytes = bytes.map_err(|error| model_failure(&error))?;
            let parser = self.parser(folder, allowed);
            let outcome = self.parse(url, bytes, parser).await?;
            drop(share);
            match outcome {
                Ok(model) => return Ok(model),
                Err(more) => needed = more,
            }
        }
    }

    /// Gets a file on one of the threads for files, and has the work done there on what comes of it. None where it lies in no file.
    async fn at_file<T: Send + 'static>(
        &self,
        url: &ObjectUrl,
        limit: u64,
        work: impl FnOnce(Result<Bytes, StorageError>) -> T + Send + 'static,
    ) -> Option<Result<T, Failure>> {
        let Context {
            storage, compute, ..
        } = self.context;
        let files = storage.local_file(url).and_then(|_| compute.files())?;
        let (storage, of) = (storage.clone(), url.clone());
        let done = files.run(move || work(block_on(storage.get(&of, limit))));
        let panicked = "internal error: a thread has panicked; please report it";
        Some(done.await.ok_or_else(|| unreadable(url, &panicked)))
    }

    /// Reads a model's bytes away from the threads that serve requests.
    async fn parse(&self, url: &ObjectUrl, bytes: Bytes, parser: Parser) -> Result<Tried, Failure> {
        let of = url.clone();
        let read = self.context.compute.run(move || parser.parse(&of, &bytes));
        read.await.unwrap_or_else(|error| {
            Err(unreadable(
                url,
                &format!("internal error: {error}; please report it"),
            ))
        })
    }

    /// What reads a model within `memory` bytes, its file's among them.
    fn parser(&self, folder: Option<&Arc<MlflowFolder>>, memory: usize) -> Parser {
        Parser {
            folder: folder.cloned(),
            format: self.context.run.spec.model.format,
            bundle: self.context.run.spec.model.bundle.clone(),
            stop: self.context.stop.clone(),
            memory,
        }
    }

    /// The failure of a model that takes more than any may.
    fn too_much(&self, url: &ObjectUrl, needed: usize) -> Failure {
        let mib = |bytes: usize| bytes.div_ceil(1024 * KIB);
        let bound = self.context.limits.memory;
        // Reading ended where it became too much, so twice that; of what is added to the bound, more than a third is free.
        let likely = needed.saturating_mul(2);
        let enough = bound.saturating_add(likely.saturating_sub(self.most).saturating_mul(3));
        let message = format!(
            "{url}: reading the model takes {} MiB of memory or more, and {} MiB are free for it: set the bound of the memory (--memory, or \
             FLEETSCORE_MEMORY_MIB in a pod; it is {} MiB) to some {} MiB, or save the model without compression or with fewer support vectors",
            mib(needed),
            mib(self.most),
            mib(bound),
            mib(enough),
        );
        Failure {
            reason: FailureReason::ModelUnreadable,
            message,
        }
    }
}

/// A model, or how many bytes reading it takes at least.
type Tried = Result<Model, usize>;

/// Reads models' files.
struct Parser {
    /// The folder in which the file lies, where that has a description.
    folder: Option<Arc<MlflowFolder>>,
    format: ModelFormat,
    /// What to take of a dict, tuple or list.
    bundle: Option<ModelBundle>,
    stop: CancellationToken,
    /// Bytes that reading one may take, its own among them.
    memory: usize,
}

impl Parser {
    fn parse(&self, url: &ObjectUrl, bytes: &[u8]) -> Result<Tried, Failure> {
        let size = bytes.len();
        let allowance = Allowance {
            memory: self.memory.saturating_sub(size),
            stopped: &|| self.stop.is_cancelled(),
        };
        let bundle = self.bundle.as_ref();
        let read = match &self.folder {
            Some(folder) => folder.read(bytes, bundle, allowance),
            None => models::read_bundle(bytes, self.format, bundle, allowance),
        };
        match read {
            Ok(model) => Ok(Ok(model)),
            Err(ModelError::TooMuchMemory { needed, .. }) => Ok(Err(needed.saturating_add(size))),
            Err(ModelError::Stopped) => Err(stopped()),
            Err(error) => Err(unreadable(url, &error)),
        }
    }
}

/// What a model comes to whose bytes are not there: one that is too large takes them, and its numbers once more.
fn not_read(error: &StorageError) -> Result<Tried, Failure> {
    let StorageError::TooLarge { size, .. } = error else {
        return Err(model_failure(error));
    };
    let size = usize::try_from((*size).min(MODEL_BYTES)).unwrap_or(usize::MAX);
    Ok(Err(size.saturating_mul(2)))
}

fn stopped() -> Failure {
    Failure {
        reason: FailureReason::NotScored,
        message: "the step was stopped while the model was read; run it again".to_owned(),
    }
}

fn unreadable(url: &ObjectUrl, problem: &dyn std::fmt::Display) -> Failure {
    Failure {
        reason: FailureReason::ModelUnreadable,
        message: format!("{url}: {problem}"),
    }
}

fn model_failure(error: &StorageError) -> Failure {
    let missing = if error.is_too_large() {
        FailureReason::ModelUnreadable
    } else {
        FailureReason::ModelNotFound
    };
    error.failure(missing)
}
