use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The half-open interval `[start, end)` of readings that a run scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::window()))]
pub struct Window {
    /// The first instant that belongs to the window (RFC 3339).
    pub start: Timestamp,
    /// The first instant after the window (RFC 3339).
    pub end: Timestamp,
}
