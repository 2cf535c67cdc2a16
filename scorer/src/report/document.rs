use std::collections::BTreeMap;

use fleetscore_crds::{FailureReason, Phase, SensorKey, Window};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drawing::format;
use crate::ledger::{Confusion, Engine, ScoreSummary, WarningReason};
use crate::models::Kind;

/// The version of [`Report`]'s format that this software writes and reads.
pub const REPORT_VERSION: u32 = 1;

/// Largest report that is read, in bytes.
pub const REPORT_BYTES: u64 = 64 * 1024 * 1024;

/// What `report.json` holds: the outcome of one run.
///
/// All but `timing` and the run's `uid` is the same, byte for byte, for the same ledgers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this format: 1.
    pub version: u32,
    /// Version of the software that wrote the report.
    pub software: String,
    /// The run.
    pub run: RunInfo,
    /// `Succeeded`, `PartiallySucceeded` or `Failed`.
    pub phase: Phase,
    /// Sensors by outcome.
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
    /// Sensors that succeeded by what scored them, the most frequent first: at most 32 kinds. Empty in reports of version 0.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelGroup>,
    /// Readings by the label that classifiers give them, of all sensors together: the 32 most frequent. Empty without classifiers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, u64>,
    /// Predictions against the known truth; absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Failed sensors by reason, the most frequent first.
    pub failures: Vec<FailureGroup>,
    /// Warnings by reason, the most frequent first.
    pub warnings: Vec<WarningGroup>,
    /// The sensors with the largest share of anomalies: at most 20, the largest share first. Sensors
    /// whose window is mostly anomalous hold at most 5 of the places while others want them.
    pub most_anomalous: Vec<AnomalousSensor>,
    /// Shards by outcome.
    pub shards: ShardTotals,
    /// How long it took. This alone differs between two runs over the same data.
    pub timing: Timing,
}

/// The run that a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunInfo {
    /// Name of the run.
    pub name: String,
    /// The UID of the run's object in its cluster, or a random one; absent in reports of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The generation of the run's spec; absent outside a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Namespace of the run; absent outside a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The schedule that made the run; absent for a run of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The readings scored; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Location of the predictions, with a final slash. The report is at `_run/report.json` below it, that of a retry in place at
    /// `_run/retry/RUN/report.json`.
    pub output: String,
    /// The earlier run whose failed sensors this one has scored again, in the place of that run; absent for all other runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<String>,
}

/// What a retry in place has left of the fleet that it belongs to. The reports of the earlier runs do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftTotals {
    /// Sensors of the run that first scored the fleet.
    pub total: u64,
    /// Of those, the sensors that have no predictions after this run.
    pub failed: u64,
    /// Failed sensors that the fleet may have for `_SUCCESS`.
    pub limit: u64,
    /// Whether `_SUCCESS` is there after this run: put by it, or by an earlier one.
    pub complete: bool,
}

/// Labels that a line shows.
const LABELS: usize = 8;

impl Report {
    /// The most frequent labels of classifiers and how often each is, in a line; none without classifiers.
    pub fn labels(&self) -> Option<String> {
        let mut labels: Vec<(&String, u64)> = (self.classes.iter())
            .map(|(label, rows)| (label, *rows))
            .collect();
        labels.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let texts = labels.iter().take(LABELS);
        let mut texts: Vec<String> = texts
            .map(|(label, rows)| {
                format!("{} {}", format::shortened(label, 40), format::count(*rows))
            })
            .collect();
        if labels.len() > LABELS {
            texts.push("others".into());
        }
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

/// Sensors by outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorTotals {
    /// All sensors of the run.
    pub total: u64,
    /// Sensors whose predictions were written.
    pub succeeded: u64,
    /// Sensors whose predictions were not written.
    pub failed: u64,
    /// Failed sensors that the run may have without being `Failed`.
    pub limit: u64,
}

impl SensorTotals {
    /// What the end means, in a sentence or two.
    pub fn lead(&self) -> String {
        let scored = format!(
            "{} of {} scored",
            format::count(self.succeeded),
            format::counted(self.total, "sensor")
        );
        match self.failed {
            0 => format!("{scored}."),
            failed => format!(
                "{scored}. {} failed; the limit is {}.",
                format::count(failed),
                format::count(self.limit)
            ),
        }
    }
}

/// How well the predictions match the known truth. Anomaly is the positive class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quality {
    /// Sensors that had labels.
    pub sensors: u64,
    /// Share of the predicted anomalies that are anomalies; absent when none was predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Share of the anomalies that were predicted; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN); absent when that is 0 / 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// The readings behind these numbers, over all sensors that had labels.
    pub confusion: Confusion,
}

impl Quality {
    /// The quality over `sensors` sensors whose readings sum up to `confusion`.
    pub fn new(sensors: u64, confusion: Confusion) -> Self {
        let Confusion {
            true_positives: hits,
            false_positives,
            false_negatives,
            ..
        } = confusion;
        Self {
            sensors,
            precision: ratio(hits, hits.saturating_add(false_positives)),
            recall: ratio(hits, hits.saturating_add(false_negatives)),
            f1: ratio(
                hits.saturating_mul(2),
                hits.saturating_mul(2)
                    .saturating_add(false_positives)
                    .saturating_add(false_negatives),
            ),
            confusion,
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The sensors whose models are of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelGroup {
    /// The models' class, such as `IsolationForest`.
    #[serde(rename = "type")]
    pub class: String,
    /// What worked their scores out.
    pub engine: Engine,
    /// Sensors that succeeded with one.
    pub count: u64,
}

/// The failed sensors that share a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureGroup {
    /// The reason.
    pub reason: FailureReason,
    /// Sensors that failed for it.
    pub count: u64,
    /// The first of them by key, at most 5.
    pub examples: Vec<Example>,
}

/// The warnings that share a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarningGroup {
    /// The reason.
    pub reason: WarningReason,
    /// Warnings given for it.
    pub count: u64,
    /// The first sensors by key, at most 5.
    pub examples: Vec<Example>,
}

/// One sensor that failed or got a warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// The sensor's keys; none where there is but one, whose model is a fixed location.
    #[schemars(with = "BTreeMap<String, String>")]
    pub sensor: SensorKey,
    /// What happened, at most 1000 characters.
    pub message: String,
}

/// A sensor with many anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnomalousSensor {
    /// The sensor's keys; none where there is but one, whose model is a fixed location.
    #[schemars(with = "BTreeMap<String, String>")]
    pub key: SensorKey,
    /// Readings scored.
    pub rows: u64,
    /// Readings predicted as anomaly.
    pub anomalies: u64,
    /// `anomalies` / `rows`.
    pub share: f64,
    /// Whether so much of the window is anomalous that the model or the input is suspect.
    pub mostly_anomalous: bool,
    /// Range of the scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreSummary>,
    /// Path of the predictions below the output location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What its predictions say, which tells their columns.
    #[serde(default, skip_serializing_if = "Kind::is_anomaly")]
    pub kind: Kind,
}

/// Shards by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShardTotals {
    /// All shards of the run.
    pub total: u64,
    /// Shards that were stopped before their last sensor.
    pub interrupted: u64,
    /// Shards that left no ledger.
    pub missing: MissingShards,
}

/// Shards that left no ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingShards {
    /// How many.
    pub count: u64,
    /// The first of them by number, at most 10.
    pub first: Vec<u32>,
}

/// How long a run took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// When the run began.
    pub start_time: Timestamp,
    /// When the report was made.
    pub completion_time: Timestamp,
    /// Seconds between the two.
    pub seconds: f64,
    /// Seconds that the shards took; absent when no shard left a ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard_seconds: Option<Seconds>,
    /// The shards that took longest, at most 10, the slowest first.
    pub slowest_shards: Vec<ShardTiming>,
}

/// The spread of some durations in seconds. Quantiles are by nearest rank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Seconds {
    /// The shortest.
    pub min: f64,
    /// Half are no longer than this.
    pub median: f64,
    /// 95 of 100 are no longer than this.
    pub p95: f64,
    /// The longest.
    pub max: f64,
}

/// One shard's share of the work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShardTiming {
    /// The shard.
    pub shard: u32,
    /// Its sensors.
    pub sensors: u64,
    /// Seconds from its first to its last work.
    pub seconds: f64,
    /// Bytes of readings it read.
    pub bytes_read: u64,
}

/// Why bytes are not a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The bytes are not JSON, or not of a report's form.
    #[error("not a report: {0}")]
    Form(#[from] serde_json::Error),
    /// A version of the format that this software does not know.
    #[error(
        "the report has version {0}, this software reads version {REPORT_VERSION}: use a newer fleetscore"
    )]
    Version(u32),
}

impl Report {
    /// The report as `report.json` holds it: indented JSON with a final line break.
    pub fn to_json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads `report.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ReportError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(bytes)?;
        if version != REPORT_VERSION {
            return Err(ReportError::Version(version));
        }
        Ok(serde_json::from_slice(bytes)?)
    }
}
