use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Condition;

/// Where a stream stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadingStreamStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// All segments that end at this instant or before are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_through: Option<Timestamp>,
    /// How far the stream is behind the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<StreamLag>,
    /// The hub's partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionCounts>,
    /// What became of the readings since the stream's first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<ReadingCounts>,
    /// The latest segment that is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_segment: Option<PublishedSegment>,
    /// Pods that there are.
    #[serde(default)]
    pub replicas: u32,
    /// The label selector of the pods, as an autoscaler asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub selector: Option<String>,
    /// `Ready`, `Reconciling`, `Stalled`, and `ArrivalTime`: false where the events' arrival is told by the producers' clocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// How far a stream is behind the hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamLag {
    /// Events that are not read yet, over all partitions.
    pub events: u64,
    /// How long ago the oldest of them arrived, in seconds.
    #[serde(default)]
    pub seconds: u64,
}

/// How many of a hub's partitions are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionCounts {
    /// There are.
    pub total: u32,
    /// Read by one of the stream's pods.
    #[serde(default)]
    pub owned: u32,
    /// Of these, without new events.
    #[serde(default)]
    pub idle: u32,
    /// Stopped rather than go on with something wrong.
    #[serde(default)]
    pub stalled: u32,
}

/// What became of a stream's readings. Each is in exactly one of these; `empty` counts events without readings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ReadingCounts {
    /// In their windows.
    pub accepted: u64,
    /// Left out by the filter.
    pub filtered: u64,
    /// Their windows were all closed.
    pub late: u64,
    /// Their time was too far after their arrival.
    pub early: u64,
    /// Their time was too far before their arrival.
    pub too_old: u64,
    /// Of windows before the stream's first.
    pub before_start: u64,
    /// Of a sensor and time that had come before.
    pub duplicate: u64,
    /// Events without readings.
    pub empty: u64,
    /// Could not be used, by reason.
    #[schemars(extend("maxProperties" = 16))]
    pub invalid: BTreeMap<String, u64>,
}

/// A segment that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishedSegment {
    /// Its start.
    pub start: Timestamp,
    /// Its readings.
    pub rows: u64,
    /// Its files.
    #[serde(default)]
    pub files: u32,
    /// Whether some of its events were gone from the hub before they were read.
    #[serde(default)]
    pub gaps: bool,
}
