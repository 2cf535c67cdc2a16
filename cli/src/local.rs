//! A whole run in this process: the three steps one after the other.

use fleetscore_scorer::log::LogBuffer;
use fleetscore_scorer::outputs;
use fleetscore_scorer::report::Report;
use fleetscore_scorer::steps::{self, Context, StepError};

/// Sensors that are scored together. A shard reads its readings in one pass, so few large shards are best here; the bound
/// keeps the models of a large fleet from being in memory all at once.
const SENSORS_PER_SHARD: u32 = 10_000;

/// Bytes of memory for each sensor of a shard, at least: with little memory shards are smaller.
const SENSOR_BYTES: usize = 8 << 10;

/// Runs plan, score and collect. `step` is told of each before it begins.
///
/// `spec.sharding` is for pods and does not matter here: the predictions do not depend on it.
pub async fn run(
    context: &Context,
    log: &LogBuffer,
    step: impl Fn(&str),
) -> Result<Report, StepError> {
    let place = context.place.clone();
    let beat = tokio::spawn(async move { place.beat().await });
    let outcome = run_steps(context, log, step).await;
    beat.abort();
    if let Err(error) = context.place.release().await {
        tracing::warn!("the next run at this place will have to wait: {error}");
    }
    outcome
}

async fn run_steps(
    context: &Context,
    log: &LogBuffer,
    step: impl Fn(&str),
) -> Result<Report, StepError> {
    step("Planning");
    let per_shard = context
        .run
        .spec
        .sharding
        .sensors_per_pod
        .max(sensors_per_shard(context.limits.memory));
    let planned = steps::plan(context, |_| per_shard).await;
    let plan = keep_log(context, log, "plan.log", planned).await?;
    step("Scoring");
    let shards =
        u32::try_from(plan.shards).map_err(|error| StepError::Internal(error.to_string()))?;
    for shard in 0..shards {
        let scored = steps::score(context, shard).await;
        let summary = keep_log(context, log, &outputs::shard_log(shard), scored).await?;
        if summary.interrupted && !context.failed_fast() {
            return Err(StepError::Stopped);
        }
    }
    step("Collecting");
    let collected = steps::collect(context).await;
    keep_log(context, log, "collect.log", collected).await
}

fn sensors_per_shard(memory: usize) -> u32 {
    let fit = u32::try_from(memory / SENSOR_BYTES).unwrap_or(u32::MAX);
    fit.clamp(1, SENSORS_PER_SHARD)
}

/// Puts a step's log beside its results, also when the step has failed. The step's own error is the one that counts.
async fn keep_log<T>(
    context: &Context,
    log: &LogBuffer,
    name: &str,
    outcome: Result<T, StepError>,
) -> Result<T, StepError> {
    if let Err(error) = &outcome {
        tracing::error!(reason = error.reason(), "{error}");
    }
    let kept = log.put(context, name).await;
    let value = outcome?;
    kept?;
    Ok(value)
}
