use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Limit;

/// Where the readings go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::stream_output()))]
pub struct StreamOutput {
    /// URL prefix that holds everything the stream writes; ends in `/`. No other stream's.
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::literal_prefix()))]
    pub location: String,
    /// Readings are published by segments of so many seconds, each whole: `date=2026-11-28/time=0900/`.
    #[serde(default = "segment")]
    #[schemars(range(min = 60, max = 86_400))]
    pub segment_seconds: u32,
    /// The column with a reading's time: with windows, the start of its window.
    #[serde(default = "time_column")]
    #[schemars(length(min = 1, max = 256))]
    pub time_column: String,
}

fn segment() -> u32 {
    3600
}

fn time_column() -> String {
    "Time".to_owned()
}

/// Where refused readings are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// URL prefix; ends in `/`.
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::literal_prefix()))]
    pub location: String,
}

/// When a partition stops rather than go on with something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct StreamLimits {
    /// It stops when it has seen more sensors than so many.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_sensors: u32,
    /// It stops when more of its last 10,000 events than so many cannot be read: a number, or a percentage.
    pub max_invalid: Limit,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            max_sensors: 1_000_000,
            max_invalid: Limit::Percent(50),
        }
    }
}
