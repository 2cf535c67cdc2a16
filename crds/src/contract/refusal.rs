use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a reading, or a whole event, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The kind.
    pub reason: Reason,
    /// The field, where one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its value as it was found, cut to 256 bytes; for a payload what is wrong with it and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Kinds of what cannot be used; stable, also labels of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The payload, or one line or item of it, is not what `event.format` says.
    BadPayload,
    /// A field is missing.
    FieldMissing,
    /// A field is no time.
    BadTime,
    /// A field is no number.
    BadNumber,
    /// A number is not finite.
    NotFinite,
    /// A field is no text: an object or a list.
    BadText,
    /// A field is neither true nor false.
    BadBoolean,
    /// A key's text has more than 256 bytes.
    KeyTooLong,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BadPayload,
        Self::FieldMissing,
        Self::BadTime,
        Self::BadNumber,
        Self::NotFinite,
        Self::BadText,
        Self::BadBoolean,
        Self::KeyTooLong,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}
