use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run's sensors are spread over pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sharding {
    /// Sensors that one pod scores.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub sensors_per_pod: u32,
    /// Pods that run at the same time.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 100_000))]
    pub parallelism: u32,
}

impl Default for Sharding {
    fn default() -> Self {
        Self {
            sensors_per_pod: one(),
            parallelism: hundred(),
        }
    }
}

fn one() -> u32 {
    1
}

fn hundred() -> u32 {
    100
}
