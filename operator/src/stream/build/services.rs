use fleetscore_crds::contract::stream_pod;
use serde_json::{Value, json};

use super::{child_name, metadata, own_labels};
use crate::config::IngestPolicy;
use crate::stream::snapshot::StreamSnapshot;

/// The Service that names the stream's pods, for whoever reads their metrics.
pub fn service(stream: &StreamSnapshot) -> Value {
    json!({
        "metadata": metadata(stream, &child_name(&stream.name)),
        "spec": {
            "clusterIP": "None",
            "selector": own_labels(stream),
            "ports": [{"name": "http", "port": stream_pod::PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    })
}

/// One pod may be moved at a time, so a machine can be emptied whatever their number: also the machine of the only one, which begins
/// again elsewhere. A pod that does not work anyway keeps no machine from being emptied.
pub fn budget(stream: &StreamSnapshot) -> Value {
    json!({
        "metadata": metadata(stream, &child_name(&stream.name)),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": own_labels(stream)},
        },
    })
}

/// Who may reach the pods. Where they go themselves (hub, storage, sign-in) is not bounded: brokers tell their own addresses.
pub fn network_policy(policy: &IngestPolicy, stream: &StreamSnapshot) -> Value {
    let mut rule = json!({"ports": [{"port": "http", "protocol": "TCP"}]});
    if !policy.from.is_empty() {
        rule["from"] = json!(policy.from);
    }
    json!({
        "metadata": metadata(stream, &child_name(&stream.name)),
        "spec": {
            "podSelector": {"matchLabels": own_labels(stream)},
            "policyTypes": ["Ingress"],
            "ingress": [rule],
        },
    })
}
