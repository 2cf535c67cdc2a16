use fleetscore_crds::{FailureReason, SensorKey};
use serde::{Deserialize, Serialize};

/// One line of `_run/failed.jsonl`: a sensor to retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedSensor {
    /// The sensor.
    pub key: SensorKey,
    /// The kind of failure.
    pub reason: FailureReason,
    /// What happened, where, and what to do.
    pub message: String,
}
