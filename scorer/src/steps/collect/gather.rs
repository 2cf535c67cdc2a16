use fleetscore_crds::{Failure, Limit, SensorKey};

use crate::history::{SensorRow, ShareCounts, TableWriter};
use crate::ledger::{LedgerEntry, LedgerHeader, SensorState};
use crate::report::{Fold, RunInfo};
use crate::steps::FailedSensor;

/// What is made of the ledgers, sensor by sensor, in the order of the plan.
pub struct Gather {
    /// The report.
    pub fold: Fold,
    /// The sensors to retry.
    pub failed: Vec<FailedSensor>,
    /// How the shares of anomalies are spread.
    pub shares: ShareCounts,
    /// Seconds that all shards took, added up.
    pub shard_seconds: f64,
    /// The table of the sensors; none where it cannot be made.
    table: Option<TableWriter>,
}

impl Gather {
    /// Begins with no shard.
    pub fn new(run: RunInfo, sensors: u64, limit: Limit, table: Option<TableWriter>) -> Self {
        Self {
            fold: Fold::new(run, sensors, limit),
            failed: Vec::new(),
            shares: ShareCounts::default(),
            shard_seconds: 0.0,
            table,
        }
    }

    /// Begins a shard that has left a ledger.
    pub fn begin_shard(&mut self, header: &LedgerHeader) {
        self.fold.begin_shard(header);
        if header.seconds.is_finite() {
            self.shard_seconds += header.seconds;
        }
    }

    /// Adds a sensor of the shard as its ledger has it.
    pub fn add(&mut self, entry: LedgerEntry) {
        self.fold.add_entry(&entry);
        if let Some(error) = &entry.error {
            self.push(&entry.key, error);
        }
        if entry.state == SensorState::Succeeded {
            self.shares.add(entry.anomalies, entry.rows);
        }
        self.write(entry.into());
    }

    /// Adds a sensor that failed without a usable entry in a ledger.
    pub fn add_failure(&mut self, key: SensorKey, failure: &Failure) {
        self.fold
            .add_failure(&key, failure.reason, &failure.message);
        self.push(&key, failure);
        self.write(SensorRow::failed(key, format!("{:?}", failure.reason)));
    }

    /// The whole table, where it can be made.
    pub fn finish_table(&mut self) -> Option<Vec<u8>> {
        let table = self.table.take()?.finish();
        table.inspect_err(|error| tracing::warn!("{error}")).ok()
    }

    fn push(&mut self, key: &SensorKey, failure: &Failure) {
        self.failed.push(FailedSensor {
            key: key.clone(),
            reason: failure.reason,
            message: failure.message.clone(),
        });
    }

    fn write(&mut self, row: SensorRow) {
        if let Some(table) = &mut self.table
            && let Err(error) = table.add(row)
        {
            tracing::warn!("{error}");
            self.table = None;
        }
    }
}
