//! What is installed.

use serde_json::json;

use super::{
    ACCOUNTS, CRDS, DEPLOYMENTS, LEASES, MONITORS, NODES, OPERATOR, QUEUES, RULES, SYSTEM,
    WEBHOOKS, ago, checks, examined, expect, healthy, micro, remove, waiting,
};
use crate::tools::{NAMESPACE, Person, RUN, RUNS, SCHEDULES, ended};

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
        "you may use status, tree, failed, sensors, report, logs, logs --via pod, doctor --probe, top,",
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
            .starts_with("cluster      ok    Kubernetes v1.33.0\n"),
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
            "Fail", "storage does not let in the pods of run plant-a/pumps-1764324000: az://models/ (403)", "federated credential for system:serviceaccount:plant-a:scorer",
        ),
        (
            merged!(RUNS, NAMESPACE, RUN, {"status": {"phase": "Failed", "conditions": [
                {"type": "Failed", "status": "True", "reason": "InvalidStorage", "message": "finds no AZURE_TENANT_ID", "lastTransitionTime": "2025-11-28T10:12:00Z"},
            ]}}),
            "Fail", "storage does not let in the pods of run plant-a/pumps-1764324000: finds no AZURE_TENANT_ID", "federated credential",
        ),
        (
            merged!(RUNS, NAMESPACE, RUN, {"status": {"phase": "Failed", "conditions": [
                {"type": "Failed", "status": "True", "reason": "ImagePullBackOff", "message": "not found", "lastTransitionTime": "2025-11-28T10:12:00Z"},
            ]}}),
            "Fail", "run plant-a/pumps-1764324000 was given up: ImagePullBackOff: not found", "correct the image's name",
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
            "Warn", "run plant-a/pumps-1764324000: 1 pod waits", "compare nodeSelector",
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

/// Runs that no schedule makes are each looked at, not the newest one alone, for as long as `status` shows them.
#[tokio::test(flavor = "multi_thread")]
async fn runs_of_no_schedule_are_all_looked_at() {
    let person = healthy().await;
    for (name, seconds) in [("newer", 60), ("older", 600), ("long-ago", 100_000)] {
        let mut run = ended("Failed", 0);
        run["metadata"]["labels"] = json!({});
        run["metadata"]["creationTimestamp"] = json!(ago(seconds + 10));
        run["status"]["completionTime"] = json!(ago(seconds));
        run["status"]["conditions"] = json!([
            {"type": "Failed", "status": "True", "reason": "AccessDenied", "message": name, "lastTransitionTime": ago(seconds)},
        ]);
        person.api.create(RUNS, NAMESPACE, name, run);
    }
    let found = checks(&examined(&person, &[]).await);
    let told = |name: &str| {
        let words = format!("storage does not let in the pods of run plant-a/{name}: {name}");
        found.iter().any(|(_, message, _)| message.contains(&words))
    };
    assert!(told("newer") && told("older"), "{found:#?}");
    assert!(!told("long-ago"), "{found:#?}");
}
