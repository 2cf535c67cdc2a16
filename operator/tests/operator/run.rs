//! A run from its creation to its end, and what that asks of the API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetscore_operator::controller::Shared;
use fleetscore_operator::metrics::Metrics;
use fleetscore_operator::published::Published;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::api::{Api, Asked};
use super::job_controller::JobController;
use super::until_true;

const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
const JOBS: &str = "batch/v1/jobs";
const SENSORS: u64 = 25_000;

/// A run as it is applied, with these fields of the spec beside those that it must have.
pub fn scoring_run(spec: &Value) -> Value {
    let mut run = json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun",
        "metadata": {},
        "spec": {
            "model": {"location": "az://models/model_{device}_{tag}"},
            "input": {"location": "az://data/sensor_data.csv", "columns": {"time": "TS", "keys": {"device": "Device", "tag": "Tag"}, "features": ["Value"]}},
            "output": {"location": "az://predictions/{run}/", "file": "preds_{device}_{tag}.csv"},
            "storage": {"azure": {"account": "plantstore"}},
        },
    });
    for (field, value) in spec.as_object().unwrap() {
        run["spec"][field] = value.clone();
    }
    run
}

/// The controller in this process. It ends when it is dropped.
struct Operator {
    _stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn operate(api: &Api) -> Operator {
    // It fails only where a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let metrics = Arc::new(Metrics::new());
    let url = api.listen("operator").await.parse().unwrap();
    let client =
        fleetscore_operator::client::client(kube::Config::new(url), metrics.clone()).unwrap();
    let cost =
        json!({"cpusPerNode": 4, "pricePerNodeHour": 0.2, "currency": "EUR", "idleSeconds": 60});
    let config = json!({"scorer": {"image": "scorer:test"}, "cost": cost});
    let config = serde_json::from_value(config).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        let _ = stopped.await;
    };
    let shared = Shared {
        client,
        metrics,
        health: Arc::default(),
        rush: Arc::default(),
        traces: fleetscore_operator::traces::RunTraces::default(),
    };
    let places = fleetscore_operator::run::Places::default();
    let (_, work) = fleetscore_operator::run::run(
        shared,
        config,
        places,
        Published::default(),
        None,
        |_| {},
        stopped,
    );
    Operator {
        _stop: stop,
        work: tokio::spawn(work),
    }
}

fn phase(api: &Api) -> Option<String> {
    let run = api.get(RUNS, "plant", "pumps")?;
    run["status"]["phase"].as_str().map(str::to_owned)
}

fn has_ended(api: &Api) -> bool {
    matches!(phase(api).as_deref(), Some("Succeeded" | "Failed"))
}

fn jobs(api: &Api) -> Vec<Value> {
    api.with(|objects| objects.list(JOBS, Some("plant")))
}

fn created(asked: &[Asked], resource: &str) -> Vec<String> {
    let made = |asked: &&Asked| asked.verb == "create" && !asked.query.contains_key("dryRun");
    let created = asked.iter().filter(made);
    let created = created.filter(|asked| asked.resource == resource);
    created.filter_map(|asked| asked.name.clone()).collect()
}

/// How often each was asked for: the verb and the resource.
fn counts(asked: &[Asked]) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for asked in asked {
        *counts
            .entry((asked.verb, asked.resource.as_str()))
            .or_default() += 1;
    }
    counts
}

/// The environment variable of the scorer's container in a Job's pods.
fn variable<'a>(job: &'a Value, name: &str) -> Option<&'a str> {
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let variables = container["env"].as_array()?;
    variables.iter().find(|found| found["name"] == name)?["value"].as_str()
}

#[tokio::test]
async fn more_sensors_than_one_job_takes_are_scored_by_several_at_once() {
    let api = Api::new();
    let _operator = operate(&api).await;
    let policy = json!({"failFast": true, "maxFailedSensors": 6000});
    let run = scoring_run(
        &json!({"sharding": {"maxPods": SENSORS, "parallelism": 100}, "failurePolicy": policy}),
    );
    api.create(RUNS, "plant", "pumps", run);
    let mut cluster = JobController::new(&api, SENSORS);
    cluster.play(has_ended).await;

    let run = api.get(RUNS, "plant", "pumps").unwrap();
    let status = &run["status"];
    assert_eq!(status["phase"], "Succeeded");
    assert_eq!(
        status["sensors"],
        json!({"total": SENSORS, "succeeded": SENSORS, "failed": 0})
    );
    assert_eq!(status["pods"]["succeeded"], SENSORS);
    assert_eq!(
        (&status["rows"], &status["anomalies"]),
        (&json!(SENSORS * 60), &json!(7))
    );
    assert_eq!(status["mostlyAnomalous"], 2);
    assert_eq!(status["report"], "az://predictions/pumps/_run/report.html");
    // A hundred pods at a time, four on a node, and each node is idle for a minute at the end.
    let usage = &status["usage"];
    assert_eq!(
        (&usage["nodes"], &usage["currency"]),
        (&json!(25), &json!("EUR"))
    );
    assert!(usage["nodeSeconds"].as_u64().unwrap() >= 25 * 60, "{usage}");
    assert!(usage["amount"].as_f64().unwrap() > 0.08, "{usage}");

    let asked = api.asked();
    let names =
        ["plan", "score-0", "score-1", "score-2", "collect"].map(|step| format!("pumps-{step}"));
    assert_eq!(created(&asked, JOBS), names);
    let jobs = jobs(&api);
    let score: Vec<_> = jobs
        .iter()
        .filter(|job| job["spec"]["completionMode"] == "Indexed")
        .map(|job| {
            let spec = &job["spec"];
            let numbers = ["completions", "parallelism", "maxFailedIndexes"];
            let numbers = numbers.map(|field| spec[field].as_u64().unwrap());
            (numbers, variable(job, "FLEETSCORE_SHARD_OFFSET").unwrap())
        })
        .collect();
    assert_eq!(
        score,
        [
            ([10_000, 34, 6000], "0"),
            ([10_000, 33, 6000], "10000"),
            ([5000, 33, 5000], "20000"),
        ]
    );
    assert_eq!((cluster.most_jobs, cluster.most_pods), (3, 100));
    assert_calls(&asked);
}

/// What a run of five Jobs may ask for, whatever its number of pods.
fn assert_calls(asked: &[Asked]) {
    let counts = counts(asked);
    let count = |verb, resource| counts.get(&(verb, resource)).copied().unwrap_or(0);
    for resource in [RUNS, JOBS] {
        assert_eq!((count("list", resource), count("watch", resource)), (1, 1));
    }
    // The messages of plan and collect, and now and then a look at pods that have not begun.
    assert!(count("list", "v1/pods") <= 5, "{counts:?}");
    // The phases, five Jobs that come, run and end, and the scoring in twentieths.
    assert!(count("patch", RUNS) <= 6 + 15 + 20, "{counts:?}");
    assert_eq!(count("create", "events.k8s.io/v1/events"), 4);
    // Made for the plan, found there by the other two steps.
    let maps = (
        count("create", "v1/configmaps"),
        count("get", "v1/configmaps"),
    );
    assert_eq!(maps, (3, 2));
    let rest = counts.keys().filter(|(verb, resource)| {
        let known = [
            "v1/pods",
            "v1/configmaps",
            "events.k8s.io/v1/events",
            RUNS,
            JOBS,
        ];
        !known.contains(resource) || matches!(*verb, "delete" | "other")
    });
    assert_eq!(rest.count(), 0, "{counts:?}");
    for pods in asked.iter().filter(|asked| asked.resource == "v1/pods") {
        assert!(pods.query["limit"].parse::<u32>().unwrap() <= 500);
    }
}

#[tokio::test]
async fn few_pods_at_a_time_are_few_jobs_at_a_time() {
    let api = Api::new();
    let _operator = operate(&api).await;
    let run = scoring_run(&json!({"sharding": {"maxPods": SENSORS, "parallelism": 2}}));
    api.create(RUNS, "plant", "pumps", run);
    let mut cluster = JobController::new(&api, SENSORS);
    cluster.play(has_ended).await;
    assert_eq!(phase(&api).as_deref(), Some("Succeeded"));
    assert_eq!(created(&api.asked(), JOBS).len(), 5);
    assert_eq!((cluster.most_jobs, cluster.most_pods), (2, 2));
}

#[tokio::test]
async fn an_ended_run_asks_nothing_more_even_of_an_operator_that_comes_later() {
    let api = Api::new();
    let operator = operate(&api).await;
    api.create(RUNS, "plant", "pumps", scoring_run(&json!({})));
    JobController::new(&api, 3).play(has_ended).await;
    // It tells so once that stands.
    until_true("event", || {
        let events = api.with(|objects| objects.list("events.k8s.io/v1/events", Some("plant")));
        events.iter().any(|event| event["reason"] == "Succeeded")
    })
    .await;
    drop(operator);
    let before = api.asked().len();
    let _operator = operate(&api).await;
    // Once it has done its part for a run that came later, it has looked at this one.
    api.create(RUNS, "plant", "later", scoring_run(&json!({})));
    until_true("plan", || api.get(JOBS, "plant", "later-plan").is_some()).await;
    let about_it = |asked: &Asked| {
        asked
            .name
            .as_deref()
            .is_some_and(|name| name.starts_with("pumps"))
    };
    let after = api.asked().split_off(before);
    assert!(!after.iter().any(about_it), "{after:?}");
}

#[tokio::test]
async fn queued_jobs_are_created_suspended_and_only_kueue_lets_them_go_on() {
    let api = Api::new();
    let _operator = operate(&api).await;
    let run = scoring_run(
        &json!({"queueName": "nightly", "sharding": {"maxPods": SENSORS, "parallelism": 100}}),
    );
    api.create(RUNS, "plant", "pumps", run);
    let plan = || api.get(JOBS, "plant", "pumps-plan");
    until_true("plan", || plan().is_some()).await;
    assert_eq!(plan().unwrap()["spec"]["suspend"], true);
    let mut cluster = JobController::new(&api, SENSORS);
    cluster.admits = true;
    cluster
        .play(|api| {
            jobs(api)
                .iter()
                .any(|job| job["status"]["succeeded"].as_u64() > Some(2))
        })
        .await;

    // What is suspended must not be let go on by Kueue, so it goes.
    api.merge(RUNS, "plant", "pumps", json!({"spec": {"suspend": true}}));
    until_true("deletion", || {
        let score = |job: &Value| job["spec"]["completionMode"] == "Indexed";
        phase(&api).as_deref() == Some("Suspended") && !jobs(&api).iter().any(score)
    })
    .await;
    api.merge(RUNS, "plant", "pumps", json!({"spec": {"suspend": false}}));
    cluster.play(has_ended).await;
    assert_eq!(phase(&api).as_deref(), Some("Succeeded"));
    for job in jobs(&api) {
        assert_eq!(
            job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"],
            "nightly"
        );
    }
    let asked = api.asked();
    assert!(
        !asked
            .iter()
            .any(|asked| asked.verb == "patch" && asked.resource == JOBS)
    );
    assert_eq!(created(&asked, JOBS).len(), 8);
}
