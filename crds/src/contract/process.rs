use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Counts, few};

/// Names that a stream's pods and whoever starts them have in common.
pub mod stream_pod {
    /// Environment variable: the file with the stream's manifest.
    pub const MANIFEST: &str = "FLEETSCORE_STREAM";
    /// Environment variable: the pod's UID, which no other pod has and which stays when its container is started again.
    pub const POD_UID: &str = "FLEETSCORE_POD_UID";
    /// Environment variable: memory for events that are fetched ahead, in MiB.
    pub const MEMORY_MIB: &str = "FLEETSCORE_MEMORY_MIB";
    /// Environment variable: threads that read.
    pub const THREADS: &str = "FLEETSCORE_THREADS";
    /// The prefix of the environment variables that a secret of an event hub becomes.
    pub const EVENT_HUB_SECRET: &str = "FLEETSCORE_EVENTHUB_";
    /// The prefix of the environment variables that a secret of a Kafka cluster becomes.
    pub const KAFKA_SECRET: &str = "FLEETSCORE_KAFKA_";
    /// The port of what a pod serves.
    pub const PORT: u16 = 8080;
    /// Answers 200 as long as the pod works.
    pub const HEALTH: &str = "/healthz";
    /// Answers 200 once the pod has reached storage and hub.
    pub const READY: &str = "/readyz";
    /// Answers with a [`ProcessStatus`](super::ProcessStatus).
    pub const STATUS: &str = "/status";
    /// Answers with the pod's metrics, for Prometheus.
    pub const METRICS: &str = "/metrics";
}

/// What one process of a stream says of itself, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProcessStatus {
    /// The stream: namespace and name, `plant/pumps`.
    pub stream: String,
    /// Partitions of the topic; none: the hub did not tell yet.
    pub partitions: Option<u32>,
    /// Those that this process works on, by their numbers; at most [`ProcessStatus::MOST_PARTITIONS`].
    #[serde(deserialize_with = "few::few")]
    pub owned: Vec<PartitionStatus>,
    /// The end of the last segment that is published, as far as this process knows; none: none is.
    pub complete_through: Option<Timestamp>,
    /// The last segment that is published, as far as this process knows.
    pub last_segment: Option<SegmentStatus>,
    /// What keeps the whole process from its work, as long as it does.
    pub trouble: Option<Trouble>,
}

impl ProcessStatus {
    /// So many partitions one process tells of. No hub comes near.
    pub const MOST_PARTITIONS: usize = few::MOST;
    /// A larger answer is not read.
    pub const MAX_BYTES: usize = 1 << 20;
}

/// A segment that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentStatus {
    /// Its start.
    pub start: Timestamp,
    /// Its rows.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// Whether some of its events were gone from the hub before they were read.
    #[serde(default)]
    pub gaps: bool,
}

/// A partition, as the process says that works on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PartitionStatus {
    /// Its number.
    pub partition: i32,
    /// Grows with each process that claims it: of two that say they work on it, the one with the higher epoch does.
    pub epoch: u64,
    /// What became of its readings since the stream began, as of the last checkpoint.
    pub counts: Counts,
    /// Events that are not read yet; none: not known yet.
    pub lag_events: Option<u64>,
    /// How long ago the last event that was read arrived, in seconds, where events are left to read; 0: none is.
    pub lag_seconds: Option<u64>,
    /// Whether it had no event for the stream's idle time.
    pub is_idle: bool,
    /// Whether the events' arrival is told by the producers' clocks; none: this process has read no event yet.
    pub has_producers_clock: Option<bool>,
    /// Why it goes no further, whatever time passes.
    pub stall: Option<Trouble>,
    /// What the hub says, as long as it cannot be read, or what storage says, as long as it cannot be saved.
    pub error: Option<Trouble>,
}

/// What stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// A word for conditions and metrics: `AccessDenied`, `SourceUnavailable`, `MostEventsInvalid` and the like.
    pub reason: String,
    /// What happened, where, and what to do.
    pub message: String,
}
