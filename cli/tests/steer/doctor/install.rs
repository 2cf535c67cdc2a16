//! Before an installation.

use fleetscore_crds::Kind;
use serde_json::json;

use super::{CLIENT, CRDS, Fault, NODES, SYSTEM, WEBHOOKS, checks, definition, node, remove};
use crate::tools::{NAMESPACE, Person};

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
