use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::visible;

/// What identifies one sensor and its model: an ordered map from key name to value, such as `device=1 tag=2`.
///
/// Keys are ordered by name, so two keys with the same entries are equal, sort alike and print alike.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(
    inline,
    extend(
        "minProperties" = 1,
        "maxProperties" = 16,
        "additionalProperties" = crate::rules::short_text(),
        "x-kubernetes-map-type" = "atomic",
        "x-kubernetes-validations" = crate::rules::key_names()
    )
)]
pub struct SensorKey(pub BTreeMap<String, String>);

impl SensorKey {
    /// The value of key `name`, if this sensor has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The entries in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for SensorKey {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// `device=1 tag=2`; a sensor without keys (a single fixed model) prints as `(the only sensor)`, and what nobody
/// would see in a value is written out.
impl fmt::Display for SensorKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("(the only sensor)");
        }
        for (position, (name, value)) in self.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(out, "{space}{name}={}", visible(value))?;
        }
        Ok(())
    }
}
