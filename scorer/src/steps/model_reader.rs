use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::models::{self, Allowance, Model, ModelError};
use crate::steps::Context;
use crate::steps::model::SensorModel;
use fleetscore_crds::{Failure, FailureReason};
use fleetscore_storage::{ObjectUrl, StorageError};

/// Largest model file, in bytes.
const MODEL_BYTES: u64 = 256 * 1024 * 1024;
const KIB: usize = 1024;

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
        }
    }

    /// Reads the model at `location`, a URL.
    ///
    /// Errors when there is none, it cannot be read, it takes too much memory, or its features are not the run's columns.
    pub async fn read(&self, location: &str) -> Result<SensorModel, Failure> {
        let url = ObjectUrl::parse(location)
            .map_err(|error| error.failure(FailureReason::ModelNotFound))?;
        let place = url.to_string();
        let model = match self.read_small(&url).await? {
            Ok(model) => model,
            Err(needed) => self.read_large(&url, needed).await?,
        };
        SensorModel::fit(&place, model, &self.context.run.spec.input.columns.features)
    }

    /// Reads a model within the small share, or says what it needs.
    async fn read_small(&self, url: &ObjectUrl) -> Result<Tried, Failure> {
        match self.context.storage.get(url, self.small as u64 / 2).await {
            Ok(bytes) => self.parse(url, bytes, self.small).await,
            Err(StorageError::TooLarge { size, .. }) => {
                // The file, and its numbers once more.
                let size = usize::try_from(size.min(MODEL_BYTES)).unwrap_or(usize::MAX);
                Ok(Err(size.saturating_mul(2)))
            }
            Err(error) => Err(model_failure(&error)),
        }
    }

    /// Reads a model that needs so many bytes or more.
    async fn read_large(&self, url: &ObjectUrl, mut needed: usize) -> Result<Model, Failure> {
        let mut allowed = self.small;
        loop {
            if needed > self.most || allowed >= self.most {
                return Err(self.too_much(url, needed));
            }
            // More than is known to be needed, so that few tries do.
            allowed = needed.saturating_mul(2).min(self.most);
            let share = u32::try_from(allowed / KIB).unwrap_or(u32::MAX);
            let share = self.large.acquire_many(share).await;
            let storage = &self.context.storage;
            let bytes = storage.get(url, MODEL_BYTES).await;
            let bytes = bytes.map_err(|error| model_failure(&error))?;
            let outcome = self.parse(url, bytes, allowed).await?;
            drop(share);
            match outcome {
                Ok(model) => return Ok(model),
                Err(more) => needed = more,
            }
        }
    }

    /// Reads a model's file, away from the threads that serve requests, within `memory` bytes, its own among them.
    async fn parse(&self, url: &ObjectUrl, bytes: Bytes, memory: usize) -> Result<Tried, Failure> {
        let format = self.context.run.spec.model.format;
        let stop = self.context.stop.clone();
        let size = bytes.len();
        let read = self.context.compute.run(move || {
            let allowance = Allowance {
                memory: memory.saturating_sub(size),
                stopped: &|| stop.is_cancelled(),
            };
            models::read_within(&bytes, format, allowance)
        });
        let unreadable = |problem: &dyn std::fmt::Display| Failure {
            reason: FailureReason::ModelUnreadable,
            message: format!("{url}: {problem}"),
        };
        match read.await {
            Ok(Ok(model)) => Ok(Ok(model)),
            Ok(Err(ModelError::TooMuchMemory { needed, .. })) => {
                Ok(Err(needed.saturating_add(size)))
            }
            Ok(Err(ModelError::Stopped)) => Err(Failure {
                reason: FailureReason::NotScored,
                message: "the step was stopped while the model was read; run it again".to_owned(),
            }),
            Ok(Err(error)) => Err(unreadable(&error)),
            Err(error) => Err(unreadable(&format!(
                "internal error: {error}; please report it"
            ))),
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

fn model_failure(error: &StorageError) -> Failure {
    let missing = if error.is_too_large() {
        FailureReason::ModelUnreadable
    } else {
        FailureReason::ModelNotFound
    };
    error.failure(missing)
}
