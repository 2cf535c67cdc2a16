use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DocumentError;
use super::error;

/// The folder of everything that is the stream's own, below its output location.
pub const STREAM_FOLDER: &str = "_stream/";
/// The document that says what the stream is. A location with it holds the readings of a stream.
pub const STREAM: &str = "_stream/stream.json";

/// What a stream is: written once, by its first process, and never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StreamDocument {
    version: u64,
    /// Who the stream is: its namespace and name.
    pub id: String,
    /// Where its events come from, in words.
    pub source: String,
    /// A hash of everything in its spec that results depend on.
    pub spec: String,
    /// When this was written (RFC 3339).
    pub created: Timestamp,
    /// Windows that begin then or later are written; all, where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// How long a segment is.
    pub segment_seconds: u32,
    /// The columns of its files.
    pub columns: StreamColumns,
}

/// The columns of a stream's files, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StreamColumns {
    /// The column with the time of a reading: microseconds, UTC.
    pub time: String,
    /// The names of the keys, sorted, which are columns of text.
    pub keys: Vec<String>,
    /// The columns with the features or aggregates: doubles.
    pub features: Vec<String>,
}

impl StreamDocument {
    const VERSION: u64 = 1;
    /// No document has more bytes: its columns are those of a manifest.
    pub const MAX_BYTES: u64 = 1 << 20;

    /// The document of a new stream.
    pub fn new(
        id: String,
        source: String,
        spec: String,
        created: Timestamp,
        start: Option<Timestamp>,
        segment_seconds: u32,
        columns: StreamColumns,
    ) -> Self {
        Self {
            version: Self::VERSION,
            id,
            source,
            spec,
            created,
            start,
            segment_seconds,
            columns,
        }
    }

    /// Reads what [`StreamDocument::to_bytes`] makes.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] where it is of another version, or no such document.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let document: Self = error::parse(STREAM, Self::VERSION, bytes)?;
        let seconds = document.segment_seconds;
        if seconds == 0 || !86_400_u32.is_multiple_of(seconds) || !seconds.is_multiple_of(60) {
            return Err(DocumentError::Malformed {
                name: STREAM,
                cause: format!("segmentSeconds {seconds} is not a part of a day in whole minutes"),
            });
        }
        Ok(document)
    }

    /// The document as it is stored: JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        error::bytes(self)
    }
}
