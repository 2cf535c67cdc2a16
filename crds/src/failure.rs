use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// When failures make the whole run fail, and what is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailurePolicy {
    /// Failed sensors that a run may have and still be `PartiallySucceeded`: a count, or a share of all sensors such as `5%`.
    #[serde(default)]
    pub max_failed_sensors: Limit,
    /// Stop the run as soon as more sensors than the limit have failed.
    #[serde(default)]
    pub fail_fast: bool,
    /// How often a pod is tried again after a temporary failure. Disruptions do not count.
    #[serde(default = "three")]
    #[schemars(range(max = 10))]
    pub retries_per_pod: u32,
}

impl Default for FailurePolicy {
    fn default() -> Self {
        Self {
            max_failed_sensors: Limit::default(),
            fail_fast: false,
            retries_per_pod: three(),
        }
    }
}

fn three() -> u32 {
    3
}

/// A number of sensors, absolute or as a share of all: `3` or `5%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many sensors.
    Count(u32),
    /// So many percent (0 to 100) of all sensors, rounded down.
    Percent(u8),
}

impl Limit {
    /// The limit as a number of sensors, for a run of `total` sensors.
    pub fn of(self, total: u64) -> u64 {
        match self {
            Self::Count(count) => u64::from(count),
            Self::Percent(percent) => total.saturating_mul(u64::from(percent)) / 100,
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(out, "{count}"),
            Self::Percent(percent) => write!(out, "{percent}%"),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitVisitor)
    }
}

struct LimitVisitor;

impl de::Visitor<'_> for LimitVisitor {
    type Value = Limit;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a count of sensors such as 3, or a share such as \"5%\"")
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Limit, E> {
        u32::try_from(count)
            .map(Limit::Count)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(count), &self))
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Limit, E> {
        u32::try_from(count)
            .map(Limit::Count)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
        let percent = text
            .strip_suffix('%')
            .and_then(|digits| digits.parse::<u8>().ok())
            .filter(|percent| *percent <= 100);
        percent
            .map(Limit::Percent)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "minimum": 0,
            "maximum": u32::MAX,
            "pattern": "^(100|[1-9]?[0-9])%$"
        })
    }
}
