//! Reads the ledgers of all shards.

use bytes::Bytes;
use fleetscore_crds::{Failure, FailureReason, SensorKey};
use futures::{StreamExt, stream};
use serde::de::DeserializeOwned;

use crate::ledger::{LEDGER_VERSION, LedgerEntry, LedgerHeader, SensorState};
use crate::outputs;
use crate::report::Fold;
use crate::steps::plan::{PlanHeader, StoredPlan};
use crate::steps::{Context, FailedSensor, StepError};

/// Largest ledger, in bytes: 100,000 sensors with long messages.
const LEDGER_BYTES: u64 = 512 * 1024 * 1024;

/// Bytes of memory that a sensor's entry takes, with its line.
const ENTRY: usize = 2 << 10;

/// A shard's ledger, or why there is none to use.
struct Shard {
    number: u32,
    ledger: Result<Ledger, String>,
}

/// A ledger: its header, and for each of the shard's sensors its entry, or why it cannot be read.
struct Ledger {
    header: LedgerHeader,
    entries: Vec<Result<LedgerEntry, String>>,
}

/// Adds every shard to the fold, in order, and returns the lines of `failed.jsonl`.
///
/// A shard without a usable ledger fails all its sensors, and a line that cannot be read its own, so that no sensor goes missing.
pub async fn fold_ledgers(
    context: &Context,
    plan: &StoredPlan,
    fold: &mut Fold,
) -> Result<Vec<u8>, StepError> {
    let header = &plan.header;
    let mut failed = Vec::new();
    let shards =
        u32::try_from(header.shards()).map_err(|error| StepError::Internal(error.to_string()))?;
    let bytes = ENTRY.saturating_mul(header.sensors_per_shard as usize);
    let fit = context.limits.memory / 4 / bytes.max(1);
    let at_once = context.limits.requests.min(fit).max(1);
    let mut ledgers = stream::iter(0..shards)
        .map(|shard| read_ledger(context, header, shard))
        .buffered(at_once);
    while let Some(shard) = ledgers.next().await {
        let shard = shard?;
        match shard.ledger {
            Ok(ledger) => {
                let unreadable = unreadable(context, plan, shard.number, &ledger).await?;
                let failures = ledger.entries.iter().flatten();
                let failures =
                    failures.filter_map(|entry| Some((&entry.key, entry.error.as_ref()?)));
                for (key, error) in failures {
                    push(&mut failed, key, error)?;
                }
                fold.add_shard(&ledger.header, ledger.entries.iter().flatten());
                for (key, failure) in &unreadable {
                    push(&mut failed, key, failure)?;
                    fold.add_failure(key, failure.reason, &failure.message);
                }
            }
            Err(message) => {
                tracing::warn!(shard = shard.number, "{message}");
                let not_scored = Failure {
                    reason: FailureReason::NotScored,
                    message,
                };
                let entries = plan.shard(context, shard.number).await?;
                let failures: Vec<_> = entries
                    .iter()
                    .map(|entry| (&entry.key, entry.error.as_ref().unwrap_or(&not_scored)))
                    .collect();
                for (key, failure) in &failures {
                    push(&mut failed, key, failure)?;
                }
                fold.add_missing(shard.number, failures);
            }
        }
    }
    Ok(failed)
}

/// The sensors whose lines cannot be read: the plan, whose order the ledger has, knows which they are.
async fn unreadable(
    context: &Context,
    plan: &StoredPlan,
    shard: u32,
    ledger: &Ledger,
) -> Result<Vec<(SensorKey, Failure)>, StepError> {
    if ledger.entries.iter().all(Result::is_ok) {
        return Ok(Vec::new());
    }
    let url = context.run.output.join(&outputs::ledger(shard))?;
    let sensors = plan.shard(context, shard).await?;
    let failures = sensors.into_iter().zip(&ledger.entries);
    Ok(failures
        .filter_map(|(sensor, entry)| {
            let reason = entry.as_ref().err()?;
            let message = format!(
                "the sensor's entry in the ledger {url} of shard {shard} cannot be used: {reason}; score the shard again"
            );
            tracing::warn!(shard, sensor = %sensor.key, "{message}");
            let not_scored = Failure {
                reason: FailureReason::NotScored,
                message,
            };
            Some((sensor.key, sensor.error.unwrap_or(not_scored)))
        })
        .collect())
}

fn push(lines: &mut Vec<u8>, key: &SensorKey, failure: &Failure) -> Result<(), StepError> {
    let line = FailedSensor {
        key: key.clone(),
        reason: failure.reason,
        message: failure.message.clone(),
    };
    serde_json::to_writer(&mut *lines, &line)
        .map_err(|error| StepError::Internal(error.to_string()))?;
    lines.push(b'\n');
    Ok(())
}

async fn read_ledger(
    context: &Context,
    header: &PlanHeader,
    shard: u32,
) -> Result<Shard, StepError> {
    let url = context.run.output.join(&outputs::ledger(shard))?;
    let sensors = header.sensors_of(shard);
    let ledger = match context.storage.get(&url, LEDGER_BYTES).await {
        Ok(bytes) => parse(context, &bytes, shard, sensors.end - sensors.start).map_err(|reason| {
            format!(
                "the ledger {url} of shard {shard} cannot be used: {reason}; score the shard again"
            )
        }),
        Err(error) if error.is_not_found() => Err(format!(
            "shard {shard} left no ledger: its pod never ran or was killed; see {}, and score it again",
            context.run.logs.join(&outputs::shard_log(shard))?
        )),
        Err(error) => return Err(error.into()),
    };
    Ok(Shard {
        number: shard,
        ledger,
    })
}

/// What every version of a ledger's header has.
#[derive(serde::Deserialize)]
struct Versioned {
    version: u32,
}

fn parse(context: &Context, bytes: &Bytes, shard: u32, sensors: u64) -> Result<Ledger, String> {
    let mut lines = (1..).zip(
        bytes
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty()),
    );
    let (_, first) = lines.next().ok_or("it is empty")?;
    // Another version may have other fields, so the version is looked at first.
    let Versioned { version } = parse_line(1, first)?;
    if version != LEDGER_VERSION {
        return Err(format!(
            "it has version {version}, this program reads version {LEDGER_VERSION}"
        ));
    }
    let header: LedgerHeader = parse_line(1, first)?;
    if &header.run != context.place.run() {
        return Err(format!(
            "it is that of the run with UID {}, not of this one",
            header.run.uid
        ));
    }
    if header.shard != shard {
        return Err(format!("it is that of shard {}", header.shard));
    }
    let entries: Vec<_> = lines
        .map(|(number, line)| parse_entry(number, line))
        .collect();
    if entries.len() as u64 == sensors {
        return Ok(Ledger { header, entries });
    }
    Err(format!(
        "it lists {} sensors, the plan {sensors}",
        entries.len()
    ))
}

/// A sensor's line. A failure without reason would go missing among the failed sensors, so it is refused.
fn parse_entry(number: u64, line: &[u8]) -> Result<LedgerEntry, String> {
    let entry: LedgerEntry = parse_line(number, line)?;
    if entry.error.is_some() == (entry.state == SensorState::Failed) {
        return Ok(entry);
    }
    Err(format!(
        "line {number}: the state {:?} does not fit the error",
        entry.state
    ))
}

fn parse_line<T: DeserializeOwned>(number: u64, line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| format!("line {number}: {error}"))
}
