//! A whole run in this process: the three steps one after the other.

use bytes::Bytes;
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
    let mut logs = Logs {
        context,
        log,
        waiting: None,
    };
    step("Planning");
    let per_shard = context
        .run
        .spec
        .sharding
        .sensors_per_pod
        .max(sensors_per_shard(context.limits.memory));
    let planning = steps::plan(context, |_| per_shard);
    let plan = logs.keep("plan.log", planning).await?;
    step("Scoring");
    let shards =
        u32::try_from(plan.shards).map_err(|error| StepError::Internal(error.to_string()))?;
    for shard in 0..shards {
        let scoring = steps::score(context, shard);
        let summary = logs.keep(&outputs::shard_log(shard), scoring).await?;
        if summary.interrupted && !context.failed_fast() {
            logs.put().await?;
            return Err(StepError::Stopped);
        }
    }
    step("Collecting");
    let report = logs.keep("collect.log", steps::collect(context)).await?;
    logs.put().await?;
    Ok(report)
}

fn sensors_per_shard(memory: usize) -> u32 {
    let fit = u32::try_from(memory / SENSOR_BYTES).unwrap_or(u32::MAX);
    fit.clamp(1, SENSORS_PER_SHARD)
}

/// Puts each step's log beside its results, while the next step is at work.
struct Logs<'a> {
    context: &'a Context,
    log: &'a LogBuffer,
    /// The name and the lines of the step before.
    waiting: Option<(String, Bytes)>,
}

impl Logs<'_> {
    /// Does a step, whose log is called `name`. When it fails its log is put at once; the step's own error is the one that counts.
    async fn keep<T>(
        &mut self,
        name: &str,
        step: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let (put, outcome) = tokio::join!(self.put(), step);
        if let Err(error) = &outcome {
            tracing::error!(reason = error.reason(), "{error}");
        }
        self.waiting = Some((name.to_owned(), self.log.take()));
        if outcome.is_err() {
            // What fails here has failed there.
            let _ = self.put().await;
        }
        let value = outcome?;
        put?;
        Ok(value)
    }

    /// Puts the log that waits.
    async fn put(&mut self) -> Result<(), StepError> {
        let Some((name, lines)) = self.waiting.take() else {
            return Ok(());
        };
        let url = self.context.run.logs.join(&name)?;
        Ok(self.context.place.put(&url, lines).await?)
    }
}
