//! Whether storage refuses the credentials as a whole, or a single sensor's objects.
//!
//! With the first the run ends at once, since nothing can succeed; the second is that sensor's failure. A shard in which a sensor was not
//! refused can tell by itself. One in which all were, and be it the only one, looks at other sensors of the plan.

use std::ops::Range;

use crate::ledger::LedgerEntry;
use crate::steps::plan::{PlanEntry, StoredPlan};
use crate::steps::{Context, StepError};
use fleetscore_crds::FailureReason;
use fleetscore_storage::{ObjectUrl, StorageError};
use futures::TryStreamExt;

/// Sensors of other shards that are looked at, spread over the plan.
const OTHERS: u64 = 4;

/// Whether all of the shard's sensors were refused, and others of the plan would be, too.
pub async fn is_everything_denied(
    context: &Context,
    plan: &StoredPlan,
    shard: u32,
    entries: &[LedgerEntry],
) -> Result<bool, StepError> {
    let denied = |entry: &LedgerEntry| {
        let error = entry.error.as_ref();
        error.is_some_and(|error| error.reason == FailureReason::AccessDenied)
    };
    if entries.is_empty() || !entries.iter().all(denied) {
        return Ok(false);
    }
    for position in others(plan.header.sensors, &plan.header.sensors_of(shard)) {
        let found = plan.entries(context, position..position + 1).await?;
        let Some(other) = found.first().filter(|other| other.error.is_none()) else {
            continue;
        };
        if !is_denied(context, other).await {
            tracing::info!(sensor = %other.key, "other sensors are not denied");
            return Ok(false);
        }
    }
    Ok(true)
}

/// Positions of some sensors outside of `mine`: the first, the last and some between.
fn others(sensors: u64, mine: &Range<u64>) -> Vec<u64> {
    let rest = sensors - (mine.end - mine.start);
    let last = rest.saturating_sub(1);
    let mut chosen: Vec<_> = (0..OTHERS.min(rest))
        .map(|step| last * step / (OTHERS.min(rest) - 1).max(1))
        .map(|at| {
            if at < mine.start {
                at
            } else {
                at + (mine.end - mine.start)
            }
        })
        .collect();
    chosen.dedup();
    chosen
}

/// Whether the sensor's model or readings are refused. What cannot be told for another reason is not.
async fn is_denied(context: &Context, sensor: &PlanEntry) -> bool {
    let refused = |found: Result<(), StorageError>| found.is_err_and(|error| error.is_denied());
    let model = sensor.model.as_deref().unwrap_or_default();
    if refused(look(context, model).await) {
        return true;
    }
    match context.run.input.expand(&sensor.key) {
        Ok(input) => refused(look(context, &input).await),
        Err(_) => false,
    }
}

/// Reads as little of an object as there is to be refused, or lists the beginning of a folder.
async fn look(context: &Context, location: &str) -> Result<(), StorageError> {
    let url = ObjectUrl::parse(location)?;
    if url.is_prefix() {
        context.storage.list(&url).try_next().await.map(|_| ())
    } else {
        context.storage.get_range(&url, 0..1).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_spread_over_the_plan_and_none_is_the_shards_own() {
        for (sensors, mine, expected) in [
            (1, 0..1, vec![]),
            (2, 0..1, vec![1]),
            (2, 1..2, vec![0]),
            (3, 1..2, vec![0, 2]),
            (10, 0..10, vec![]),
            (10, 0..9, vec![9]),
            (100, 0..1, vec![1, 33, 66, 99]),
            (100, 99..100, vec![0, 32, 65, 98]),
            (100, 10..20, vec![0, 39, 69, 99]),
        ] {
            assert_eq!(others(sensors, &mine), expected, "{mine:?} of {sensors}");
        }
    }
}
