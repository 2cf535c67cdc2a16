use std::borrow::Borrow;

use fleetscore_crds::{Failure, FailureReason, Limit, Phase, SensorKey};
use jiff::Timestamp;

use super::document::{
    FailureGroup, Quality, REPORT_VERSION, Report, RunInfo, SensorTotals, Timing, WarningGroup,
};
use super::models::Models;
use super::ranking::Ranking;
use super::reasons::Reasons;
use super::shards::Shards;
use crate::ledger::{Confusion, LedgerEntry, LedgerHeader, SensorState, WarningReason};

/// Sums up the ledgers of a run, shard by shard.
///
/// The order of the shards does not matter. Memory is one number a shard and bounded lists, whatever
/// the number of sensors.
#[derive(Clone, Debug)]
pub struct Fold {
    run: RunInfo,
    total: u64,
    limit: u64,
    succeeded: u64,
    failed: u64,
    rows: u64,
    skipped: u64,
    anomalies: u64,
    labelled: u64,
    confusion: Confusion,
    failures: Reasons<FailureReason>,
    warnings: Reasons<WarningReason>,
    ranking: Ranking,
    models: Models,
    shards: Shards,
}

impl Fold {
    /// Begins the report of `run` over `total` sensors, of which `limit` may fail.
    pub fn new(run: RunInfo, total: u64, limit: Limit) -> Self {
        Self {
            run,
            total,
            limit: limit.of(total),
            succeeded: 0,
            failed: 0,
            rows: 0,
            skipped: 0,
            anomalies: 0,
            labelled: 0,
            confusion: Confusion::default(),
            failures: Reasons::new(),
            warnings: Reasons::new(),
            ranking: Ranking::new(),
            models: Models::default(),
            shards: Shards::new(),
        }
    }

    /// Adds a shard's ledger. Each shard is added once.
    pub fn add_shard<E: Borrow<LedgerEntry>>(
        &mut self,
        header: &LedgerHeader,
        entries: impl IntoIterator<Item = E>,
    ) {
        self.begin_shard(header);
        entries
            .into_iter()
            .for_each(|entry| self.add_entry(entry.borrow()));
    }

    /// Begins a shard that has left a ledger, whose sensors are added after it.
    pub fn begin_shard(&mut self, header: &LedgerHeader) {
        self.shards.add(header);
    }

    /// Adds a shard that has left no usable ledger, whose sensors are added after it.
    pub fn begin_missing(&mut self, shard: u32) {
        self.shards.add_missing(shard);
    }

    /// Adds a shard without a usable ledger: its sensors have failed, each as given.
    pub fn add_missing<'a>(
        &mut self,
        shard: u32,
        sensors: impl IntoIterator<Item = (&'a SensorKey, &'a Failure)>,
    ) {
        self.begin_missing(shard);
        for (sensor, failure) in sensors {
            self.add_failure(sensor, failure.reason, &failure.message);
        }
    }

    /// Adds a sensor that failed without an entry in a ledger.
    pub fn add_failure(&mut self, sensor: &SensorKey, reason: FailureReason, message: &str) {
        self.failed += 1;
        self.failures.add(reason, sensor, message);
    }

    /// Sensors that have failed so far.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Ends the report. Sensors that no ledger mentions count as failed, not scored.
    pub fn finish(mut self, start_time: Timestamp, completion_time: Timestamp) -> Report {
        let unknown = self.total.saturating_sub(self.succeeded + self.failed);
        self.failures.add_unknown(FailureReason::NotScored, unknown);
        let failed = self.failed + unknown;
        let bytes_read = self.shards.bytes_read();
        let (models, classes) = self.models.into_parts();
        let (shards, shard_seconds, slowest_shards) = self.shards.into_parts();
        Report {
            version: REPORT_VERSION,
            software: env!("CARGO_PKG_VERSION").into(),
            run: self.run,
            phase: phase(failed, self.limit),
            sensors: SensorTotals {
                total: self.succeeded + failed,
                succeeded: self.succeeded,
                failed,
                limit: self.limit,
            },
            left: None,
            rows: self.rows,
            skipped: self.skipped,
            anomalies: self.anomalies,
            bytes_read,
            models,
            classes,
            quality: (self.labelled > 0).then(|| Quality::new(self.labelled, self.confusion)),
            failures: (self.failures.into_groups())
                .map(|(reason, count, examples)| FailureGroup {
                    reason,
                    count,
                    examples,
                })
                .collect(),
            warnings: (self.warnings.into_groups())
                .map(|(reason, count, examples)| WarningGroup {
                    reason,
                    count,
                    examples,
                })
                .collect(),
            most_anomalous: self.ranking.into_list(),
            shards,
            timing: Timing {
                start_time,
                completion_time,
                seconds: completion_time.duration_since(start_time).as_secs_f64(),
                shard_seconds,
                slowest_shards,
            },
        }
    }

    /// Adds a sensor of a shard as its ledger has it.
    pub fn add_entry(&mut self, entry: &LedgerEntry) {
        for warning in &entry.warnings {
            self.warnings
                .add(warning.reason, &entry.key, &warning.message);
        }
        match (entry.state, &entry.error) {
            (SensorState::Succeeded, _) => self.add_succeeded(entry),
            (SensorState::Failed, Some(error)) => {
                self.add_failure(&entry.key, error.reason, &error.message);
            }
            (SensorState::Failed, None) => {
                let message = "the ledger gives no reason";
                self.add_failure(&entry.key, FailureReason::NotScored, message);
            }
        }
    }

    fn add_succeeded(&mut self, entry: &LedgerEntry) {
        self.succeeded += 1;
        self.rows = self.rows.saturating_add(entry.rows);
        self.skipped = self.skipped.saturating_add(entry.skipped);
        self.anomalies = self.anomalies.saturating_add(entry.anomalies);
        if let Some(labels) = &entry.labels {
            self.labelled += 1;
            add(&mut self.confusion, labels);
        }
        self.models.add(entry);
        self.ranking.offer(entry);
    }
}

fn phase(failed: u64, limit: u64) -> Phase {
    match failed {
        0 => Phase::Succeeded,
        some if some <= limit => Phase::PartiallySucceeded,
        _ => Phase::Failed,
    }
}

fn add(sum: &mut Confusion, more: &Confusion) {
    sum.true_positives = sum.true_positives.saturating_add(more.true_positives);
    sum.false_positives = sum.false_positives.saturating_add(more.false_positives);
    sum.false_negatives = sum.false_negatives.saturating_add(more.false_negatives);
    sum.true_negatives = sum.true_negatives.saturating_add(more.true_negatives);
}
