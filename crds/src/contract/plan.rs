use serde::{Deserialize, Serialize};

/// What the plan step of a run tells whoever started it: in a pod, its termination message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanSummary {
    /// Sensors in the plan.
    pub sensors: u64,
    /// Shards to score.
    pub shards: u64,
    /// Sensors that the plan already shows to fail.
    #[serde(default)]
    pub failed: u64,
}
