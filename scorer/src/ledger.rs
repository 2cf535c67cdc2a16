//! One record a sensor of what happened to it.

use std::collections::BTreeMap;

use fleetscore_crds::{Failure, SensorKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::models::Kind;
use crate::place::RunIdentity;

/// The version of the ledger's format that this program writes and reads.
pub const LEDGER_VERSION: u32 = 2;

/// What happened to one sensor: one line of `_run/ledger/NNNNNN.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The sensor.
    pub key: SensorKey,
    /// Whether its predictions were written.
    pub state: SensorState,
    /// Readings scored.
    pub rows: u64,
    /// Readings left out because they could not be scored.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// Readings predicted as anomaly.
    pub anomalies: u64,
    /// Range of the scores; absent without rows, and of a regressor's values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreSummary>,
    /// Range of a regressor's values; absent without rows, and of all other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<ScoreSummary>,
    /// Readings by the label that a classifier gives them: the 32 most frequent. Absent of all other models.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, u64>,
    /// What scored the readings; absent when nothing was written, and in ledgers of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSummary>,
    /// Predictions against the known truth; absent without a label column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Confusion>,
    /// Path of the predictions below the output location; absent when nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Seconds spent on this sensor's model, scores and output.
    pub seconds: f64,
    /// Things a user should look at although the sensor was scored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Why the sensor failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// What scored a sensor's readings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelSummary {
    /// The model's class, such as `IsolationForest`.
    #[serde(rename = "type")]
    pub class: String,
    /// What wrote its file, such as `scikit-learn 1.9.1`, where the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// What worked the scores out.
    pub engine: Engine,
    /// What it says of readings.
    #[serde(default, skip_serializing_if = "Kind::is_anomaly")]
    pub output: Kind,
}

/// What works scores out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Engine {
    /// This program.
    Native,
    /// Python, in a process of its own.
    Worker,
}

/// Whether a sensor's predictions were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SensorState {
    /// They were.
    Succeeded,
    /// They were not; the entry's error says why.
    Failed,
}

/// Smallest, mean and largest score, or value, of a sensor's readings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreSummary {
    /// Smallest: of scores that of the most anomalous reading.
    pub min: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Largest.
    pub max: f64,
}

/// Predictions against the known truth, in readings. Anomaly is the positive class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Confusion {
    /// Anomalies predicted as anomaly.
    pub true_positives: u64,
    /// Normal readings predicted as anomaly.
    pub false_positives: u64,
    /// Anomalies predicted as normal.
    pub false_negatives: u64,
    /// Normal readings predicted as normal.
    pub true_negatives: u64,
}

/// A thing to look at although the sensor was scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// The kind of warning; stable.
    pub reason: WarningReason,
    /// What is suspicious and what to do.
    pub message: String,
}

/// The kinds of warning.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum WarningReason {
    /// More than half of the window is predicted as anomaly.
    MostlyAnomalous,
    /// The model file holds single precision: some labels may differ from scikit-learn's.
    SinglePrecision,
    /// The model was trained on the same columns in another order; the readings are put into that order.
    FeaturesReordered,
    /// The model was trained on columns of other names; they are taken in the order listed.
    FeaturesRenamed,
    /// The model was saved beside a threshold, which has no part in the labels.
    ThresholdLeftOut,
    /// A CSV file ends within a line of the sensor, without a line end: its writer may still be at it.
    UnfinishedLine,
    /// The name of the model can be split into keys in several ways.
    AmbiguousName,
    /// The readings of the window were not complete when they were scored: some may be missing.
    ReadingsIncomplete,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// First line of a ledger: the shard it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerHeader {
    /// Version of the ledger's format: 2.
    pub version: u32,
    /// The run whose ledger it is.
    pub run: RunIdentity,
    /// The shard.
    pub shard: u32,
    /// Sensors in this ledger.
    pub sensors: u64,
    /// Whether the shard was stopped before its last sensor.
    pub interrupted: bool,
    /// Seconds from the shard's first to its last work.
    pub seconds: f64,
    /// Bytes of readings read from storage.
    pub bytes_read: u64,
}
