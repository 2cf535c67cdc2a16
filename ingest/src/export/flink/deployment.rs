use fleetscore_crds::EventHubAuth;
use serde_json::{Value, json};

use super::sink::location;
use super::sql;
use crate::export::stream::Stream;

/// The image that runs it: Flink, its Kafka and Parquet, and the program that runs a file of statements.
const IMAGE: &str = "flink-sql-runner:1.20";

/// A `ConfigMap` with the statements, and the deployment that runs them.
pub(in crate::export) fn deployment(stream: &mut Stream<'_>) -> String {
    let sql = sql(stream);
    let name = format!("fleetscore-{}", stream.name);
    let metadata = json!({"name": name, "namespace": stream.namespace});
    let data = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    let container = json!({
        "name": "flink-main-container",
        "env": secrets(stream),
        "volumeMounts": [{"name": "sql", "mountPath": "/opt/fleetscore"}],
    });
    // What begins with `_` in the stream's folder is no readings.
    let folder = location(stream);
    let flink = json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": metadata,
        "spec": {
            "image": IMAGE,
            "flinkVersion": "v1_20",
            "serviceAccount": "flink",
            "flinkConfiguration": {
                "taskmanager.numberOfTaskSlots": "2",
                "state.backend.type": "rocksdb",
                "execution.checkpointing.dir": format!("{folder}_flink/checkpoints"),
                "execution.checkpointing.savepoint-dir": format!("{folder}_flink/savepoints"),
            },
            "jobManager": {"resource": {"memory": "1024m", "cpu": 0.5}},
            "taskManager": {"resource": {"memory": "2048m", "cpu": 1}},
            "podTemplate": {"spec": {
                "containers": [container],
                "volumes": [{"name": "sql", "configMap": {"name": name}}],
            }},
            "job": {
                "jarURI": "local:///opt/flink/usrlib/sql-runner.jar",
                "entryClass": "SqlRunner",
                "args": ["/opt/fleetscore/stream.sql"],
                "parallelism": stream.spec.replicas.max(1),
                "upgradeMode": "savepoint",
                "state": if stream.spec.suspend { "suspended" } else { "running" },
            },
        },
    });
    format!(
        "# For Flink's Kubernetes operator. Its image {IMAGE} is one of yours: docs/streams-elsewhere.md says what it holds.\n{}data:\n  stream.sql: |\n{}---\n{}",
        yaml(&data, 0),
        indented(&sql),
        yaml(&flink, 0)
    )
}

/// Where the secrets come from that the statements name.
fn secrets(stream: &Stream<'_>) -> Vec<Value> {
    let from = |name: &str, secret: &str, key: &str| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
    let source = &stream.spec.source;
    if let Some(hub) = &source.event_hub {
        let named = hub
            .secret_ref
            .as_ref()
            .filter(|_| hub.auth == EventHubAuth::Secret);
        let secret = named.map_or("telemetry-connection", |secret| secret.name.as_str());
        return vec![from(
            "FLEETSCORE_EVENTHUB_CONNECTION_STRING",
            secret,
            "connectionString",
        )];
    }
    let sasl = source.kafka.as_ref().and_then(|kafka| kafka.sasl.as_ref());
    match sasl.and_then(|sasl| sasl.secret_ref.as_ref()) {
        Some(secret) => vec![
            from("FLEETSCORE_KAFKA_USERNAME", &secret.name, "username"),
            from("FLEETSCORE_KAFKA_PASSWORD", &secret.name, "password"),
        ],
        None => Vec::new(),
    }
}

fn indented(text: &str) -> String {
    let line = |line: &str| {
        if line.is_empty() {
            "\n".to_owned()
        } else {
            format!("    {line}\n")
        }
    };
    text.lines().map(line).collect()
}

/// YAML whose texts and inner lists are JSON, which is a part of it.
fn yaml(value: &Value, depth: usize) -> String {
    let Value::Object(fields) = value else {
        return format!("{value}\n");
    };
    let mut text = String::new();
    for (name, value) in fields {
        text += &"  ".repeat(depth);
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text += &format!("{name}:\n{}", yaml(value, depth + 1));
            }
            _ => text += &format!("{name}: {value}\n"),
        }
    }
    text
}
