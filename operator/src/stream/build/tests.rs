use fleetscore_crds::{Manifest, ReadingStreamSpec};
use k8s_openapi::api::apps::v1::DeploymentSpec;

use super::*;
use crate::stream::testing::{ingest, snapshot};

fn find<'a>(children: &'a [ChildObject], kind: &str) -> &'a Value {
    let mut found = children.iter().filter(|child| child.resource.kind == kind);
    let child = found.next().unwrap();
    assert!(found.next().is_none());
    &child.object
}

fn template(ingest: &Ingest, stream: &StreamSnapshot) -> Value {
    let children = children(ingest, stream, 1);
    find(&children, "Deployment")["spec"]["template"].clone()
}

#[test]
fn all_children_are_the_streams_own_and_the_deployment_comes_last() {
    let mut ingest = ingest();
    ingest.network_policy = Some(serde_json::from_value(json!({})).unwrap());
    let children = children(&ingest, &snapshot(), 2);
    let written: Vec<_> = children
        .iter()
        .map(|child| {
            let meta = &child.object["metadata"];
            assert_eq!(meta["ownerReferences"][0]["uid"], "stream-uid");
            assert_eq!(meta["ownerReferences"][0]["controller"], true);
            assert_eq!(meta["namespace"], "plant");
            assert_eq!(meta["labels"][STREAM_LABEL], "pumps");
            let [version, kind] =
                ["apiVersion", "kind"].map(|field| child.object[field].as_str().unwrap());
            format!("{version} {kind} {}", child.name())
        })
        .collect();
    assert_eq!(
        written,
        [
            "v1 ConfigMap pumps-readingstream",
            "networking.k8s.io/v1 NetworkPolicy pumps-ingest",
            "v1 Service pumps-ingest",
            "policy/v1 PodDisruptionBudget pumps-ingest",
            "apps/v1 Deployment pumps-ingest",
        ]
    );
}

/// What a type does not know would be gone from what it makes of it.
fn same<K: serde::de::DeserializeOwned + serde::Serialize>(object: &Value) {
    let typed: K = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(&serde_json::to_value(typed).unwrap(), object);
}

#[test]
fn children_are_what_kubernetes_knows_of_such_objects() {
    let mut ingest = ingest();
    ingest.network_policy =
        Some(serde_json::from_value(json!({"from": [{"namespaceSelector": {}}]})).unwrap());
    let children = children(&ingest, &snapshot(), 2);
    same::<ConfigMap>(find(&children, "ConfigMap"));
    same::<NetworkPolicy>(find(&children, "NetworkPolicy"));
    same::<Service>(find(&children, "Service"));
    same::<PodDisruptionBudget>(find(&children, "PodDisruptionBudget"));
    same::<Deployment>(find(&children, "Deployment"));
}

#[test]
fn pods_of_the_longest_name_fit_into_a_label() {
    let name = child_name(&"s".repeat(39));
    assert!(format!("{name}-0123456789-abcde").len() <= 63);
}

#[test]
fn the_pod_reads_its_stream_and_starts_anew_only_for_another_one() {
    let stream = snapshot();
    let map = children(&ingest(), &stream, 1);
    let map = find(&map, "ConfigMap");
    let (key, text) = map["data"].as_object().unwrap().iter().next().unwrap();
    let read = Manifest::<ReadingStreamSpec>::from_json(text.as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(read.metadata.name, "pumps");
    assert_eq!(read.metadata.namespace.as_deref(), Some("plant"));
    assert_eq!(read.spec.output, stream.spec.output);
    let first = template(&ingest(), &stream);
    assert_eq!(
        first["spec"]["volumes"][0]["configMap"],
        json!({"name": "pumps-readingstream", "items": [{"key": key, "path": "stream.json"}]})
    );

    let mut scaled = stream.clone();
    (scaled.spec.replicas, scaled.spec.suspend, scaled.generation) = (7, true, 9);
    assert_eq!(template(&ingest(), &scaled), first);
    let mut changed = stream.clone();
    changed.spec.lateness.tolerance_seconds = 600;
    assert_ne!(template(&ingest(), &changed), first);
    assert_ne!(
        digest_of(&children(&ingest(), &scaled, 2)),
        digest_of(&children(&ingest(), &scaled, 0))
    );
}

#[test]
fn the_pod_runs_under_the_restricted_standard_and_gives_its_partitions_back() {
    let children = children(&ingest(), &snapshot(), 3);
    let deployment = find(&children, "Deployment");
    let spec: DeploymentSpec = serde_json::from_value(deployment["spec"].clone()).unwrap();
    assert_eq!(spec.replicas, Some(3));
    let pod = spec.template.spec.unwrap();
    assert_eq!(pod.termination_grace_period_seconds, Some(60));
    assert_eq!(pod.automount_service_account_token, Some(false));
    let security = pod.security_context.unwrap();
    assert_eq!(security.run_as_non_root, Some(true));
    assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault");
    let [container] = pod.containers.try_into().unwrap();
    assert_eq!(container.image.as_deref(), Some("ingest:test"));
    let security = container.security_context.unwrap();
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(security.read_only_root_filesystem, Some(true));
    assert_eq!(
        security.capabilities.unwrap().drop,
        Some(vec!["ALL".to_owned()])
    );
    let probe = container.liveness_probe.unwrap().http_get.unwrap();
    assert_eq!(probe.path.as_deref(), Some("/healthz"));
    let env: Vec<_> = container
        .env
        .unwrap()
        .into_iter()
        .map(|env| env.name)
        .collect();
    assert_eq!(
        env,
        [
            "FLEETSCORE_MEMORY_MIB",
            "FLEETSCORE_THREADS",
            "FLEETSCORE_STREAM",
            "FLEETSCORE_POD_UID"
        ]
    );
}

#[test]
fn a_new_pod_comes_before_an_old_one_goes_but_on_files_after_it() {
    let strategy = |stream: &StreamSnapshot| {
        let children = children(&ingest(), stream, 1);
        find(&children, "Deployment")["spec"]["strategy"].clone()
    };
    let mut stream = snapshot();
    assert_eq!(
        strategy(&stream),
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    );
    stream.spec.output.location = "file:///readings/".to_owned();
    assert_eq!(strategy(&stream), json!({"type": "Recreate"}));
}

#[test]
fn credentials_come_the_way_the_stream_says() {
    let mut stream = snapshot();
    let env_from = |stream: &StreamSnapshot| {
        template(&ingest(), stream)["spec"]["containers"][0]["envFrom"].clone()
    };
    let label = |stream: &StreamSnapshot| {
        template(&ingest(), stream)["metadata"]["labels"]["azure.workload.identity/use"].clone()
    };
    assert_eq!(
        (env_from(&stream), label(&stream)),
        (Value::Null, json!("true"))
    );
    let storage =
        json!({"azure": {"account": "s", "auth": "Secret", "secretRef": {"name": "keys"}}});
    stream.spec.storage = serde_json::from_value(storage).unwrap();
    // The hub still asks for it.
    assert_eq!(label(&stream), json!("true"));
    let hub = json!({"eventHub": {"namespace": "p", "name": "t", "auth": "Secret", "secretRef": {"name": "hub"}}});
    stream.spec.source = serde_json::from_value(hub).unwrap();
    assert_eq!(label(&stream), Value::Null);
    assert_eq!(
        env_from(&stream),
        json!([
            {"prefix": "FLEETSCORE_AZURE_", "secretRef": {"name": "keys"}},
            {"prefix": "FLEETSCORE_EVENTHUB_", "secretRef": {"name": "hub"}},
        ])
    );
    let kafka = json!({"kafka": {
        "bootstrapServers": ["b:9092"], "topic": "t", "tls": true, "sasl": {"mechanism": "Plain", "secretRef": {"name": "user"}},
    }});
    stream.spec.source = serde_json::from_value(kafka).unwrap();
    assert_eq!(
        env_from(&stream)[1],
        json!({"prefix": "FLEETSCORE_KAFKA_", "secretRef": {"name": "user"}})
    );
    let sasl =
        json!({"mechanism": "OAuthBearer", "scope": "https://p.servicebus.windows.net/.default"});
    stream.spec.source.kafka.as_mut().unwrap().sasl = Some(serde_json::from_value(sasl).unwrap());
    assert_eq!(label(&stream), json!("true"));
}

#[test]
fn the_streams_template_is_over_the_operators_and_neither_changes_what_is_relied_on() {
    let mut ingest = ingest();
    ingest.pod_template = serde_json::from_value(json!({"spec": {
        "serviceAccountName": "fleetscore-scorer", "nodeSelector": {"pool": "a"},
        "containers": [{"name": "ingest", "resources": {"requests": {"cpu": "1"}}}],
    }}))
    .unwrap();
    let mut stream = snapshot();
    stream.spec.pod_template = serde_json::from_value(json!({
        "metadata": {"labels": {STREAM_LABEL: "other", "team": "a"}},
        "spec": {
            "nodeSelector": {"pool": "b"}, "restartPolicy": "Never",
            "volumes": [{"name": "fleetscore-stream", "emptyDir": {}}],
            "containers": [{
                "name": "ingest", "image": "mine:1", "resources": {"limits": {"memory": "2Gi"}},
                "env": [{"name": "FLEETSCORE_POD_UID", "value": "me"}, {"name": "A", "value": "1"}],
                "ports": [{"name": "http", "containerPort": 1}],
            }],
        },
    }))
    .unwrap();
    let template = template(&ingest, &stream);
    assert_eq!(template["metadata"]["labels"][STREAM_LABEL], "pumps");
    assert_eq!(template["metadata"]["labels"]["team"], "a");
    let spec = &template["spec"];
    assert_eq!(spec["serviceAccountName"], "fleetscore-scorer");
    assert_eq!(
        spec["nodeSelector"],
        json!({"kubernetes.io/os": "linux", "pool": "b"})
    );
    assert_eq!(spec["restartPolicy"], "Always");
    assert_eq!(spec["volumes"].as_array().unwrap().len(), 1);
    assert!(spec["volumes"][0]["emptyDir"].is_null());
    let container = &spec["containers"][0];
    assert_eq!(container["image"], "mine:1");
    assert_eq!(
        container["resources"],
        json!({"requests": {"cpu": "1", "memory": "512Mi"}, "limits": {"memory": "2Gi"}})
    );
    assert_eq!(
        container["ports"],
        json!([{"name": "http", "containerPort": 8080, "protocol": "TCP"}])
    );
    let env = container["env"].as_array().unwrap();
    assert!(env.contains(&json!({"name": "A", "value": "1"})));
    assert!(env.contains(&json!({"name": "FLEETSCORE_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}})));
}
