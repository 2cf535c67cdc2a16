use fleetscore_crds::{Failure, SensorKey};
use serde::{Deserialize, Serialize};

use crate::ledger::Warning;

/// One sensor of a run: one line of `_run/plan.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanEntry {
    /// The sensor.
    pub key: SensorKey,
    /// URL of its model; absent when a placeholder has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why the sensor cannot be scored, when the plan alone shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What a user should look at though the sensor can be scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
}
