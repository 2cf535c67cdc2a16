use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the predictions go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::output()))]
pub struct OutputSpec {
    /// URL prefix that holds everything the run writes; ends in `/`.
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::prefix()))]
    pub location: String,
    /// Name of a sensor's predictions below the location, with placeholders for its keys: `preds_{device}_{tag}.csv`.
    #[schemars(length(min = 1, max = 256))]
    pub file: String,
    /// Format of the predictions.
    #[serde(default)]
    pub format: PredictionFormat,
}

/// How predictions are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PredictionFormat {
    /// By the extension of the file name: `.csv`, `.parquet`, `.jsonl` or `.ndjson`.
    #[default]
    Auto,
    /// Comma-separated values with a header line.
    Csv,
    /// Apache Parquet, compressed with zstd.
    Parquet,
    /// One JSON object a line.
    JsonLines,
}

/// Where the logs of the run's steps go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogsSpec {
    /// URL prefix for `plan.log`, `collect.log` and one log a shard; ends in `/`.
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::prefix()))]
    pub location: String,
}
