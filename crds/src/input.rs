use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the readings are and what their columns mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::input()))]
pub struct InputSpec {
    /// URL of the readings. May hold placeholders; a URL that ends in `/` means every object under it.
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::location()))]
    pub location: String,
    /// Format of the readings.
    #[serde(default)]
    pub format: ReadingFormat,
    /// Which column holds what.
    pub columns: Columns,
    /// What a reading that cannot be scored (an unparsable number or time, NaN, infinity) does to its sensor.
    #[serde(default)]
    pub on_invalid_reading: OnInvalidReading,
    /// What a sensor without any reading in the window means.
    #[serde(default)]
    pub on_no_readings: OnNoReadings,
    /// Waits until the readings of the window are complete. Readings of a `ReadingStream` are waited for without it, too, as with its
    /// defaults; all others are read as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for: Option<WaitFor>,
}

/// How long a run waits for its readings, and what tells that they are complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitFor {
    /// How long, in seconds.
    #[schemars(range(max = 604_800))]
    pub timeout_seconds: u32,
    /// What happens when they are not complete by then.
    pub on_timeout: OnTimeout,
    /// URL of an object that whoever writes the readings puts there last, such as `az://lake/{window.start:%Y/%m/%d/%H}/_SUCCESS`.
    /// Not for a `ReadingStream`, which marks its segments itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::marker()))]
    pub object: Option<String>,
}

impl Default for WaitFor {
    fn default() -> Self {
        Self {
            timeout_seconds: 3600,
            on_timeout: OnTimeout::default(),
            object: None,
        }
    }
}

/// What happens when readings are not complete in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnTimeout {
    /// The run fails.
    #[default]
    Fail,
    /// What is there is scored, with a warning that names what is missing.
    Score,
}

/// How readings are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReadingFormat {
    /// Recognised from the object's extension, else from its first bytes; a folder with `_stream/stream.json` is a stream's.
    #[default]
    Auto,
    /// Comma-separated values with a header line.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// What a `ReadingStream` has published in its `output.location`.
    Stream,
}

/// The meaning of the readings' columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::columns()))]
pub struct Columns {
    /// The column with a reading's time: RFC 3339, `2018-08-28 23:00:05.000`, or seconds, milliseconds, microseconds
    /// or nanoseconds since 1970 (told apart by magnitude).
    #[schemars(length(min = 1, max = 256))]
    pub time: String,
    /// Which column holds each key of the sensor, by key name. Empty where the location already names the sensor.
    #[serde(default)]
    #[schemars(
        extend(
            "maxProperties" = 16,
            "additionalProperties" = crate::rules::short_text(),
            "x-kubernetes-validations" = crate::rules::key_names()
        )
    )]
    pub keys: BTreeMap<String, String>,
    /// The columns of the features, in the model's order.
    #[schemars(
        length(min = 1, max = 256),
        inner(length(min = 1, max = 256)),
        extend("x-kubernetes-validations" = crate::rules::features())
    )]
    pub features: Vec<String>,
    /// A column with the known truth (1 or true: anomaly, 0 or false: normal). With it the report gives precision and recall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub label: Option<String>,
    /// IANA time zone of times without an offset.
    #[serde(default = "utc")]
    #[schemars(length(max = 64), regex(pattern = "^[A-Za-z][A-Za-z0-9_+/-]*$"))]
    pub time_zone: String,
}

fn utc() -> String {
    "Etc/UTC".to_owned()
}

/// What a reading that cannot be scored does to its sensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnInvalidReading {
    /// The sensor fails, and the error names the object, the row, the column and the value.
    #[default]
    Fail,
    /// The reading is left out and counted in the ledger as skipped.
    Skip,
}

/// What a sensor without any reading in the window means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnNoReadings {
    /// The sensor fails.
    #[default]
    Fail,
    /// The sensor succeeds with an empty predictions file.
    Succeed,
}
