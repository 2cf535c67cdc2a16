use fleetscore_crds::PodTemplate;
use fleetscore_crds::contract::stream_pod;
use serde_json::{Map, Value, json};

use super::config_map::{File, config_map_name};
use super::{labels, own_labels};
use crate::config::Ingest;
use crate::merge::merge;
use crate::stream::snapshot::StreamSnapshot;
use crate::volumes;

/// The container that reads the stream.
pub const CONTAINER: &str = "ingest";

const FOLDER: &str = "/etc/fleetscore";
const FILE: &str = "stream.json";
const VOLUME: &str = "fleetscore-stream";
const WORKLOAD_IDENTITY: &str = "azure.workload.identity/use";

/// The pod template: the defaults, then the operator's template, then the stream's, then what is not theirs to change.
pub fn pod(ingest: &Ingest, stream: &StreamSnapshot, file: &File) -> Value {
    let mut template = defaults(ingest, stream);
    for PodTemplate { metadata, spec } in [&ingest.pod_template, &stream.spec.pod_template] {
        merge(
            &mut template,
            &object(json!({ "metadata": metadata, "spec": spec })),
        );
    }
    merge(&mut template, &reserved(stream, file));
    Value::Object(template)
}

fn defaults(ingest: &Ingest, stream: &StreamSnapshot) -> Map<String, Value> {
    let mut template = json!({
        "metadata": {"labels": {}, "annotations": {"kubectl.kubernetes.io/default-container": CONTAINER}},
        "spec": {
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            // Within it the pod saves its progress and gives its partitions to others.
            "terminationGracePeriodSeconds": 60,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "topologySpreadConstraints": [{
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": own_labels(stream)},
            }],
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container(ingest, stream)],
        },
    });
    let mut container = template["spec"]["containers"][0].take();
    volumes::mount(&stream.spec.storage, &mut template["spec"], &mut container);
    template["spec"]["containers"][0] = container;
    if stream.has_workload_identity() {
        template["metadata"]["labels"][WORKLOAD_IDENTITY] = json!("true");
    }
    object(template)
}

fn container(ingest: &Ingest, stream: &StreamSnapshot) -> Value {
    let probe = |path: &str, period: u32, failures: u32| {
        json!({
            "httpGet": {"path": path, "port": "http"},
            "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures,
        })
    };
    let mut container = json!({
        "name": CONTAINER,
        "image": ingest.image,
        // A pod that dies without a word is explained by the end of its log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        // A quarter of the memory is for events that are fetched ahead; the open windows have the rest.
        "env": [
            {"name": stream_pod::MEMORY_MIB, "value": "256"},
            {"name": stream_pod::THREADS, "valueFrom": {"resourceFieldRef": {"containerName": CONTAINER, "resource": "requests.cpu"}}},
        ],
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        "livenessProbe": probe(stream_pod::HEALTH, 10, 3),
        "readinessProbe": probe(stream_pod::READY, 5, 2),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
    });
    if let Some(policy) = &ingest.image_pull_policy {
        container["imagePullPolicy"] = json!(policy);
    }
    let secrets = stream.secrets();
    if !secrets.is_empty() {
        // A secret that does not exist keeps the container from starting, with a message that names it.
        let source =
            |(prefix, name): (&str, &str)| json!({"prefix": prefix, "secretRef": {"name": name}});
        container["envFrom"] = secrets.into_iter().map(source).collect();
    }
    container
}

/// What no template can change: which stream is read, under which name, and how the operator sees it.
fn reserved(stream: &StreamSnapshot, file: &File) -> Map<String, Value> {
    let map = json!({
        "name": config_map_name(&stream.name),
        // A pod waits until its machine has seen this very text, and starts with no other.
        "items": [{"key": file.key, "path": FILE}],
    });
    object(json!({
        "metadata": {"labels": labels(stream)},
        "spec": {
            "restartPolicy": "Always",
            "containers": [{
                "name": CONTAINER,
                "env": [
                    {"name": stream_pod::MANIFEST, "value": format!("{FOLDER}/{FILE}")},
                    {"name": stream_pod::POD_UID, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
                ],
                "ports": [{"name": "http", "containerPort": stream_pod::PORT, "protocol": "TCP"}],
                "volumeMounts": [{"name": VOLUME, "mountPath": FOLDER, "readOnly": true}],
            }],
            "volumes": [{"name": VOLUME, "configMap": map}],
        },
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
