//! The first step: which sensors there are.

mod check;
mod entry;
mod file;
mod inputs;
mod listing;
mod readings;
mod sources;
mod stored;
mod survey;
mod tables;

use bytes::Bytes;
use futures::{TryStreamExt, stream};

pub use entry::PlanEntry;
pub use file::{PlanFileError, PlanHeader};
pub use readings::PlannedReadings;
pub use stored::StoredPlan;
pub use survey::{SensorWarning, Survey, survey};

use self::tables::refuse_tables;
use super::retried::{self, Retried};
use super::{Context, StepError};
use crate::outputs;
use fleetscore_crds::contract::PlanSummary;
use fleetscore_storage::ObjectUrl;

/// Claims the run's place, lists its sensors, checks them and writes the plan.
///
/// A plan that differs from the one found there, or a place that was not this run's, begins a new attempt: what the old attempt
/// left in `_run/` is removed first, `_SUCCESS` before all else. The plan names the run, so that of another run always differs.
///
/// `sensors_per_shard` says how many sensors a shard has, of a run of so many.
pub async fn plan(
    context: &Context,
    sensors_per_shard: impl Fn(u64) -> u32,
) -> Result<PlanSummary, StepError> {
    let Context {
        run,
        storage,
        place,
        progress,
        ..
    } = context;
    tracing::info!(run = run.name, "planning");
    // A run that is refused claims nothing.
    let look = Box::pin(readings::look(context));
    let (tables, entries, found) = tokio::join!(refuse_tables(context), list(context), look);
    tables?;
    let found = found?;
    let (readings, entries) = if found.missing.is_some() {
        // What is wrong with the sensors is told before the wait; which there are is looked at again after it.
        entries?;
        let readings = Box::pin(readings::wait(context, found)).await?;
        (readings, list(context).await)
    } else {
        (found.readings, entries)
    };
    if let Some(incomplete) = &readings.incomplete {
        tracing::warn!("{incomplete}");
    }
    let url = run.own_file(outputs::PLAN)?;
    let entries = match entries {
        // A retry that has nothing to retry claims nothing.
        Err(error) if run.retries.is_some() => return Err(error),
        entries => entries,
    };
    let is_taken_over = place.claim().await?;
    // What there was before the claim may have changed until then.
    let entries = match &run.retries {
        Some(_) => list(context).await?,
        None => entries?,
    };
    place
        .write(|| storage.sweep_staged(&run.output, std::time::Duration::ZERO, outputs::RUN_FOLDER))
        .await?;
    let sensors_per_shard = sensors_per_shard(entries.len() as u64);
    let bytes = file::write(place.run(), &entries, sensors_per_shard, &readings)
        .map_err(|error| StepError::Internal(error.to_string()))?;
    // What another run has left there belongs to no attempt that goes on.
    if is_taken_over || !is_stored(context, &url, &bytes).await? {
        forget_attempt(context).await?;
    }
    // Unchanged too: its time is when this attempt began, from which the report reckons.
    let bytes = Bytes::from(bytes);
    place.put(&url, bytes.clone()).await?;
    if let Some(kept) = &context.kept {
        let plan = StoredPlan::new(url, &bytes);
        kept.keep_plan(plan.map_err(|error| StepError::Internal(error.to_string()))?);
    }
    let sensors = entries.len() as u64;
    progress
        .sensors
        .store(sensors, std::sync::atomic::Ordering::Relaxed);
    warn(&entries);
    let summary = PlanSummary {
        sensors,
        shards: sensors.div_ceil(u64::from(sensors_per_shard.max(1))),
        failed: entries.iter().filter(|entry| entry.error.is_some()).count() as u64,
    };
    tracing::info!(
        sensors,
        shards = summary.shards,
        failed = summary.failed,
        "planned"
    );
    Ok(summary)
}

/// Tells what the plan alone shows to be suspicious, with the first example.
fn warn(entries: &[PlanEntry]) {
    let mut warnings = entries.iter().filter_map(|entry| entry.warning.as_ref());
    if let Some(first) = warnings.next() {
        let sensors = 1 + warnings.count();
        tracing::warn!(sensors, reason = ?first.reason, "{}", first.message);
    }
}

/// The run's sensors, checked, in the order of their keys. Writes nothing.
async fn list(context: &Context) -> Result<Vec<PlanEntry>, StepError> {
    let Context { run, storage, .. } = context;
    let candidates = sources::find(run, storage).await?;
    let mut entries = check::check(run, candidates);
    if run.retries.is_some() {
        let written = retried::written_paths(run, storage).await?;
        check::refuse_written(run, &written, &mut entries);
    }
    Ok(entries)
}

/// Whether the plan in storage has these bytes.
async fn is_stored(context: &Context, url: &ObjectUrl, bytes: &[u8]) -> Result<bool, StepError> {
    match context.storage.get(url, bytes.len() as u64).await {
        Ok(found) => Ok(found == bytes),
        Err(error) if error.is_not_found() || error.is_too_large() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes what an earlier attempt left beside its predictions. A retry in place removes what is its own, and so `_SUCCESS` only where
/// the earlier run has not put it.
async fn forget_attempt(context: &Context) -> Result<(), StepError> {
    let Context {
        run,
        storage,
        place,
        ..
    } = context;
    let success = run.output.join(outputs::SUCCESS)?;
    let owners = run.output.join(outputs::OWNERS)?;
    let is_others = match &run.retries {
        Some(retries) => Retried::read(run, storage, retries).await?.complete,
        None => false,
    };
    let delete = async {
        if is_others {
            return Ok(());
        }
        place.delete(&success).await
    };
    let objects = storage.list(&run.own);
    let (deleted, objects) = tokio::join!(delete, objects.try_collect::<Vec<_>>());
    deleted?;
    let objects = objects?;
    let old = objects
        .iter()
        .filter(|object| object.url.relative_to(&owners).is_none());
    stream::iter(old.map(Ok))
        .try_for_each_concurrent(context.limits.requests.max(1), |object| {
            place.delete(&object.url)
        })
        .await?;
    Ok(())
}
