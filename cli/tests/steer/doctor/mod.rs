//! `doctor`, before and after an installation, and pods that are started for a question.

use fleetscore_crds::{Kind, RELEASE, schema_digest};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api::Api;
use crate::tools::{Done, NAMESPACE, Person, RUN, RUNS, SCHEDULES, ended, schedule};

const SYSTEM: &str = "fleetscore-system";
const OPERATOR: &str = "fleetscore-operator";
const CRDS: &str = "apiextensions.k8s.io/v1/customresourcedefinitions";
const DEPLOYMENTS: &str = "apps/v1/deployments";
const LEASES: &str = "coordination.k8s.io/v1/leases";
const NODES: &str = "v1/nodes";
const PODS: &str = "v1/pods";
const ACCOUNTS: &str = "v1/serviceaccounts";
const WEBHOOKS: &str = "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const QUEUES: &str = "kueue.x-k8s.io/v1beta2/localqueues";
const MONITORS: &str = "monitoring.coreos.com/v1/podmonitors";
const RULES: &str = "monitoring.coreos.com/v1/prometheusrules";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

pub fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

/// A time of a Lease.
fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

fn definition(plural: &str, kind: Kind) -> Value {
    json!({
        "metadata": {"annotations": {
            "scoring.fleetscore.io/release": RELEASE, "scoring.fleetscore.io/schema": schema_digest(kind),
        }},
        "spec": {"group": "scoring.fleetscore.io", "scope": "Namespaced", "names": {"kind": "K", "plural": plural}, "versions": []},
        "status": {"conditions": [{"type": "Established", "status": "True", "reason": "", "lastTransitionTime": ago(9)}]},
    })
}

/// A cluster in which all is well: a schedule whose runs take nodes of a pool, an identity and a queue.
pub async fn healthy() -> Person {
    let person = Person::new().await;
    let api = &person.api;
    for (plural, kind) in [
        ("scoringruns", Kind::ScoringRun),
        ("scoringschedules", Kind::ScoringSchedule),
        ("readingstreams", Kind::ReadingStream),
    ] {
        api.create(CRDS, "", plural, definition(plural, kind));
    }
    let labels =
        json!({"app.kubernetes.io/component": "operator", "app.kubernetes.io/version": RELEASE});
    let args = [
        "--namespaces=plant-a,plant-b",
        "--lease-name=fleetscore-operator",
    ];
    api.create(
        DEPLOYMENTS,
        SYSTEM,
        OPERATOR,
        json!({
            "metadata": {"labels": labels},
            "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "operator", "args": args}]}}},
            "status": {"readyReplicas": 1},
        }),
    );
    let lease = json!({"holderIdentity": "operator-a", "leaseDurationSeconds": 30, "renewTime": micro(ago(5))});
    api.create(
        LEASES,
        SYSTEM,
        OPERATOR,
        json!({"metadata": {}, "spec": lease}),
    );
    let config = "podTemplate: {\"spec\": {\"serviceAccountName\": \"scorer\", \"nodeSelector\": {\"pool\": \"scoring\"}, \
                  \"tolerations\": [{\"key\": \"scoring\", \"operator\": \"Exists\"}]}}\n";
    let config = json!({"metadata": {}, "data": {"config.yaml": config}});
    api.create("v1/configmaps", SYSTEM, OPERATOR, config);
    let annotations = json!({"azure.workload.identity/client-id": CLIENT});
    api.create(
        ACCOUNTS,
        NAMESPACE,
        "scorer",
        json!({"metadata": {"annotations": annotations}}),
    );
    let webhook =
        json!({"metadata": {}, "webhooks": [{"name": "mutation.azure-workload-identity.io"}]});
    api.create(WEBHOOKS, "", "azure-wi-webhook", webhook);
    api.create(NODES, "", "node-0", node("pool", "scoring"));
    api.create(
        QUEUES,
        NAMESPACE,
        "fleet",
        json!({"metadata": {}, "status": {"conditions": [{"type": "Active", "status": "True"}]}}),
    );
    let ours = json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "fleetscore"}}});
    api.create(MONITORS, SYSTEM, OPERATOR, ours.clone());
    api.create(RULES, SYSTEM, OPERATOR, ours);
    let mut pumps = schedule();
    pumps["spec"]["runTemplate"]["spec"]["podTemplate"] =
        json!({"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "fleet"}}});
    pumps["status"] = json!({
        "observedGeneration": 1, "lastSuccessfulTime": ago(60), "nextScheduleTime": ago(-600),
        "conditions": [{"type": "Ready", "status": "True", "reason": "Scheduled", "message": "", "lastTransitionTime": ago(60)}],
    });
    api.create(SCHEDULES, NAMESPACE, "pumps", pumps);
    let output = person.folder.path().join("predictions");
    std::fs::create_dir_all(output.join("_run")).unwrap();
    std::fs::write(output.join("_run/plan.jsonl"), "{}").unwrap();
    let mut run = ended("Succeeded", 0);
    run["spec"]["output"]["location"] = json!(format!("file://{}/", output.display()));
    run["status"]["observedGeneration"] = json!(1);
    api.create(RUNS, NAMESPACE, RUN, run);
    person
}

/// A node that is ready, with this label and the taint of the pool.
fn node(label: &str, value: &str) -> Value {
    json!({
        "metadata": {"labels": {label: value}},
        "spec": {"taints": [{"key": "scoring", "value": "true", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A pod of the run that goes on, with this status.
pub fn waiting(api: &Api, status: &Value) {
    api.merge(
        RUNS,
        NAMESPACE,
        RUN,
        json!({"status": {
            "phase": "Scoring", "completionTime": null,
            "jobs": [{"name": "j", "step": "Score", "state": "Running"}],
        }}),
    );
    let labels = json!({
        "scoring.fleetscore.io/run": RUN, "scoring.fleetscore.io/step": "score", "batch.kubernetes.io/job-name": "j",
        "batch.kubernetes.io/job-completion-index": "0",
    });
    api.create(
        PODS,
        NAMESPACE,
        "p",
        json!({"metadata": {"labels": labels}, "spec": {"containers": []}, "status": status}),
    );
}

/// A pod of the run that no node takes.
pub fn waiting_pod(api: &Api, number: u32, message: &str) {
    let labels = json!({
        "scoring.fleetscore.io/run": RUN, "scoring.fleetscore.io/step": "score", "batch.kubernetes.io/job-name": "j",
        "batch.kubernetes.io/job-completion-index": number.to_string(),
    });
    let told = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
    let pod = json!({
        "metadata": {"labels": labels}, "spec": {"containers": []},
        "status": {"phase": "Pending", "conditions": [told]},
    });
    let name = format!("p{number}");
    api.create(PODS, NAMESPACE, &name, pod);
    let created = json!({"metadata": {"creationTimestamp": ago(186)}});
    api.merge(PODS, NAMESPACE, &name, created);
}

/// Takes the node away.
pub fn node_gone(person: &Person) {
    remove(&person.api, NODES, "", "node-0");
}

fn remove(api: &Api, resource: &str, namespace: &str, name: &str) {
    let key = crate::api::key(resource, namespace, name);
    api.with(|objects| objects.delete(&key, &Value::Null))
        .unwrap();
}

async fn examined(person: &Person, more: &[&str]) -> Done {
    let args = ["doctor", "--local-files", "-o", "json"];
    person.does(&[&args[..], more].concat()).await
}

fn checks(done: &Done) -> Vec<(String, String, String)> {
    let view = done.json();
    let text = |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
    let checks = view["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            (
                text(check, "state"),
                text(check, "message"),
                text(check, "hint"),
            )
        })
        .collect()
}

/// What is done to the cluster, and the check that tells: its state, words of its message and of its hint.
type Fault = (fn(&Person), &'static str, &'static str, &'static str);

/// Merges into an object that is there.
macro_rules! merged {
    ($resource:expr, $namespace:expr, $name:expr, $patch:tt) => {
        |person: &Person| {
            person
                .api
                .merge($resource, $namespace, $name, json!($patch))
        }
    };
}

/// Takes an object away.
macro_rules! removed {
    ($resource:expr, $namespace:expr, $name:expr) => {
        |person: &Person| remove(&person.api, $resource, $namespace, $name)
    };
}

async fn expect(faults: &[Fault]) {
    for (harm, state, message, hint) in faults {
        let person = healthy().await;
        harm(&person);
        let done = examined(&person, &[]).await;
        let found = checks(&done);
        let told = found.iter().any(|(found, told, way)| {
            found == state && told.contains(message) && way.contains(hint)
        });
        assert!(told, "{state} {message} -> {hint}: {found:#?} {}", done.err);
        assert_eq!(
            done.code,
            i32::from(*state == "Fail"),
            "{message}: {found:#?}"
        );
    }
}

mod checks;
mod install;
mod probe;
