use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The intervals `[start, start + sizeSeconds)` over which readings are aggregated, on a grid in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::stream_window()))]
pub struct StreamWindow {
    /// How long an interval is.
    #[schemars(range(min = 1, max = 86_400))]
    pub size_seconds: u32,
    /// One begins every so many seconds, so that they overlap. Default: `sizeSeconds`, so that they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub hop_seconds: Option<u32>,
}

/// One column of an aggregated reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// The column's name in the stored readings.
    // Longer ones would make the comparison of all with all too dear for the API server.
    #[schemars(length(min = 1, max = 64))]
    pub column: String,
    /// The feature that is aggregated.
    #[schemars(length(min = 1, max = 64))]
    pub of: String,
    /// How.
    #[serde(default)]
    pub function: AggregateFunction,
}

/// How readings are aggregated.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum AggregateFunction {
    /// The mean.
    #[default]
    Avg,
    /// How many there are.
    Count,
    /// The sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The largest less the smallest.
    Range,
    /// The standard deviation of a sample; nothing for one reading.
    StdDev,
    /// The variance of a sample; nothing for one reading.
    Var,
    /// That of the earliest time.
    First,
    /// That of the latest time.
    Last,
}

/// How long is waited for events that come late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Lateness {
    /// A window is closed once an event of its partition is so many seconds past its end.
    #[schemars(range(max = 604_800))]
    pub tolerance_seconds: u32,
    /// A reading whose time is more than so many seconds after its arrival is refused: its device's clock is wrong.
    #[schemars(range(max = 86_400))]
    pub early_seconds: u32,
    /// A partition without events for so many seconds closes its windows by the clock.
    #[schemars(range(min = 1, max = 86_400))]
    pub idle_seconds: u32,
    /// A reading that is older than so many seconds when it arrives is refused.
    #[schemars(range(min = 1))]
    pub max_age_seconds: u32,
}

impl Default for Lateness {
    fn default() -> Self {
        Self {
            tolerance_seconds: 300,
            early_seconds: 300,
            idle_seconds: 60,
            max_age_seconds: 604_800,
        }
    }
}

/// What happens to a reading of a sensor and time that came before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Duplicates {
    /// It counts as any other.
    #[default]
    Keep,
    /// It is left out, as long as the first one's window is open.
    DropSameTime,
}
