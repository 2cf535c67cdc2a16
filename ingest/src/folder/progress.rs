use std::collections::BTreeMap;

use fleetscore_crds::contract::{Counts, Gap};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How far the work on an object that processes claim has come.
pub trait Progress:
    Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync
{
}

impl Progress for PartitionProgress {}

impl Progress for PublisherProgress {}

/// How far a partition has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartitionProgress {
    /// The topic's own id, which a topic made anew does not have; none where the hub tells none.
    pub topic_id: Option<String>,
    /// The offset of the first event that is in none of the counts; none: reading has not begun.
    pub next_offset: Option<i64>,
    /// When the hub took the last event that was read.
    pub arrival: Option<Timestamp>,
    /// The latest time of a reading.
    pub max_time: Option<Timestamp>,
    /// No window that ends then or earlier takes readings.
    pub watermark: Option<Timestamp>,
    /// All windows of segments that end then or earlier are closed, and their rows are in parts.
    pub closed_through: Option<Timestamp>,
    /// Parts that are not published yet, in the order in which they were written.
    pub parts: Vec<PartEntry>,
    /// Events that the hub had dropped before they were read, as long as a segment that is not published yet may lack them.
    pub gaps: Vec<Gap>,
    /// What became of all readings.
    pub counts: Counts,
    /// What became of the readings of each segment that is not published yet, by its start.
    pub segments: BTreeMap<Timestamp, Counts>,
}

/// A part: rows of one segment and partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartEntry {
    /// The segment's start.
    pub segment: Timestamp,
    /// Its name in the segment's folder of parts.
    pub name: String,
    /// Its rows; at least one.
    pub rows: u64,
}

impl PartitionProgress {
    /// Leaves out what is published: segments that begin before `complete_through`.
    pub fn forget(&mut self, complete_through: Timestamp) {
        self.parts.retain(|part| part.segment >= complete_through);
        self.gaps.retain(|gap| gap.end > complete_through);
        self.segments
            .retain(|segment, _| *segment >= complete_through);
    }
}

/// How far publishing has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublisherProgress {
    /// The end of the last segment that is complete, as are all before it; none: none is.
    pub complete_through: Option<Timestamp>,
    /// The last segments, the newest at the end.
    pub last_segments: Vec<LastSegment>,
}

/// A segment that was published lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastSegment {
    /// Its start.
    pub segment: Timestamp,
    /// Its files.
    pub files: u64,
    /// Its rows.
    pub rows: u64,
    /// Whether some of its events were gone from the hub before they were read.
    #[serde(default)]
    pub gaps: bool,
}
