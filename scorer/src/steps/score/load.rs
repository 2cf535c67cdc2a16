//! Reads the models of a shard.

use futures::StreamExt;
use futures::stream::FuturesOrdered;

use super::budget::{Budget, STATE, mib};
use super::job::Job;
use crate::ledger::{Failure, FailureReason};
use crate::models::{self, Model};
use crate::steps::Context;
use crate::steps::plan::PlanEntry;
use crate::storage::{ObjectUrl, StorageError};

/// Largest model file, in bytes.
const MODEL_BYTES: u64 = 256 * 1024 * 1024;

/// Sensors that are worked on at the same time.
pub struct Loaded {
    /// One job a sensor, in the plan's order. A sensor whose model cannot be used has failed already.
    pub models: Vec<(PlanEntry, Result<Model, Failure>)>,
    /// Bytes that they take.
    pub bytes: usize,
}

/// Takes the first of the `waiting` sensors, as many as there is room for, and at least one.
pub async fn load(
    context: &Context,
    budget: &Budget,
    waiting: &mut std::vec::IntoIter<PlanEntry>,
) -> Loaded {
    let mut loaded = Loaded {
        models: Vec::new(),
        bytes: 0,
    };
    let mut loading = FuturesOrdered::new();
    // The largest so far stands for those that are on their way, and the first, of which nothing is known, comes alone.
    let mut largest = None;
    loop {
        let at_once = largest.map_or(1, |_| context.limits.requests.max(1));
        let bytes = |more: usize| loaded.bytes + more * largest.unwrap_or_default();
        while loading.len() < at_once
            && bytes(loading.len() + 1) <= budget.sensors
            && let Some(entry) = waiting.next()
        {
            loading.push_back(load_entry(context, budget, entry));
        }
        let Some((entry, model)) = loading.next().await else {
            return loaded;
        };
        let bytes = STATE + model.as_ref().map_or(0, Model::bytes);
        largest = largest.max(Some(bytes));
        loaded.bytes += bytes;
        loaded.models.push((entry, model));
    }
}

/// A sensor with its model, or with the reason why there is none.
async fn load_entry(
    context: &Context,
    budget: &Budget,
    entry: PlanEntry,
) -> (PlanEntry, Result<Model, Failure>) {
    let model = match &entry.error {
        Some(error) => Err(error.clone()),
        None if context.is_stopped() => Err(Job::not_scored()),
        None => tokio::select! {
            model = load_model(context, &entry) => model,
            () = context.stop.cancelled() => Err(Job::not_scored()),
        },
    };
    let model = model.and_then(|model| fits(budget, &entry, model));
    (entry, model)
}

/// The model, if there is room for it at all.
fn fits(budget: &Budget, entry: &PlanEntry, model: Model) -> Result<Model, Failure> {
    let bytes = model.bytes() + STATE;
    if bytes <= budget.sensors {
        return Ok(model);
    }
    let message = format!(
        "{}: the model takes {} MiB of memory, and there are {} MiB for it; set the bound of the memory (--memory, or \
         FLEETSCORE_MEMORY_MIB in a pod) to {} MiB at least",
        entry.model.as_deref().unwrap_or_default(),
        mib(bytes),
        mib(budget.sensors),
        budget.needed(bytes)
    );
    Err(Failure {
        reason: FailureReason::ModelUnreadable,
        message,
    })
}

async fn load_model(context: &Context, entry: &PlanEntry) -> Result<Model, Failure> {
    let location = entry.model.as_deref().unwrap_or_default();
    let url = ObjectUrl::parse(location)
        .map_err(|error| storage_failure(&error, FailureReason::ModelNotFound))?;
    let bytes = context
        .storage
        .get(&url, MODEL_BYTES)
        .await
        .map_err(|error| {
            let missing = if error.is_too_large() {
                FailureReason::ModelUnreadable
            } else {
                FailureReason::ModelNotFound
            };
            storage_failure(&error, missing)
        })?;
    let model = models::read(&bytes, context.run.spec.model.format).map_err(|error| Failure {
        reason: FailureReason::ModelUnreadable,
        message: format!("{url}: {error}"),
    })?;
    let columns = &context.run.spec.input.columns.features;
    if model.features == columns.len() {
        return Ok(model);
    }
    let message = format!(
        "{url}: the model has {} features, but spec.input.columns.features lists {} ({}); list the model's features in its order",
        model.features,
        columns.len(),
        columns.join(", ")
    );
    Err(Failure {
        reason: FailureReason::ModelMismatch,
        message,
    })
}

/// A sensor's failure from an error of storage; `missing` is the reason where the object itself is the trouble.
pub fn storage_failure(error: &StorageError, missing: FailureReason) -> Failure {
    let reason = if error.is_denied() {
        FailureReason::AccessDenied
    } else if error.is_temporary() {
        FailureReason::StorageUnavailable
    } else {
        missing
    };
    Failure {
        reason,
        message: error.to_string(),
    }
}
