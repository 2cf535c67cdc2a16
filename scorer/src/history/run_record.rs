use fleetscore_crds::{FailureReason, Phase};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HistoryError, ShareCounts};
use crate::ledger::WarningReason;
use crate::report::{LeftTotals, Quality, Report, RunInfo, SensorTotals};

/// The version of [`RunRecord`]'s format that this software writes and reads.
pub const RECORD_VERSION: u32 = 1;

/// What `ROOT_runs/YYYY/MM/DD/[NAMESPACE.]RUN.json` holds: the outcome of one run without examples, 1 to 2 KB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// Version of this format: 1.
    pub version: u32,
    /// Version of the software that wrote the record.
    pub software: String,
    /// The run. Its report is at `_run/report.json` below its output location, that of a retry in place at
    /// `_run/retry/RUN/report.json`.
    pub run: RunInfo,
    /// `Succeeded`, `PartiallySucceeded` or `Failed`.
    pub phase: Phase,
    /// Sensors by outcome: those of this run, also where it tries those of another one again.
    pub sensors: SensorTotals,
    /// What is left of the fleet; only of a retry in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<LeftTotals>,
    /// Readings scored, of the sensors that succeeded.
    pub rows: u64,
    /// Readings left out because they could not be scored, of the sensors that succeeded.
    pub skipped: u64,
    /// Readings predicted as anomaly, of the sensors that succeeded.
    pub anomalies: u64,
    /// Bytes of readings read from storage.
    pub bytes_read: u64,
    /// Spread of the sensors' shares of anomalies; absent where no sensor that succeeded has readings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly_shares: Option<Shares>,
    /// Predictions against the known truth; absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Failed sensors by reason, the most frequent first.
    pub failures: Vec<ReasonCount>,
    /// Warnings by reason, the most frequent first.
    pub warnings: Vec<ReasonCount>,
    /// Shards by outcome.
    pub shards: ShardCounts,
    /// How long it took.
    pub timing: RecordTiming,
}

/// How often there was a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// The reason's name, such as `ModelNotFound`. Other versions may have others.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// The spread of the sensors' shares of anomalies (anomalies / rows, from 0 to 1). Quantiles are by nearest rank, and up to 0.00005 off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shares {
    /// Half of the sensors have no larger share.
    pub p50: f64,
    /// 90 of 100 have no larger share.
    pub p90: f64,
    /// 99 of 100 have no larger share.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// Shards by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShardCounts {
    /// All shards of the run.
    pub total: u64,
    /// Shards that were stopped before their last sensor.
    pub interrupted: u64,
    /// Shards that left no ledger.
    pub missing: u64,
}

/// How long a run took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordTiming {
    /// When the run began.
    pub start_time: Timestamp,
    /// When its results were first summed up.
    pub completion_time: Timestamp,
    /// Seconds between the two.
    pub seconds: f64,
    /// Seconds that all shards took, added up.
    pub shard_seconds: f64,
}

impl RunRecord {
    /// The record of the run that `report` is about.
    pub fn new(report: &Report, shares: &ShareCounts, shard_seconds: f64) -> Self {
        let named = |reason: FailureReason| format!("{reason:?}");
        let warning = |reason: WarningReason| format!("{reason:?}");
        let failures = report.failures.iter();
        let warnings = report.warnings.iter();
        Self {
            version: RECORD_VERSION,
            software: report.software.clone(),
            run: report.run.clone(),
            phase: report.phase,
            sensors: report.sensors,
            left: report.left,
            rows: report.rows,
            skipped: report.skipped,
            anomalies: report.anomalies,
            bytes_read: report.bytes_read,
            anomaly_shares: shares.spread(),
            quality: report.quality,
            failures: failures
                .map(|group| ReasonCount {
                    reason: named(group.reason),
                    count: group.count,
                })
                .collect(),
            warnings: warnings
                .map(|group| ReasonCount {
                    reason: warning(group.reason),
                    count: group.count,
                })
                .collect(),
            shards: ShardCounts {
                total: report.shards.total,
                interrupted: report.shards.interrupted,
                missing: report.shards.missing.count,
            },
            timing: RecordTiming {
                start_time: report.timing.start_time,
                completion_time: report.timing.completion_time,
                seconds: report.timing.seconds,
                shard_seconds,
            },
        }
    }

    /// The record as it is stored: indented JSON with a final line break.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a record; `url` is where it is, for messages.
    pub fn from_json(url: &str, bytes: &[u8]) -> Result<Self, HistoryError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let damaged = |error: serde_json::Error| HistoryError::Damaged {
            url: url.to_owned(),
            reason: format!("not the record of a run: {error}"),
        };
        let Versioned { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version != RECORD_VERSION {
            return Err(HistoryError::Version {
                url: url.to_owned(),
                found: version,
                known: RECORD_VERSION,
            });
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// Whether both are about the same execution and say the same, but for when it was summed up.
    pub fn is_same_outcome(&self, other: &Self) -> bool {
        let timing = RecordTiming {
            completion_time: self.timing.completion_time,
            seconds: self.timing.seconds,
            ..other.timing
        };
        *self
            == Self {
                timing,
                ..other.clone()
            }
    }
}
