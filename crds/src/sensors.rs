use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FailureReason, SensorKey};

/// Which sensors a run scores. At most one of the fields is set; none means `fromModels`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::sensors()))]
pub struct SensorsSpec {
    /// Every object that matches `model.location` is a sensor; its placeholders are the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_models: Option<FromModels>,
    /// The sensors themselves, each a map from key name to value; all have the same keys. At most 1000: name more in a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 1000),
        // Not a set: a set's entries are plain values, or else no status can be applied. A duplicate fails in the plan.
        extend("x-kubernetes-list-type" = "atomic", "x-kubernetes-validations" = crate::rules::sensor_list())
    )]
    pub list: Option<Vec<SensorKey>>,
    /// URL of a CSV (with header) or JSON lines object with one sensor a row; its columns are the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::manifest()))]
    pub manifest: Option<String>,
    /// Only the sensors that failed in an earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_in: Option<FailedIn>,
}

/// Sensors are found by listing the models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromModels {}

/// Names the run whose failed sensors are scored again.
///
/// Where `output.location` does not hold `{run}`, so that both runs have the same one, the retry is in place: it scores the failed sensors
/// into the output of the earlier run, which must have ended and be the last one that wrote there, and touches nothing else. Its own files
/// are in `_run/retry/RUN/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailedIn {
    /// Name of the earlier run. Its `failed.jsonl` is looked up under this run's `output.location` with that name as `{run}`.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    )]
    pub run: String,
    /// Only the sensors that failed for one of these reasons. Without it: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "set"))]
    pub reasons: Vec<FailureReason>,
}
