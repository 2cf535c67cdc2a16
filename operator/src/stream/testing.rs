//! What the tests of this module share.

use fleetscore_crds::ReadingStreamStatus;
use fleetscore_crds::contract::{PartitionStatus, ProcessStatus, Trouble};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::deployment_view::DeploymentView;
use super::pod_view::StreamPodView;
use super::snapshot::StreamSnapshot;
use crate::config::Ingest;

/// The moment at which the tests' streams begin.
pub fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// So many seconds after [`start`].
pub fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// What an operator's configuration says of streams.
pub fn ingest() -> Ingest {
    serde_json::from_value(json!({"image": "ingest:test"})).unwrap()
}

/// A stream named `pumps` that has just been created.
pub fn snapshot() -> StreamSnapshot {
    StreamSnapshot {
        name: "pumps".to_owned(),
        namespace: "plant".to_owned(),
        uid: "stream-uid".to_owned(),
        generation: 1,
        resource_version: Some("7".to_owned()),
        deleting: false,
        spec: serde_json::from_value(json!({
            "source": {"eventHub": {"namespace": "plant", "name": "telemetry"}},
            "event": {
                "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
                "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
            },
            "output": {"location": "az://readings/pumps/"},
            "storage": {"azure": {"account": "plantstore"}},
        }))
        .unwrap(),
        status: ReadingStreamStatus::default(),
    }
}

/// A pod that is ready.
pub fn pod(name: &str) -> StreamPodView {
    StreamPodView {
        name: name.to_owned(),
        ip: Some("127.0.0.1".to_owned()),
        ready: true,
        trouble: None,
    }
}

/// A Deployment whose pods are all there.
pub fn deployment(pods: u32) -> DeploymentView {
    DeploymentView {
        generation: 1,
        observed: 1,
        wanted: pods,
        pods,
        updated: pods,
        ready: pods,
        failure: None,
        overdue: None,
    }
}

/// A pod that works on these partitions of four.
pub fn process(owned: impl IntoIterator<Item = i32>) -> ProcessStatus {
    ProcessStatus {
        stream: "plant/pumps".to_owned(),
        partitions: Some(4),
        owned: owned.into_iter().map(partition).collect(),
        ..ProcessStatus::default()
    }
}

/// A partition that is read to its end.
pub fn partition(partition: i32) -> PartitionStatus {
    PartitionStatus {
        partition,
        epoch: 1,
        lag_events: Some(0),
        lag_seconds: Some(0),
        has_producers_clock: Some(false),
        ..PartitionStatus::default()
    }
}

/// Something that stands in the way.
pub fn trouble(reason: &str) -> Trouble {
    Trouble {
        reason: reason.to_owned(),
        message: format!("{reason} is told"),
    }
}
