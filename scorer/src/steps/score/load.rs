//! Reads the models of a shard.

use std::sync::{Arc, Mutex};

use futures::{StreamExt, stream};

use super::Jobs;
use super::buffers::Buffers;
use super::job::Job;
use crate::ledger::{Failure, FailureReason};
use crate::models::{self, Model};
use crate::steps::Context;
use crate::steps::plan::PlanEntry;
use crate::storage::{ObjectUrl, StorageError};

/// Largest model file, in bytes.
const MODEL_BYTES: u64 = 256 * 1024 * 1024;

/// One job a sensor, in the plan's order. A sensor whose model cannot be used has failed already.
pub async fn load(context: &Context, buffers: &Arc<Buffers>, entries: Vec<PlanEntry>) -> Jobs {
    let loads = entries.into_iter().map(|entry| async move {
        let model = match &entry.error {
            Some(error) => Err(error.clone()),
            None if context.is_stopped() => Err(Job::not_scored()),
            None => tokio::select! {
                model = load_model(context, &entry) => model,
                () = context.stop.cancelled() => Err(Job::not_scored()),
            },
        };
        Mutex::new(Job::new(context, buffers, entry, model))
    });
    Arc::new(
        stream::iter(loads)
            .buffered(context.limits.requests.max(1))
            .collect()
            .await,
    )
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
