use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::error;
use super::{Counts, DocumentError, Gap};

/// The document that completes a segment, in its folder.
pub const SUCCESS: &str = "_SUCCESS";

/// A segment that is complete. Only its files hold its readings: others beside them are left over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SegmentDocument {
    version: u64,
    /// The stream's id.
    pub stream: String,
    /// When the segment begins (RFC 3339).
    pub segment: Timestamp,
    /// How often it was published before.
    pub revision: u32,
    /// Its files, in the order of their keys; none where it has no readings.
    pub files: Vec<SegmentFile>,
    /// What may be missing.
    pub gaps: Vec<Gap>,
    /// Whether the stream begins in it, so that it holds no reading before.
    pub partial: bool,
    /// What became of the readings whose time is in it.
    pub counts: Counts,
}

/// A file of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SegmentFile {
    /// Its name in the segment's folder.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The texts of the keys of its first row, in the order of the keys' names.
    pub first_key: Vec<String>,
    /// Those of its last row. The next file begins with other keys, which are greater.
    pub last_key: Vec<String>,
}

impl SegmentDocument {
    const VERSION: u64 = 1;
    /// A larger document is not read.
    pub const MAX_BYTES: u64 = 16 << 20;

    /// The document of a complete segment.
    pub fn new(
        stream: String,
        segment: Timestamp,
        files: Vec<SegmentFile>,
        gaps: Vec<Gap>,
        partial: bool,
        counts: Counts,
    ) -> Self {
        Self {
            version: Self::VERSION,
            stream,
            segment,
            revision: 0,
            files,
            gaps,
            partial,
            counts,
        }
    }

    /// Reads what [`SegmentDocument::to_bytes`] makes.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] where it is of another version, or no such document; so too where a file's name leads out of the folder.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let document: Self = error::parse(SUCCESS, Self::VERSION, bytes)?;
        let is_name = |name: &str| {
            !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '?'])
        };
        match document.files.iter().find(|file| !is_name(&file.name)) {
            Some(file) => Err(DocumentError::Malformed {
                name: SUCCESS,
                cause: format!("{:?} is not the name of a file of the segment", file.name),
            }),
            None => Ok(document),
        }
    }

    /// The document as it is stored: JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        error::bytes(self)
    }
}

/// The folder of the segment that begins at `start`, below the output location: `date=2026-11-28/time=0900/`.
pub fn segment_folder(start: Timestamp) -> String {
    start
        .to_zoned(TimeZone::UTC)
        .strftime("date=%Y-%m-%d/time=%H%M/")
        .to_string()
}

/// The start of the segment that holds `time`: segments divide each day in UTC.
pub fn segment_start(time: Timestamp, segment_seconds: u32) -> Timestamp {
    let length = i128::from(segment_seconds.max(1)) * 1_000_000_000;
    let start = time.as_nanosecond().div_euclid(length) * length;
    // Only the very first segment that can be told begins before all time.
    Timestamp::from_nanosecond(start).unwrap_or(Timestamp::MIN)
}
