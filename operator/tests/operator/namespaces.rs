//! An operator that looks after some namespaces asks about no other.

use serde_json::{Value, json};

use super::api::{Api, Asked, key};
use super::program::Program;
use super::run::scoring_run;
use super::{until, until_true};

const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";
const JOBS: &str = "batch/v1/jobs";
const CRDS: &str = "apiextensions.k8s.io/v1/customresourcedefinitions";

/// A run that writes to a place of its namespace.
fn run_in(namespace: &str) -> Value {
    let output = json!({"location": format!("az://predictions/{namespace}/"), "file": "preds_{device}_{tag}.csv"});
    scoring_run(&json!({"output": output}))
}

fn ready(api: &Api, namespace: &str) -> (String, String) {
    let run = api.get(RUNS, namespace, "pumps").unwrap();
    let conditions = run["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let ready = conditions.find(|found| found["type"] == "Ready").cloned();
    let ready = ready.unwrap_or_default();
    let word = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
    (word("reason"), word("message"))
}

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
        api.create(RUNS, namespace, "pumps", run_in(namespace));
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

#[tokio::test]
async fn a_namespace_that_may_not_be_read_keeps_no_other_waiting() {
    let api = Api::new();
    api.close(&["b"]);
    for namespace in ["a", "b"] {
        api.create(RUNS, namespace, "pumps", run_in(namespace));
    }
    let url = api.listen("operator").await;
    let args = ["--no-leader-election", "--namespaces", "a,b"];
    let operator = Program::start(&url, "operator", &args, &[]);
    operator.logged("everything is listed").await;
    until("plan", || api.get(JOBS, "a", "pumps-plan")).await;
    assert!(
        operator.log().contains(r#"namespace="b""#),
        "{}",
        operator.log()
    );
    assert!(api.get(JOBS, "b", "pumps-plan").is_none());
    // As soon as it may be read, its runs go on.
    api.close(&[]);
    until("plan", || api.get(JOBS, "b", "pumps-plan")).await;
}

/// Two runs of one name in two namespaces that are watched by themselves, with the same output location.
#[tokio::test]
async fn of_two_runs_of_one_place_the_later_one_waits_until_the_first_is_gone() {
    let api = Api::new();
    let names = ["a", "b"];
    api.create(RUNS, "a", "pumps", scoring_run(&json!({})));
    let url = api.listen("operator").await;
    let args = ["--no-leader-election", "--namespaces", "a,b"];
    let _operator = Program::start(&url, "operator", &args, &[]);
    until("plan", || api.get(JOBS, "a", "pumps-plan")).await;
    api.create(RUNS, "b", "pumps", scoring_run(&json!({})));
    until_true("reason", || ready(&api, "b").0 == "OutputInUse").await;
    let (_, message) = ready(&api, "b");
    let words = "the ScoringRun a/pumps has been writing to az://predictions/pumps/ since";
    assert!(message.starts_with(words), "{message}");
    let jobs = || names.map(|namespace| api.get(JOBS, namespace, "pumps-plan").is_some());
    assert_eq!(jobs(), [true, false]);
    api.with(|objects| objects.delete(&key(RUNS, "a", "pumps"), &Value::Null))
        .unwrap();
    until("plan", || api.get(JOBS, "b", "pumps-plan")).await;
}
