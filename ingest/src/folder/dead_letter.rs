use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use fleetscore_storage::{ObjectUrl, Storage, StorageError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{Record, Refusal};

/// The refused events of one cut of a partition, until they are stored: a gzip file of JSON lines for each day of arrival.
#[derive(Debug)]
pub struct DeadLetters {
    partition: i32,
    first_offset: i64,
    /// The lines of each day of arrival.
    days: BTreeMap<Date, Vec<u8>>,
    bytes: usize,
}

/// What was refused of an event, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// A reason of [`crate::Reason`], `Early`, `Late` or `TooOld`.
    pub reason: Cow<'static, str>,
    /// The field, where one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Refused {
    /// A reading that came too early, too late or is too old; `reason` says which.
    pub fn by_time(reason: &'static str, time: Timestamp) -> Self {
        Self {
            reason: reason.into(),
            field: None,
            value: Some(time.to_string()),
        }
    }
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Self {
        Self {
            reason: refusal.reason.to_string().into(),
            field: refusal.field.clone(),
            value: refusal.value.clone(),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    offset: i64,
    arrival: Timestamp,
    partition: i32,
    refused: &'a [Refused],
    /// The body's length, where it is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Body<'a> {
    Text(&'a str),
    Base64(String),
}

/// The most that is kept of an event's body, in bytes: 64 KiB of text, also as base64.
const TEXT_LIMIT: usize = 64 << 10;
const BINARY_LIMIT: usize = TEXT_LIMIT / 4 * 3;

impl DeadLetters {
    /// None yet, of the cut that begins at `first_offset`.
    pub fn new(partition: i32, first_offset: i64) -> Self {
        Self {
            partition,
            first_offset,
            days: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Adds an event with all that was refused of it.
    pub fn add(&mut self, record: &Record<'_>, refused: &[Refused]) {
        let arrival = Timestamp::from_nanosecond(record.arrival.into()).unwrap_or_default();
        let (body, bytes) = body(record.body.unwrap_or_default());
        let line = Line {
            offset: record.offset,
            arrival,
            partition: self.partition,
            refused,
            bytes,
            body,
        };
        // Of texts and numbers a line can always be made.
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        self.bytes += line.len();
        let day = arrival.to_zoned(TimeZone::UTC).date();
        self.days.entry(day).or_default().append(&mut line);
    }

    /// Bytes in memory: who adds stores them before there are too many.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Stores them below the stream's location for dead letters. The same cut again replaces them.
    pub async fn store(&self, storage: &Storage, location: &ObjectUrl) -> Result<(), StorageError> {
        for (day, lines) in &self.days {
            let name = format!(
                "date={day}/{:05}-{}.jsonl.gz",
                self.partition, self.first_offset
            );
            let url = location.join(&name)?;
            let packed = pack(lines).map_err(|error| StorageError::Other {
                url: url.to_string(),
                cause: error.to_string(),
            })?;
            storage.put(&url, packed).await?;
        }
        Ok(())
    }
}

fn pack(lines: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = GzEncoder::new(Vec::new(), Compression::fast());
    file.write_all(lines)?;
    file.finish()
}

/// The body as it is written, and its length where it is cut.
fn body(bytes: &[u8]) -> (Body<'_>, Option<usize>) {
    let is_cut = |limit: usize| (bytes.len() > limit).then_some(bytes.len());
    if let Ok(text) = str::from_utf8(bytes) {
        let end = text.floor_char_boundary(TEXT_LIMIT);
        return (Body::Text(&text[..end]), is_cut(TEXT_LIMIT));
    }
    let end = bytes.len().min(BINARY_LIMIT);
    let text = STANDARD.encode(&bytes[..end]);
    (Body::Base64(text), is_cut(BINARY_LIMIT))
}
