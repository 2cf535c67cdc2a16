use serde::{Deserialize, Serialize};

use crate::{FailureGroup, Phase};

/// A run's totals: the termination message with which the collect pod tells the operator how the run ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// `Succeeded`, `PartiallySucceeded` or `Failed`, by the failure policy.
    pub phase: Phase,
    /// Sensors of the run.
    pub sensors: u64,
    /// Sensors whose predictions are written.
    pub succeeded: u64,
    /// Sensors that failed.
    pub failed: u64,
    /// Readings scored.
    pub rows: u64,
    /// Readings predicted as anomaly.
    pub anomalies: u64,
    /// URL of the report to look at.
    pub report: String,
    /// The most frequent reasons of failures, as many as fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_failures: Vec<FailureGroup>,
}
