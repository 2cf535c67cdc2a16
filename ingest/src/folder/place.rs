use std::fmt::Write as _;

use fleetscore_crds::contract::{STREAM, SUCCESS, StreamColumns, StreamDocument, segment_folder};
use fleetscore_crds::{ReadingStreamSpec, SourceSpec, StartAt};
use fleetscore_storage::{Lock, ObjectUrl, Storage, StorageError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::FolderError;

/// A stream's output location, which is this stream's for good.
#[derive(Debug)]
pub struct StreamFolder {
    storage: Storage,
    location: ObjectUrl,
    document: StreamDocument,
    lock: Option<Lock>,
}

impl StreamFolder {
    /// Opens the folder of the stream `id` (its namespace and name); the first time at `now` it becomes the stream's. A folder of files is
    /// locked for this process.
    ///
    /// # Errors
    ///
    /// [`FolderError::LocationTaken`] and [`FolderError::Locked`], and what storage says.
    pub async fn open(
        storage: &Storage,
        spec: &ReadingStreamSpec,
        id: &str,
        now: Timestamp,
    ) -> Result<Self, FolderError> {
        let location = ObjectUrl::parse(&spec.output.location)?.as_prefix();
        let locked = storage.lock(&location.join("_stream/lock")?).await?;
        let lock = locked.map_err(|holder| FolderError::Locked {
            location: location.to_string(),
            holder,
        })?;
        let ours = document(spec, id, now);
        let document = found_or_put(storage, &location, &ours).await?;
        if document.id != ours.id || document.spec != ours.spec {
            let name = |document: &StreamDocument| {
                format!(
                    "{} (of {}, spec {})",
                    document.id, document.source, document.spec
                )
            };
            return Err(FolderError::LocationTaken {
                location: location.to_string(),
                theirs: name(&document),
                ours: name(&ours),
            });
        }
        Ok(Self {
            storage: storage.clone(),
            location,
            document,
            lock,
        })
    }

    /// What the stream is.
    pub fn document(&self) -> &StreamDocument {
        &self.document
    }

    /// Whether no other process can be there.
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// The storage that it is in.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Where it is.
    pub fn location(&self) -> &ObjectUrl {
        &self.location
    }

    pub(super) fn id(&self) -> &str {
        &self.document.id
    }

    /// The folder of the partitions' objects.
    pub(super) fn partitions(&self) -> Result<ObjectUrl, StorageError> {
        self.location.join("_stream/partitions/")
    }

    /// The object that says how far a partition has come.
    pub fn partition(&self, number: i32) -> Result<ObjectUrl, StorageError> {
        self.location
            .join(&format!("_stream/partitions/{number:05}"))
    }

    /// The object that says how far publishing has come.
    pub fn publisher(&self) -> Result<ObjectUrl, StorageError> {
        self.location.join("_stream/commit")
    }

    /// The folder of all parts.
    pub fn parts(&self) -> Result<ObjectUrl, StorageError> {
        self.location.join("_stream/parts/")
    }

    /// A part of a segment.
    pub fn part(&self, segment: Timestamp, name: &str) -> Result<ObjectUrl, StorageError> {
        let folder = segment.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M");
        self.location
            .join(&format!("_stream/parts/{folder}/{name}"))
    }

    /// The folder of a segment's files.
    pub fn segment(&self, segment: Timestamp) -> Result<ObjectUrl, StorageError> {
        self.location.join(&segment_folder(segment))
    }

    /// The document that completes a segment.
    pub fn success(&self, segment: Timestamp) -> Result<ObjectUrl, StorageError> {
        self.segment(segment)?.join(SUCCESS)
    }
}

/// The name of a part, which no other part has: `number` is another one for each part of an epoch.
pub fn part_name(partition: i32, epoch: u64, number: u64) -> String {
    format!("{partition:05}-{epoch}-{number:06}.parquet")
}

async fn found_or_put(
    storage: &Storage,
    location: &ObjectUrl,
    ours: &StreamDocument,
) -> Result<StreamDocument, FolderError> {
    let url = location.join(STREAM)?;
    let limit = StreamDocument::MAX_BYTES;
    let found = match storage.get(&url, limit).await {
        Err(error) if error.is_not_found() => {
            let written = storage.put_if(&url, ours.to_bytes().into(), None).await?;
            if written.is_some() {
                return Ok(ours.clone());
            }
            // Another process was faster.
            storage.get(&url, limit).await?
        }
        found => found?,
    };
    StreamDocument::parse(&found).map_err(|error| FolderError::Document {
        location: location.to_string(),
        error,
    })
}

/// The document of a stream that begins now.
fn document(spec: &ReadingStreamSpec, id: &str, now: Timestamp) -> StreamDocument {
    let columns = &spec.event.columns;
    let features = if spec.window.is_some() {
        let aggregates = spec.aggregates.iter();
        aggregates
            .map(|aggregate| aggregate.column.clone())
            .collect()
    } else {
        columns.features.clone()
    };
    let columns = StreamColumns {
        time: spec.output.time_column.clone(),
        keys: columns.keys.keys().cloned().collect(),
        features,
    };
    let start = match spec.source.start_at {
        StartAt::Latest => Some(now),
        StartAt::Earliest => None,
        StartAt::Instant(time) => Some(time),
    };
    StreamDocument::new(
        id.to_owned(),
        source(&spec.source),
        hash(spec),
        now,
        start,
        spec.output.segment_seconds,
        columns,
    )
}

/// Where the events come from, in words. How to sign in is no part of it.
fn source(source: &SourceSpec) -> String {
    match (&source.event_hub, &source.kafka) {
        (Some(hub), _) => {
            let endpoint = hub.endpoint.as_deref();
            let endpoint = endpoint.map_or_else(
                || format!("{}.servicebus.windows.net", hub.namespace),
                str::to_owned,
            );
            format!("event hub {} at {endpoint}", hub.name)
        }
        (None, Some(kafka)) => {
            format!(
                "topic {} at {}",
                kafka.topic,
                kafka.bootstrap_servers.join(",")
            )
        }
        (None, None) => "nothing".to_owned(),
    }
}

/// A hash of what results depend on: 16 hexadecimal digits. Not of how to sign in, nor of the addresses of the same hub.
fn hash(spec: &ReadingStreamSpec) -> String {
    let hub = spec.source.event_hub.as_ref();
    let hub = hub.map(|hub| (&hub.namespace, &hub.name));
    let topic = spec.source.kafka.as_ref().map(|kafka| &kafka.topic);
    let fixed = json!({
        "source": {"eventHub": hub, "kafka": topic, "startAt": spec.source.start_at},
        "event": spec.event,
        "filter": spec.filter,
        "window": spec.window,
        "aggregates": spec.aggregates,
        "duplicates": spec.duplicates,
        "output": {"segmentSeconds": spec.output.segment_seconds, "timeColumn": spec.output.time_column},
    });
    let mut digits = String::with_capacity(16);
    for byte in Sha256::digest(fixed.to_string()).iter().take(8) {
        // Writing into a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
