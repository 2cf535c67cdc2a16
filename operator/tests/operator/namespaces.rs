//! An operator that looks after some namespaces asks about no other.

use serde_json::json;

use super::api::{Api, Asked};
use super::program::Program;
use super::run::scoring_run;
use super::{until, until_true};

const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";
const JOBS: &str = "batch/v1/jobs";
const CRDS: &str = "apiextensions.k8s.io/v1/customresourcedefinitions";

fn watches(asked: &[Asked], resource: &str, namespace: Option<&str>) -> bool {
    asked.iter().any(|asked| {
        asked.verb == "watch"
            && asked.resource == resource
            && asked.namespace.as_deref() == namespace
    })
}

#[tokio::test]
async fn only_the_named_namespaces_are_asked_about() {
    let api = Api::new();
    for namespace in ["a", "b", "c"] {
        api.create(RUNS, namespace, "pumps", scoring_run(&json!({})));
    }
    let url = api.listen("operator").await;
    let args = ["--no-leader-election", "--namespaces", "a,b"];
    let operator = Program::start(&url, "operator", &args, &[]);
    for namespace in ["a", "b"] {
        until("plan", || api.get(JOBS, namespace, "pumps-plan")).await;
        until_true("watches", || {
            [RUNS, SCHEDULES, JOBS]
                .iter()
                .all(|resource| watches(&api.asked(), resource, Some(namespace)))
        })
        .await;
    }
    operator.logged("everything is listed").await;
    for asked in api.asked() {
        let here = matches!(asked.namespace.as_deref(), Some("a" | "b"));
        let own = asked.resource == "version" || asked.resource == CRDS && asked.verb == "get";
        assert!(here || own, "{asked:?}");
    }
    assert!(api.get(JOBS, "c", "pumps-plan").is_none());
}

#[tokio::test]
async fn without_names_all_are_watched_at_once() {
    let api = Api::new();
    api.create(RUNS, "c", "pumps", scoring_run(&json!({})));
    let url = api.listen("operator").await;
    let _operator = Program::start(&url, "operator", &["--no-leader-election"], &[]);
    until("plan", || api.get(JOBS, "c", "pumps-plan")).await;
    until_true("watches", || {
        [RUNS, SCHEDULES, JOBS]
            .iter()
            .all(|resource| watches(&api.asked(), resource, None))
    })
    .await;
    let looks = |asked: &Asked| matches!(asked.verb, "list" | "watch") && asked.namespace.is_some();
    assert!(
        !api.asked()
            .iter()
            .any(|asked| looks(asked) && !asked.resource.starts_with("v1/"))
    );
}
