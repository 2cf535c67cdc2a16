//! Reads the ledgers of all shards.

use bytes::Bytes;
use fleetscore_crds::{Failure, FailureReason};
use futures::{StreamExt, stream};
use serde::de::DeserializeOwned;

use super::gather::Gather;
use crate::ledger::{LEDGER_VERSION, LedgerEntry, LedgerHeader, SensorState};
use crate::outputs;
use crate::steps::plan::{PlanEntry, PlanHeader, StoredPlan};
use crate::steps::{Context, StepError};

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

/// Adds every shard to what is gathered, in order.
///
/// A shard without a usable ledger fails all its sensors, and a line that cannot be read its own, so that no sensor goes missing.
pub async fn gather_ledgers(
    context: &Context,
    plan: &StoredPlan,
    gather: &mut Gather,
) -> Result<(), StepError> {
    let header = &plan.header;
    let shards =
        u32::try_from(header.shards()).map_err(|error| StepError::Internal(error.to_string()))?;
    let bytes = ENTRY.saturating_mul(header.sensors_per_shard as usize);
    let fit = context.limits.memory / 4 / bytes.max(1);
    let at_once = context.limits.requests.min(fit).max(1);
    let mut ledgers = stream::iter(0..shards)
        .map(|shard| read_ledger(context, header, shard))
        .buffered(at_once);
    while let Some(shard) = ledgers.next().await {
        let Shard { number, ledger } = shard?;
        match ledger {
            Ok(ledger) => add_ledger(context, plan, number, ledger, gather).await?,
            Err(message) => {
                tracing::warn!(shard = number, "{message}");
                let not_scored = Failure {
                    reason: FailureReason::NotScored,
                    message,
                };
                gather.fold.begin_missing(number);
                for PlanEntry { key, error, .. } in plan.shard(context, number).await? {
                    gather.add_failure(key, error.as_ref().unwrap_or(&not_scored));
                }
            }
        }
    }
    Ok(())
}

/// Adds a shard's entries. Where one cannot be read the plan, whose order the ledger has, knows whose it is.
async fn add_ledger(
    context: &Context,
    plan: &StoredPlan,
    shard: u32,
    ledger: Ledger,
    gather: &mut Gather,
) -> Result<(), StepError> {
    let mut planned = if ledger.entries.iter().all(Result::is_ok) {
        Vec::new()
    } else {
        plan.shard(context, shard).await?
    }
    .into_iter();
    let url = context.run.own_file(&outputs::ledger(shard))?;
    gather.begin_shard(&ledger.header);
    for entry in ledger.entries {
        match (entry, planned.next()) {
            (Ok(entry), _) => gather.add(entry),
            (Err(reason), Some(PlanEntry { key, error, .. })) => {
                let message = format!(
                    "the sensor's entry in the ledger {url} of shard {shard} cannot be used: {reason}; score the shard again"
                );
                tracing::warn!(shard, sensor = %key, "{message}");
                let not_scored = Failure {
                    reason: FailureReason::NotScored,
                    message,
                };
                gather.add_failure(key, &error.unwrap_or(not_scored));
            }
            // There are as many entries as sensors.
            (Err(_), None) => {}
        }
    }
    Ok(())
}

async fn read_ledger(
    context: &Context,
    header: &PlanHeader,
    shard: u32,
) -> Result<Shard, StepError> {
    let url = context.run.own_file(&outputs::ledger(shard))?;
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
