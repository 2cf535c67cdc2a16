//! What a stream has published: complete segments of readings, of which each file is named by the document that completes the segment.

use fleetscore_crds::contract::{
    DocumentError, STREAM, SUCCESS, SegmentDocument, SegmentFile, StreamDocument, segment_folder,
    segment_start,
};
use fleetscore_crds::{Columns, Failure, FailureReason, SensorKey, Window};
use fleetscore_storage::{ObjectInfo, ObjectUrl, Storage, StorageError};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::missing;

/// Requests for segments at the same time.
const AT_ONCE: usize = 16;

/// The segments of a stream that a run reads. Its plan keeps them, so that all shards read the same, whatever is published later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segments {
    /// The stream's id.
    pub stream: String,
    /// Its output location.
    pub location: String,
    /// The key columns that its files are sorted by, in this order.
    pub keys: Vec<String>,
    /// The segments in order.
    pub segments: Vec<Segment>,
}

/// A complete segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// When it begins.
    pub start: Timestamp,
    /// How often it was published before.
    pub revision: u32,
    /// Its files, in the order of their keys.
    pub files: Vec<SegmentFile>,
    /// Whether events were lost, of which it may lack readings.
    pub has_gaps: bool,
}

/// The stream whose output location is `location`; none where it is not one's.
///
/// # Errors
///
/// Its document is not one that this program reads; or storage refuses or fails.
pub async fn stream_at(
    storage: &Storage,
    location: &ObjectUrl,
) -> Result<Option<StreamDocument>, Failure> {
    let url = location.join(STREAM).map_err(|error| missing(&error))?;
    match storage.get(&url, StreamDocument::MAX_BYTES).await {
        Ok(bytes) => StreamDocument::parse(&bytes)
            .map(Some)
            .map_err(|error| unreadable(&url, &error)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(missing(&error)),
    }
}

/// The starts of the segments that hold readings of `window`. Those that end before the stream's first window hold none.
pub fn wanted(stream: &StreamDocument, window: Window) -> Vec<Timestamp> {
    let length = i64::from(stream.segment_seconds);
    let mut start = segment_start(window.start, stream.segment_seconds);
    if let Some(first) = stream.start {
        start = start.max(segment_start(first, stream.segment_seconds));
    }
    let mut starts = Vec::new();
    while start < window.end {
        starts.push(start);
        match start.checked_add(jiff::SignedDuration::from_secs(length)) {
            Ok(next) => start = next,
            Err(_) => break,
        }
    }
    starts
}

/// The starts of all segments that are complete now.
///
/// # Errors
///
/// Storage refuses or fails.
pub async fn complete(storage: &Storage, location: &ObjectUrl) -> Result<Vec<Timestamp>, Failure> {
    let objects = storage.list(location).try_collect::<Vec<_>>();
    let objects = objects.await.map_err(|error| missing(&error))?;
    let ends = objects
        .iter()
        .filter_map(|object| object.url.relative_to(location)?.strip_suffix(SUCCESS));
    Ok(ends.filter_map(start_of).collect())
}

/// The start of the segment whose folder is `folder`.
fn start_of(folder: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime("date=%Y-%m-%d/time=%H%M/", folder).ok()?;
    let start = jiff::tz::Offset::UTC.to_timestamp(time).ok()?;
    (segment_folder(start) == folder).then_some(start)
}

/// The segment of `stream` that begins at `start`; none where it is not complete.
///
/// # Errors
///
/// Its document is not one that this program reads, or another stream's; or storage refuses or fails.
async fn segment(
    storage: &Storage,
    location: &ObjectUrl,
    stream: &StreamDocument,
    start: Timestamp,
) -> Result<Option<Segment>, Failure> {
    let url = location.join(&format!("{}{SUCCESS}", segment_folder(start)));
    let url = url.map_err(|error| missing(&error))?;
    let bytes = match storage.get(&url, SegmentDocument::MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(missing(&error)),
    };
    let found = SegmentDocument::parse(&bytes).map_err(|error| unreadable(&url, &error))?;
    if found.stream != stream.id || found.segment != start {
        return Err(Failure {
            reason: FailureReason::ReadingsUnreadable,
            message: format!(
                "{url} is of the segment {} of stream {}, not of {start} of {}: it was put there by something else than the stream",
                found.segment, found.stream, stream.id
            ),
        });
    }
    Ok(Some(Segment {
        start,
        revision: found.revision,
        files: found.files,
        has_gaps: !found.gaps.is_empty(),
    }))
}

/// Those of the segments that begin at `starts` which are complete, in their order.
///
/// # Errors
///
/// As [`segment`] has them.
pub async fn segments(
    storage: &Storage,
    location: &ObjectUrl,
    stream: &StreamDocument,
    starts: &[Timestamp],
) -> Result<Vec<Segment>, Failure> {
    let found: Vec<Option<Segment>> = stream::iter(starts)
        .map(|&start| segment(storage, location, stream, start))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

impl Segments {
    /// Those of `segments`, of a stream at `location`.
    pub fn new(stream: &StreamDocument, location: &ObjectUrl, segments: Vec<Segment>) -> Self {
        Self {
            stream: stream.id.clone(),
            location: location.to_string(),
            keys: stream.columns.keys.clone(),
            segments,
        }
    }

    /// The files that may hold readings of `sensors`, whose keys are in the columns that `columns` says: segment by segment, in the order
    /// of their keys.
    ///
    /// # Errors
    ///
    /// A name that is none of a file in the location.
    pub fn files(
        &self,
        sensors: &[SensorKey],
        columns: &Columns,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        let mut wanted: Vec<Vec<&str>> = sensors
            .iter()
            .map(|sensor| self.sort_key(sensor, columns))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.some_files(|file| holds_any(file, &wanted))
    }

    /// All files: segment by segment, in the order of their keys.
    ///
    /// # Errors
    ///
    /// A name that is none of a file in the location.
    pub fn all_files(&self) -> Result<Vec<ObjectInfo>, StorageError> {
        self.some_files(|_| true)
    }

    fn some_files(
        &self,
        is_wanted: impl Fn(&SegmentFile) -> bool,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        let location = ObjectUrl::parse(&self.location)?;
        let mut objects = Vec::new();
        for segment in &self.segments {
            let folder = location.join(&segment_folder(segment.start))?;
            for file in segment.files.iter().filter(|file| is_wanted(file)) {
                objects.push(ObjectInfo::known(folder.join(&file.name)?, file.bytes));
            }
        }
        Ok(objects)
    }

    /// A sensor's texts of the columns that the files are sorted by, up to the first that the run does not ask for.
    fn sort_key<'a>(&self, sensor: &'a SensorKey, columns: &Columns) -> Vec<&'a str> {
        let text = |column: &String| {
            let named = columns.keys.iter().find(|(_, named)| *named == column);
            sensor.get(named.map_or(column.as_str(), |(key, _)| key.as_str()))
        };
        self.keys.iter().map_while(text).collect()
    }
}

/// Whether one of the sorted keys `wanted` lies between the file's first and last.
fn holds_any(file: &SegmentFile, wanted: &[Vec<&str>]) -> bool {
    let is_before = |bound: &[String], key: &[&str]| {
        let bound = bound.iter().map(String::as_str).take(key.len());
        bound.lt(key.iter().copied())
    };
    let is_after = |bound: &[String], key: &[&str]| {
        let bound = bound.iter().map(String::as_str).take(key.len());
        bound.gt(key.iter().copied())
    };
    let first = wanted.partition_point(|key| is_after(&file.first_key, key));
    wanted
        .get(first)
        .is_some_and(|key| !is_before(&file.last_key, key))
}

fn unreadable(url: &ObjectUrl, error: &DocumentError) -> Failure {
    Failure {
        reason: FailureReason::ReadingsUnreadable,
        message: format!("{url}: {error}"),
    }
}
