use std::time::Duration;

use fleetscore_crds::{Kind, RELEASE, schema_digest};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api::Api;
use crate::tools::{Done, NAMESPACE, Person, RUN, RUNS, SCHEDULES, done, ended, schedule};

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

fn ago(seconds: i64) -> Timestamp {
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

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_every_check_says_so() {
    let person = healthy().await;
    let done = examined(&person, &[]).await;
    let found = checks(&done);
    let bad: Vec<_> = found.iter().filter(|(state, ..)| state != "Ok").collect();
    assert!(bad.is_empty() && done.code == 0, "{bad:?}");
    for words in [
        "Kubernetes v1.33.0",
        "this machine's clock agrees",
        "scoringruns is of this program's release",
        "fleetscore-operator 0.1.0 is ready",
        "serves namespace plant-a",
        "operator-a is the leader",
        "it looks at the runs here",
        "logs --via pod, doctor --probe: you may",
        "service account plant-a/scorer has client ID 11111111-2222-3333-4444-555555555555",
        "the webhook of workload identity is there",
        "1 node for schedule pumps in plant-a (nodeSelector pool=scoring)",
        "no pod of a run waits for a node",
        "no quota is used up",
        "local queue plant-a/fleet is there",
        "your login reads the plan of run pumps-1764324000",
        "podmonitors/fleetscore-operator has the operator's metrics read",
        "prometheusrules/fleetscore-operator has the alerts",
        "1 schedule: none stands still or is stale",
    ] {
        assert!(
            found.iter().any(|(_, message, _)| message.contains(words)),
            "{words}: {found:#?}"
        );
    }
    let text = person.does(&["doctor", "--local-files"]).await;
    assert!(
        text.out
            .starts_with("cluster     ok    Kubernetes v1.33.0\n"),
        "{text:?}"
    );
    let asked = person.api.asked();
    assert!(
        asked
            .iter()
            .all(|asked| ["get", "list"].contains(&asked.verb)
                || asked.resource.ends_with("reviews"))
    );
    assert!(
        asked
            .iter()
            .all(|asked| !asked.resource.contains("secrets"))
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_is_wrong_with_cluster_and_definitions() {
    expect(&[
        (
            |person| person.api.create("version", "", "", json!({"gitVersion": "v1.20.4", "major": "1", "minor": "20", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""})),
            "Fail", "Kubernetes v1.20.4", "upgrade the cluster to 1.31",
        ),
        (
            |person| person.api.create("version", "", "", json!({"date": "Fri, 28 Nov 2025 10:12:00 GMT", "gitVersion": "v1.33.0", "major": "1", "minor": "33", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""})),
            "Warn", "this machine's clock and the cluster's are", "set this machine's clock",
        ),
        (removed!(CRDS, "", "readingstreams"), "Fail", "readingstreams is missing", "install the chart's custom resource definitions"),
        (
            |person| {
                person.api.refuse("list", "customresourcedefinitions");
                person.api.create("absent", "", "scoringruns", json!({"metadata": {}}));
            },
            "Fail", "scoringruns is missing", "install the chart's",
        ),
        (
            merged!(CRDS, "", "scoringruns", {"metadata": {"annotations": {"scoring.fleetscore.io/schema": "x", "scoring.fleetscore.io/release": "0.0.9"}}}),
            "Warn", "scoringruns is of release 0.0.9", "upgrade the chart to",
        ),
        (
            merged!(CRDS, "", "scoringruns", {"metadata": {"annotations": {"scoring.fleetscore.io/schema": "x", "scoring.fleetscore.io/release": "9.0.0"}}}),
            "Warn", "scoringruns is of release 9.0.0", "upgrade this program to 9.0.0",
        ),
        (
            merged!(CRDS, "", "scoringruns", {"metadata": {"annotations": {"scoring.fleetscore.io/schema": "x"}}}),
            "Warn", "with another schema", "somebody changed the definition",
        ),
        (
            merged!(CRDS, "", "scoringruns", {"status": {"conditions": [{"type": "Established", "status": "False", "reason": "", "message": "names conflict", "lastTransitionTime": "2025-11-28T10:12:00Z"}]}}),
            "Fail", "scoringruns is not served: names conflict", "kubectl describe crd scoringruns.scoring.fleetscore.io",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_is_wrong_with_the_operator_and_with_rights() {
    expect(&[
        (removed!(DEPLOYMENTS, SYSTEM, OPERATOR), "Fail", "there is no operator in namespace fleetscore-system", "--operator-namespace"),
        (merged!(DEPLOYMENTS, SYSTEM, OPERATOR, {"status": {"readyReplicas": 0}}), "Fail", "has no pod that is ready", "describe deployment fleetscore-operator"),
        (
            merged!(DEPLOYMENTS, SYSTEM, OPERATOR, {"metadata": {"labels": {"app.kubernetes.io/version": "0.0.9"}}}),
            "Warn", "is of release 0.0.9", "same release on both sides",
        ),
        (
            merged!(DEPLOYMENTS, SYSTEM, OPERATOR, {"spec": {"template": {"spec": {"containers": [{"name": "operator", "args": ["--namespaces=plant-b"]}]}}}}),
            "Fail", "does not serve namespace plant-a, but plant-b", "add plant-a to watchNamespaces",
        ),
        (removed!(LEASES, SYSTEM, OPERATOR), "Fail", "no operator has become the leader", "logs deployment/fleetscore-operator"),
        (
            |person| person.api.merge(LEASES, SYSTEM, OPERATOR, json!({"spec": {"renewTime": micro(ago(400))}})),
            "Fail", "the leader operator-a last renewed lease fleetscore-operator 6m4", "logs deployment/fleetscore-operator",
        ),
        (merged!(LEASES, SYSTEM, OPERATOR, {"spec": {"holderIdentity": ""}}), "Fail", "nobody holds lease fleetscore-operator", "logs deployment"),
        (
            |person| person.api.merge(RUNS, NAMESPACE, RUN, json!({"metadata": {"creationTimestamp": ago(300)}, "status": {"observedGeneration": null}})),
            "Fail", "nobody has looked at 1 run (plant-a/pumps-1764324000)", "watchNamespaces",
        ),
        (|person| person.api.refuse("create", "scoringruns"), "Warn", "retry: you may not create scoringruns", "the role edit"),
        (|person| person.api.refuse("get", "pods/log"), "Warn", "logs: you may not get pods/log", "the role view"),
        (|person| person.api.refuse("list", "scoringruns"), "Fail", "status: you may not list scoringruns", "the role view"),
        (
            |person| {
                person.api.refuse("list", "nodes");
                person.api.refuse("get", "leases");
            },
            "Warn", "not looked at, since you may not: leases of the operator, nodes", "runs need none of these rights",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_is_wrong_with_identity_and_nodes() {
    expect(&[
        (removed!(ACCOUNTS, NAMESPACE, "scorer"), "Fail", "service account plant-a/scorer is not there", "podTemplate.spec.serviceAccountName"),
        (merged!(ACCOUNTS, NAMESPACE, "scorer", {"metadata": {"annotations": null}}), "Fail", "has no annotation azure.workload.identity/client-id", "scorer.workloadIdentity"),
        (removed!(WEBHOOKS, "", "azure-wi-webhook"), "Fail", "the webhook of workload identity is not there", "--enable-workload-identity"),
        (
            |person| person.api.create("v1/events", NAMESPACE, "e", json!({
                "metadata": {}, "type": "Warning", "message": "MountVolume.SetUp failed for volume \"azure-identity-token\"",
                "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": format!("{RUN}-score-0-x")},
            })),
            "Fail", "pods get no token or account (1 event), such as pumps-1764324000-score-0-x: MountVolume", "docs/cluster/aks.md",
        ),
        (
            merged!(RUNS, NAMESPACE, RUN, {"status": {"phase": "Failed", "conditions": [
                {"type": "Failed", "status": "True", "reason": "AccessDenied", "message": "az://models/ (403)", "lastTransitionTime": "2025-11-28T10:12:00Z"},
            ]}}),
            "Fail", "storage refuses the pods of run plant-a/pumps-1764324000: az://models/ (403)", "federated credential for system:serviceaccount:plant-a:scorer",
        ),
        (merged!(NODES, "", "node-0", {"metadata": {"labels": {"pool": "other"}}}), "Fail", "no node is there for schedule pumps in plant-a (nodeSelector pool=scoring), and no autoscaler", "add a pool"),
        (merged!(NODES, "", "node-0", {"spec": {"unschedulable": true}}), "Fail", "no node is there", "add a pool"),
        (merged!(NODES, "", "node-0", {"spec": {"taints": [{"key": "other", "effect": "NoSchedule"}]}}), "Fail", "no node is there", "tolerations"),
        (
            |person| {
                remove(&person.api, NODES, "", "node-0");
                let template = json!({"metadata": {"labels": {"pool": "cpu"}}, "spec": {"requirements": []}});
                person.api.create("karpenter.sh/v1/nodepools", "", "cpu", json!({"metadata": {}, "spec": {"template": template}}));
            },
            "Fail", "none of 1 nodepool makes such", "add a pool",
        ),
        (
            |person| {
                remove(&person.api, NODES, "", "node-0");
                person.api.refuse("list", "nodepools");
            },
            "Warn", "you may not see an autoscaler", "add a pool",
        ),
        (
            |person| {
                let status = "nodeGroups:\n- name: scoring\n  scaleUp:\n    status: Backoff\n    backoffInfo: {errorCode: QuotaExceeded, errorMessage: no cores left}\n";
                person.api.create("v1/configmaps", "kube-system", "cluster-autoscaler-status", json!({"metadata": {}, "data": {"status": status}}));
            },
            "Warn", "cannot enlarge node group scoring: QuotaExceeded no cores left", "quota of your cloud",
        ),
        (
            |person| waiting(&person.api, &json!({"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"},
            ]})),
            "Warn", "run plant-a/pumps-1764324000: 1 pod wait", "compare nodeSelector",
        ),
        (
            |person| waiting(&person.api, &json!({"phase": "Pending", "containerStatuses": [{
                "name": "scorer", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}},
            }]})),
            "Fail", "ImagePullBackOff: not found", "correct the image's name",
        ),
    ])
    .await;
    // Nodes that are still to come are no trouble.
    let person = healthy().await;
    remove(&person.api, NODES, "", "node-0");
    let template = json!({"metadata": {}, "spec": {
        "requirements": [{"key": "pool", "operator": "In", "values": ["other", "scoring"]}],
        "taints": [{"key": "scoring", "value": "true", "effect": "NoSchedule"}],
    }});
    person.api.create(
        "karpenter.sh/v1/nodepools",
        "",
        "cpu",
        json!({"metadata": {}, "spec": {"template": template}}),
    );
    let found = checks(&examined(&person, &[]).await);
    assert!(
        found
            .iter()
            .any(|(state, told, _)| state == "Ok" && told.ends_with("nodepool cpu makes such")),
        "{found:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_is_wrong_with_quota_queue_storage_monitors_and_schedules() {
    expect(&[
        (
            |person| person.api.create("v1/resourcequotas", NAMESPACE, "q", json!({"metadata": {}, "status": {"hard": {"pods": "9"}, "used": {"pods": "9"}}})),
            "Warn", "quota q has no pods left (9)", "lower sharding.parallelism",
        ),
        (removed!(QUEUES, NAMESPACE, "fleet"), "Fail", "local queue plant-a/fleet is not there", "create the LocalQueue fleet"),
        (
            merged!(QUEUES, NAMESPACE, "fleet", {"status": {"conditions": [{"type": "Active", "status": "False", "message": "the cluster queue is missing"}]}}),
            "Fail", "is not active: the cluster queue is missing", "describe localqueue fleet",
        ),
        (
            |person| person.api.create("absent", "", "localqueues", json!({"metadata": {}})),
            "Fail", "Kueue is not installed", "install Kueue",
        ),
        (
            |person| std::fs::remove_file(person.folder.path().join("predictions/_run/plan.jsonl")).unwrap(),
            "Warn", "the plan of run pumps-1764324000 is not there any more", "has it been cleaned up?",
        ),
        (removed!(RUNS, NAMESPACE, RUN), "Warn", "not tried: no run here has been planned yet", "create a run"),
        (removed!(MONITORS, SYSTEM, OPERATOR), "Warn", "nobody reads the operator's metrics", "metrics.podMonitor.enabled"),
        (removed!(RULES, SYSTEM, OPERATOR), "Warn", "the chart's alerts are not installed", "metrics.rules.enabled"),
        (
            |person| ["podmonitors", "servicemonitors"].iter().for_each(|kind| person.api.create("absent", "", kind, json!({"metadata": {}}))),
            "Warn", "no monitor of a Prometheus can be seen", "port 8080",
        ),
        (
            merged!(SCHEDULES, NAMESPACE, "pumps", {"status": {"conditions": [
                {"type": "Ready", "status": "False", "reason": "NameConflict", "message": "taken", "lastTransitionTime": "2025-11-28T10:12:00Z"},
                {"type": "Stalled", "status": "True", "reason": "NameConflict", "message": "taken", "lastTransitionTime": "2025-11-28T10:12:00Z"},
            ]}}),
            "Fail", "plant-a/pumps stands still: taken", "kubectl fleetscore status schedule/pumps -n plant-a",
        ),
        (
            |person| person.api.merge(SCHEDULES, NAMESPACE, "pumps", json!({"status": {"nextScheduleTime": ago(1205)}})),
            "Fail", "plant-a/pumps: its tick is 20m0", "is the operator there?",
        ),
        (
            |person| person.api.merge(SCHEDULES, NAMESPACE, "pumps", json!({"metadata": {"creationTimestamp": ago(90_000)}, "status": {"lastSuccessfulTime": ago(20_000)}})),
            "Warn", "plant-a/pumps: no run has ended well since", "kubectl fleetscore status schedule/pumps",
        ),
    ])
    .await;
}

/// The run's collect Job, whose template pods are made of.
fn collect(person: &Person) {
    person.api.create(
        "batch/v1/jobs",
        NAMESPACE,
        "pumps-1764324000-collect",
        json!({
            "metadata": {"labels": {"scoring.fleetscore.io/run": RUN, "scoring.fleetscore.io/step": "collect"}},
            "spec": {"template": {
                "metadata": {"labels": {"azure.workload.identity/use": "true", "scoring.fleetscore.io/run": RUN}},
                "spec": {"serviceAccountName": "scorer", "containers": [{"name": "scorer", "image": "i", "args": ["collect"]}]},
            }},
        }),
    );
}

/// Waits for the pod, and returns it.
async fn pod(person: &Person) -> Value {
    let mut changes = person.api.changes();
    loop {
        let found = person
            .api
            .with(|objects| objects.list(PODS, Some(NAMESPACE)));
        if let Some(pod) = found.into_iter().next() {
            return pod;
        }
        changes.changed().await.unwrap();
    }
}

/// Does as a kubelet: has the pod end so, and print this.
async fn kubelet(person: &Person, phase: &str, log: &str) -> Value {
    let pod = pod(person).await;
    let name = pod["metadata"]["name"].as_str().unwrap();
    let ended = json!({"metadata": {"annotations": {"log": log}}, "status": {"phase": phase}});
    person.api.merge(PODS, NAMESPACE, name, ended);
    pod
}

fn no_pod(person: &Person) -> bool {
    person
        .api
        .with(|objects| objects.list(PODS, None))
        .is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_a_pod_of_the_runs_that_is_gone_afterwards() {
    for (probe, args, phase, log, code, told) in [
        (
            "read",
            json!(["probe"]),
            "Succeeded",
            "models az://models/: read\n",
            0,
            "models az://models/: read",
        ),
        (
            "write",
            json!(["probe", "--write"]),
            "Succeeded",
            "x: written, read and deleted\n",
            0,
            "written, read and deleted",
        ),
        (
            "read",
            json!(["probe"]),
            "Failed",
            "scorer probe: az://models/: access is denied\n",
            1,
            "access is denied",
        ),
    ] {
        let person = healthy().await;
        collect(&person);
        let probing = ["--probe", probe];
        let (done, pod) = tokio::join!(examined(&person, &probing), kubelet(&person, phase, log));
        assert_eq!(done.code, code, "{done:?}");
        let found = checks(&done);
        let state = if code == 0 { "Ok" } else { "Fail" };
        let is_told = found.iter().any(|(found, message, _)| {
            found == state
                && message.starts_with("a pod as those of run pumps-1764324000: ")
                && message.contains(told)
        });
        assert!(is_told, "{found:#?}");
        assert_eq!(pod["spec"]["containers"][0]["args"], args);
        assert_eq!(
            (
                &pod["spec"]["serviceAccountName"],
                &pod["spec"]["activeDeadlineSeconds"]
            ),
            (&json!("scorer"), &json!(120))
        );
        assert_eq!(pod["metadata"]["ownerReferences"][0]["name"], RUN);
        assert_eq!(
            pod["metadata"]["labels"]["azure.workload.identity/use"],
            "true"
        );
        assert!(pod["metadata"]["labels"]["scoring.fleetscore.io/run"].is_null());
        assert!(no_pod(&person));
    }
    let person = healthy().await;
    let found = checks(&examined(&person, &["--probe", "read"]).await);
    assert!(
        found.iter().any(|(state, told, way)| state == "Warn"
            && told.contains("no pod was started: no job of run")
            && way.contains("trigger")),
        "{found:#?}"
    );
}

/// Runs the command, and stops it with Ctrl-C once `when` resolves.
async fn stopped(person: &Person, args: &[&str], when: impl Future<Output = ()>) -> Done {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command
        .arg("kubectl")
        .args(args)
        .env("KUBECONFIG", person.kubeconfig())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let stop = async {
        when.await;
        let mut kill = std::process::Command::new("kill");
        kill.args(["-INT", &pid]);
        assert_eq!(done(kill).await.code, 0);
    };
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let (output, ()) = tokio::join!(ended, stop);
    let output = output.unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_is_code_130_and_leaves_no_pod() {
    for args in [
        &["doctor", "--local-files", "--probe", "read"][..],
        &["logs", RUN, "--step", "plan", "--via", "pod"],
    ] {
        let person = healthy().await;
        collect(&person);
        let done = stopped(&person, args, async {
            pod(&person).await;
        })
        .await;
        assert_eq!(done.code, 130, "{done:?}");
        assert!(no_pod(&person), "{args:?}");
    }
    for args in [
        &["wait", RUN][..],
        &["logs", RUN, "-f"],
        &["status", RUN, "-w"],
    ] {
        let person = healthy().await;
        person.api.merge(
            RUNS,
            NAMESPACE,
            RUN,
            json!({"status": {"phase": "Scoring", "completionTime": null}}),
        );
        // It looks again and again: by the second time it listens.
        let looked = async {
            let looks = |asked: &crate::api::Asked| {
                asked.verb == "get" && asked.name.as_deref() == Some(RUN)
            };
            while person
                .api
                .asked()
                .iter()
                .filter(|asked| looks(asked))
                .count()
                < 3
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let done = stopped(&person, args, looked).await;
        assert_eq!(done.code, 130, "{args:?} {done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_by_a_pod_is_shown_and_the_pod_is_gone() {
    let person = healthy().await;
    collect(&person);
    let args = ["logs", RUN, "--shard", "3", "--via", "pod", "--tail", "1"];
    let (done, pod) = tokio::join!(
        person.does(&args),
        kubelet(&person, "Succeeded", "one\ntwo\u{1b}[2J\n")
    );
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "two\\u{1b}[2J\n"),
        "{done:?}"
    );
    let args = pod["spec"]["containers"][0]["args"].to_string();
    assert!(
        args.contains("\"show\"") && args.contains("_run/logs/000003.log"),
        "{args}"
    );
    assert!(no_pod(&person));
    let args = ["logs", RUN, "--step", "plan", "--via", "pod"];
    let (done, _) = tokio::join!(
        person.does(&args),
        kubelet(&person, "Failed", "scorer show: not found\n")
    );
    assert_eq!(done.code, 5);
    assert!(
        done.err.contains("scorer show: not found") && no_pod(&person),
        "{done:?}"
    );
    let several = person.does(&["logs", RUN, "--via", "pod"]).await;
    assert_eq!(several.code, 2, "{several:?}");
}

const VALUES: &str = "\
watchNamespaces: [plant-a]
scorer:
  podTemplate: {spec: {nodeSelector: {pool: scoring}, tolerations: [{operator: Exists}]}}
  serviceAccount: {create: true}
  workloadIdentity: {clientId: 11111111-2222-3333-4444-555555555555}
";

/// A cluster on which the chart could be installed.
async fn bare() -> Person {
    let person = Person::new().await;
    let api = &person.api;
    for name in [SYSTEM, NAMESPACE] {
        api.create("v1/namespaces", "", name, json!({"metadata": {}}));
    }
    api.create(NODES, "", "node-0", node("pool", "scoring"));
    let webhook =
        json!({"metadata": {}, "webhooks": [{"name": "mutation.azure-workload-identity.io"}]});
    api.create(WEBHOOKS, "", "azure-wi-webhook", webhook);
    std::fs::write(person.folder.path().join("values.yaml"), VALUES).unwrap();
    person
}

fn values(person: &Person, from: &str, to: &str) {
    assert!(VALUES.contains(from));
    std::fs::write(
        person.folder.path().join("values.yaml"),
        VALUES.replace(from, to),
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn before_an_installation_it_tells_what_is_missing_for_it() {
    let args = ["doctor", "--pre", "-f", "values.yaml", "-o", "json"];
    let person = bare().await;
    let done = person.does(&args).await;
    let found = checks(&done);
    assert!(
        done.code == 0 && found.iter().all(|(state, ..)| state == "Ok"),
        "{found:#?}"
    );
    for words in [
        "none is there yet; the chart installs them",
        "namespace plant-a is there",
        "you may create what the chart needs for the whole cluster",
        "you may create what the chart needs in namespace plant-a",
        "1 node for scorer.podTemplate (nodeSelector pool=scoring)",
        "the webhook of workload identity is there",
    ] {
        assert!(
            found.iter().any(|(_, told, _)| told.contains(words)),
            "{words}: {found:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hinders_an_installation_is_told_before_it() {
    let args = ["doctor", "--pre", "-f", "values.yaml", "-o", "json"];
    let faults: &[Fault] = &[
        (
            |person| person.api.refuse("create", "customresourcedefinitions"),
            "Fail",
            "you may not create customresourcedefinitions for the whole cluster",
            "cluster administrator",
        ),
        (
            |person| person.api.refuse("create", "roles"),
            "Fail",
            "you may not create roles in namespace plant-a",
            "the role admin",
        ),
        (
            removed!("v1/namespaces", "", NAMESPACE),
            "Fail",
            "namespace plant-a of watchNamespaces is not there",
            "kubectl create namespace plant-a",
        ),
        (
            |person| {
                remove(&person.api, "v1/namespaces", "", SYSTEM);
                person.api.refuse("create", "namespaces");
            },
            "Fail",
            "namespace fleetscore-system is not there, and you may not create it",
            "--operator-namespace",
        ),
        (
            removed!(NODES, "", "node-0"),
            "Fail",
            "no node is there for scorer.podTemplate",
            "add a pool",
        ),
        (
            removed!(WEBHOOKS, "", "azure-wi-webhook"),
            "Fail",
            "the webhook of workload identity is not there",
            "docs/cluster/aks.md",
        ),
        (
            |person| values(person, CLIENT, "somebody"),
            "Fail",
            "\"somebody\" is not a client ID",
            "az identity show",
        ),
        (
            |person| values(person, "{create: true}", "{create: false}"),
            "Fail",
            "needs scorer.serviceAccount.create",
            "set scorer.serviceAccount.create",
        ),
        (
            |person| values(person, CLIENT, "''"),
            "Warn",
            "no identity is named",
            "scorer.workloadIdentity.clientId",
        ),
        (
            |person| {
                person.api.create(
                    CRDS,
                    "",
                    "scoringruns",
                    definition("scoringruns", Kind::ScoringRun),
                );
            },
            "Fail",
            "readingstreams is missing",
            "custom resource definitions",
        ),
    ];
    for (harm, state, message, hint) in faults {
        let person = bare().await;
        harm(&person);
        let done = person.does(&args).await;
        let found = checks(&done);
        let told = found.iter().any(|(found, told, way)| {
            found == state && told.contains(message) && way.contains(hint)
        });
        assert!(told, "{state} {message} -> {hint}: {found:#?}");
        assert_eq!(done.code, i32::from(*state == "Fail"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_make_no_sense_are_refused_and_without_any_those_of_the_chart_count() {
    let args = ["doctor", "--pre", "-f", "values.yaml", "-o", "json"];
    let person = bare().await;
    for (text, words) in [
        ("watchNamespaces: 5\n", "--values values.yaml"),
        ("a: [", "--values values.yaml"),
    ] {
        std::fs::write(person.folder.path().join("values.yaml"), text).unwrap();
        let done = person.does(&args).await;
        assert!(done.code == 2 && done.err.contains(words), "{done:?}");
    }
    // Without a file the chart's own values count: it serves all namespaces, and its pods take any node without taints.
    let plain =
        json!({"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    person.api.create(NODES, "", "node-1", plain);
    let done = person.does(&["doctor", "--pre"]).await;
    assert_eq!(done.code, 0, "{done:?}");
}
