use serde_json::{Value, json};

use super::config_map::File;
use super::{child_name, metadata, own_labels, pod};
use crate::config::Ingest;
use crate::stream::snapshot::StreamSnapshot;

/// The Deployment of the stream's pods. Pods find out among themselves who reads what.
pub fn deployment(ingest: &Ingest, stream: &StreamSnapshot, file: &File, replicas: u32) -> Value {
    json!({
        "metadata": metadata(stream, &child_name(&stream.name)),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": own_labels(stream)},
            "strategy": strategy(stream),
            "template": pod::pod(ingest, stream, file),
        },
    })
}

/// A new pod is there before an old one goes. On files only one process works at a time, so there the old pod goes first.
fn strategy(stream: &StreamSnapshot) -> Value {
    if stream.spec.output.location.starts_with("az://") {
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    } else {
        json!({"type": "Recreate"})
    }
}
