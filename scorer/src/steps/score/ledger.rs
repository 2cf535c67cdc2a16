//! Writes a shard's ledger.

use std::time::Duration;

use bytes::Bytes;

use crate::ledger::{LEDGER_VERSION, LedgerEntry, LedgerHeader};
use crate::outputs;
use crate::steps::{Context, StepError};

/// Writes the header and a line a sensor, in one put.
pub async fn write(
    context: &Context,
    shard: u32,
    entries: &[LedgerEntry],
    interrupted: bool,
    elapsed: Duration,
    bytes_read: u64,
) -> Result<(), StepError> {
    let header = LedgerHeader {
        version: LEDGER_VERSION,
        run: context.place.run().clone(),
        shard,
        sensors: entries.len() as u64,
        interrupted,
        seconds: elapsed.as_secs_f64(),
        bytes_read,
    };
    let lines =
        to_lines(&header, entries).map_err(|error| StepError::Internal(error.to_string()))?;
    context
        .place
        .put(
            &context.run.own_file(&outputs::ledger(shard))?,
            Bytes::from(lines),
        )
        .await?;
    Ok(())
}

fn to_lines(header: &LedgerHeader, entries: &[LedgerEntry]) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = serde_json::to_vec(header)?;
    lines.push(b'\n');
    for entry in entries {
        serde_json::to_writer(&mut lines, entry)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
