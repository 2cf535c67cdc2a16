//! Logs in storage, and what the plan there says of shards.

use fleetscore_crds::SensorKey;
use fleetscore_storage::StorageError;
use futures::TryStreamExt as _;
use serde::Deserialize;

use super::Log;
use crate::commands::{Result, output};
use crate::kubectl::exit;
use crate::kubectl::sensor::{Wanted, is_meant, words};
use crate::kubectl::storage::{Place, error};

/// Largest log in storage, in bytes: a step keeps 8 MiB, and says that more was left out.
const LOG_BYTES: u64 = 16 << 20;
/// Largest plan, in bytes: about a million sensors.
const PLAN_BYTES: u64 = 1 << 30;
/// Logs of shards that are listed.
const LISTED: usize = 10_000;

/// A log in storage.
pub(super) async fn read(place: &Place, log: Log) -> Result<String> {
    let url = place.logs.join(&log.file()).map_err(error)?;
    match place.storage.get(&url, LOG_BYTES).await {
        Ok(bytes) => {
            output::note(&format!("note: log of {} from {url}", log.words()));
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        Err(StorageError::NotFound { .. }) => Err(exit::not_found(format!(
            "{url} does not exist: it is written when that step ends, and this one has not ended, or never began"
        ))),
        Err(found) => Err(error(found)),
    }
}

/// The shards that have a log in storage.
pub(super) async fn shards(place: &Place) -> Result<Vec<Log>> {
    let mut objects = place.storage.list(&place.logs);
    let mut shards = Vec::new();
    while let Some(object) = objects.try_next().await.map_err(error)? {
        let name = object.url.relative_to(&place.logs);
        let shard = name.and_then(|name| name.strip_suffix(".log")?.parse().ok());
        shards.extend(shard.map(Log::Shard));
        if shards.len() >= LISTED {
            break;
        }
    }
    shards.sort_unstable();
    Ok(shards)
}

/// The plan's first line, as far as it says which sensor is in which shard.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    sensors: u64,
    sensors_per_shard: u32,
}

#[derive(Deserialize)]
struct Line {
    key: SensorKey,
}

/// The shard of a sensor.
pub(super) async fn shard_of(place: &Place, wanted: &[Wanted]) -> Result<u32> {
    let name = place.own("plan.jsonl");
    let bytes = place.read(&name, PLAN_BYTES).await?.ok_or_else(|| {
        exit::not_found(format!(
            "{}{name} does not exist: the run has no plan yet",
            place.output
        ))
    })?;
    find(&bytes, wanted)
        .map_err(|error| exit::cannot_tell(format!("{name}: {error}")))?
        .ok_or_else(|| exit::not_found(format!("no sensor of the plan is {}", words(wanted))))
}

fn find(plan: &[u8], wanted: &[Wanted]) -> std::result::Result<Option<u32>, serde_json::Error> {
    let mut lines = plan.split(|byte| *byte == b'\n');
    let head: Head = serde_json::from_slice(lines.next().unwrap_or_default())?;
    let sensors = usize::try_from(head.sensors).unwrap_or(usize::MAX);
    for (number, line) in lines.take(sensors).enumerate() {
        let Line { key } = serde_json::from_slice(line)?;
        if is_meant(wanted, &key) {
            let shard = number as u64 / u64::from(head.sensors_per_shard.max(1));
            return Ok(u32::try_from(shard).ok());
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_plan_tells_a_sensors_shard() {
        let mut plan = "{\"version\":3,\"sensors\":5,\"sensorsPerShard\":2}   \n".to_owned();
        let line =
            |device| format!("{{\"key\":{{\"device\":\"{device}\"}},\"model\":\"az://m/x\"}}  \n");
        plan.extend((0..5).map(line));
        plan += "{\"readings\":1}\n";
        let wanted = |text: &str| vec![text.parse().unwrap()];
        assert_eq!(find(plan.as_bytes(), &wanted("device=0")).unwrap(), Some(0));
        assert_eq!(find(plan.as_bytes(), &wanted("device=3")).unwrap(), Some(1));
        assert_eq!(find(plan.as_bytes(), &wanted("device=4")).unwrap(), Some(2));
        assert_eq!(find(plan.as_bytes(), &wanted("device=9")).unwrap(), None);
        assert!(find(b"\xff", &wanted("device=9")).is_err());
    }
}
