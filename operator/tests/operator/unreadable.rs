//! Objects that another version of the API wrote: the operator goes on beside them, and they are told.

use serde_json::{Value, json};

use super::api::Api;
use super::program::Program;
use super::run::scoring_run;
use super::{until, until_true};

const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";
const JOBS: &str = "batch/v1/jobs";
const EVENTS: &str = "events.k8s.io/v1/events";
const CRDS: &str = "apiextensions.k8s.io/v1/customresourcedefinitions";

/// A condition of an object, if it is there.
fn condition(api: &Api, resource: &str, name: &str, kind: &str) -> Option<Value> {
    let object = api.get(resource, "plant", name)?;
    let conditions = object["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|found| found["type"] == kind)
        .cloned()
}

/// A number that an older definition let through, a field that a newer one has, and runs beside them.
#[tokio::test]
async fn a_run_that_cannot_be_read_says_so_and_goes_on_once_it_is_mended() {
    let api = Api::new();
    let ttl = json!({"ttlSecondsAfterFinished": 5_000_000_000_u64});
    api.create(RUNS, "plant", "frozen", scoring_run(&ttl));
    let mut newer = scoring_run(&json!({"turbo": true}));
    newer["metadata"]["managedFields"] = json!([{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:turbo": {}}}}]);
    api.create(RUNS, "plant", "newer", newer);
    // Nobody wrote this: the API server fills it in by a newer definition.
    let filled = scoring_run(&json!({"sharding": {"shape": "Even", "sensorsPerPod": 1}}));
    api.create(RUNS, "plant", "pumps", filled);
    let url = api.listen("operator").await;
    let _operator = Program::start(&url, "operator", &["--no-leader-election"], &[]);
    until("plan", || api.get(JOBS, "plant", "pumps-plan")).await;
    for (name, words) in [
        (
            "frozen",
            "spec.ttlSecondsAfterFinished: 5000000000 is too large; at most 2147483647",
        ),
        (
            "newer",
            "spec.turbo (it is true) is not known to this operator",
        ),
    ] {
        let stalled = until("condition", || condition(&api, RUNS, name, "Stalled")).await;
        assert_eq!(
            (&stalled["status"], &stalled["reason"]),
            (&json!("True"), &json!("Unreadable"))
        );
        let message = stalled["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        let ready = condition(&api, RUNS, name, "Ready").unwrap();
        assert_eq!(
            (&ready["status"], &ready["reason"]),
            (&json!("False"), &json!("Unreadable"))
        );
        until_true("event", || {
            let events = api.with(|objects| objects.list(EVENTS, Some("plant")));
            events
                .iter()
                .any(|event| event["reason"] == "Unreadable" && event["regarding"]["name"] == name)
        })
        .await;
        assert!(api.get(JOBS, "plant", &format!("{name}-plan")).is_none());
    }

    let mended = json!({"spec": {"ttlSecondsAfterFinished": 60}});
    api.merge(RUNS, "plant", "frozen", mended);
    until("plan", || api.get(JOBS, "plant", "frozen-plan")).await;
    until_true("condition", || {
        let stalled = condition(&api, RUNS, "frozen", "Stalled").unwrap();
        stalled["status"] == "False" && stalled["reason"] == "Planning"
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_says_so() {
    let api = Api::new();
    let schedule = json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringSchedule",
        "metadata": {},
        "spec": {
            "schedule": "0 0 1 1 *", "concurrencyPolicy": "Politely",
            "runTemplate": {"spec": scoring_run(&json!({}))["spec"]},
        },
    });
    api.create(SCHEDULES, "plant", "pumps", schedule);
    let url = api.listen("operator").await;
    let _operator = Program::start(&url, "operator", &["--no-leader-election"], &[]);
    let stalled = until("condition", || {
        condition(&api, SCHEDULES, "pumps", "Stalled")
    })
    .await;
    let message = stalled["message"].as_str().unwrap();
    assert!(
        message.contains("spec.concurrencyPolicy: `Politely` is not allowed"),
        "{message}"
    );
}

/// What the log says at the start about the cluster's definitions.
#[tokio::test]
async fn definitions_that_do_not_fit_are_told_at_the_start() {
    let api = Api::new();
    let definition = |annotations: Value| json!({"metadata": {"annotations": annotations}});
    let newer = definition(json!({
        "scoring.fleetscore.io/release": "99.0.0", "scoring.fleetscore.io/schema": "0123456789abcdef",
    }));
    api.create(CRDS, "", "scoringruns.scoring.fleetscore.io", newer);
    let older = definition(json!({}));
    api.create(CRDS, "", "scoringschedules.scoring.fleetscore.io", older);
    let url = api.listen("operator").await;
    let operator = Program::start(&url, "operator", &["--no-leader-election"], &[]);
    operator
        .logged("the CustomResourceDefinition is newer (99.0.0) than this operator")
        .await;
    operator
        .logged("the CustomResourceDefinition is older")
        .await;
    drop(operator);

    let nothing = Api::new();
    let url = nothing.listen("operator").await;
    let operator = Program::start(&url, "operator", &["--no-leader-election"], &[]);
    operator
        .logged("there is no such CustomResourceDefinition")
        .await;
}
