//! The first step: which sensors there are.

mod check;
mod entry;
mod file;
mod inputs;
mod listing;
mod sources;
mod survey;

use bytes::Bytes;
use futures::{TryStreamExt, stream};

pub use entry::PlanEntry;
pub use file::{PlanFileError, PlanHeader};
pub use survey::{SensorWarning, Survey, survey};

use super::inputs::refuse_tables;
use super::{Context, StepError};
use crate::outputs;
use crate::storage::ObjectInfo;

/// What the plan step tells whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanSummary {
    /// Sensors in the plan.
    pub sensors: u64,
    /// Shards to score.
    pub shards: u64,
    /// Sensors that the plan already shows to fail.
    pub failed: u64,
}

/// Claims the run's place, lists its sensors, checks them and writes the plan.
///
/// A plan that differs from the one found there belongs to a new attempt: what the old attempt left in `_run/` is removed
/// first, `_SUCCESS` before all else. The plan names the run, so that of another run always differs.
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
    refuse_tables(context).await?;
    place.claim().await?;
    place
        .write(|| storage.sweep_staged(&run.output, std::time::Duration::ZERO))
        .await?;
    let entries = list(context).await?;
    let sensors_per_shard = sensors_per_shard(entries.len() as u64);
    let bytes = file::write(place.run(), &entries, sensors_per_shard)
        .map_err(|error| StepError::Internal(error.to_string()))?;
    let url = run.output.join(outputs::PLAN)?;
    let unchanged = match storage.get(&url, bytes.len() as u64).await {
        Ok(found) => found == bytes,
        Err(error) if error.is_not_found() || error.is_too_large() => false,
        Err(error) => return Err(error.into()),
    };
    if !unchanged {
        forget_attempt(context).await?;
    }
    // Unchanged too: its time is when this attempt began, from which the report reckons.
    place.put(&url, Bytes::from(bytes)).await?;
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
    let candidates = sources::find(&context.run, &context.storage).await?;
    Ok(check::check(&context.run, candidates))
}

/// Removes what an earlier attempt left beside its predictions.
async fn forget_attempt(context: &Context) -> Result<(), StepError> {
    let Context {
        run,
        storage,
        place,
        ..
    } = context;
    place.delete(&run.output.join(outputs::SUCCESS)?).await?;
    let owners = run.output.join(outputs::OWNERS)?;
    let objects: Vec<ObjectInfo> = storage
        .list(&run.output.join(outputs::RUN_FOLDER)?)
        .try_collect()
        .await?;
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

/// The header of this run's plan.
///
/// # Errors
///
/// [`StepError::Plan`] where the plan is another run's.
pub async fn read_header(context: &Context) -> Result<PlanHeader, StepError> {
    let url = context.run.output.join(outputs::PLAN)?;
    let head = context
        .storage
        .get_range(&url, 0..file::HEADER_BYTES)
        .await?;
    let header = PlanHeader::parse(&head).and_then(|header| {
        if &header.run == context.place.run() {
            Ok(header)
        } else {
            Err(PlanFileError::Foreign {
                found: header.run.uid,
                wanted: context.place.run().uid.clone(),
            })
        }
    });
    header.map_err(|source| StepError::Plan {
        url: url.to_string(),
        source,
    })
}

/// The sensors of one shard. Reads only that slice of the plan.
pub async fn read_plan(
    context: &Context,
    header: &PlanHeader,
    shard: u32,
) -> Result<Vec<PlanEntry>, StepError> {
    read_entries(context, header, header.sensors_of(shard)).await
}

/// The sensors at these positions of the plan. Reads only that slice of it.
pub async fn read_entries(
    context: &Context,
    header: &PlanHeader,
    positions: std::ops::Range<u64>,
) -> Result<Vec<PlanEntry>, StepError> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let url = context.run.output.join(outputs::PLAN)?;
    let slice = context
        .storage
        .get_range(&url, header.bytes_of(&positions))
        .await?;
    file::read_slice(&slice, positions.start + 2, positions.end - positions.start).map_err(
        |source| StepError::Plan {
            url: url.to_string(),
            source,
        },
    )
}
