use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Events that the hub had already dropped when the stream came to read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gap {
    /// The partition.
    pub partition: i32,
    /// The offset of the first event that is missing.
    pub from_offset: i64,
    /// The offset after the last one.
    pub to_offset: i64,
    /// No reading of an earlier time is missing in a segment that was not published by then.
    pub start: Timestamp,
    /// No reading of this time or a later one is missing.
    pub end: Timestamp,
}

impl Gap {
    /// Whether a reading of `[start, end)` may be missing.
    pub fn touches(&self, start: Timestamp, end: Timestamp) -> bool {
        self.start < end && start < self.end
    }
}
