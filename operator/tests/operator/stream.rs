//! A stream from its creation to its deletion, and what that asks of the API server.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use fleetscore_operator::controller::Shared;
use fleetscore_operator::metrics::Metrics;
use fleetscore_operator::stream::{Poller, run};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::api::{Api, Cut, key};
use super::program::Program;
use super::{until, until_true};

const STREAMS: &str = "scoring.fleetscore.io/v1alpha1/readingstreams";
const DEPLOYMENTS: &str = "apps/v1/deployments";
const PODS: &str = "v1/pods";
const EVENTS: &str = "events.k8s.io/v1/events";
const CHILDREN: [(&str, &str); 4] = [
    ("v1/configmaps", "pumps-readingstream"),
    ("v1/services", "pumps-ingest"),
    ("policy/v1/poddisruptionbudgets", "pumps-ingest"),
    (DEPLOYMENTS, "pumps-ingest"),
];

fn stream() -> Value {
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ReadingStream",
        "metadata": {},
        "spec": {
            "source": {"eventHub": {"namespace": "plant", "name": "telemetry"}},
            "event": {
                "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
                "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
            },
            "output": {"location": "az://readings/pumps/"},
            "storage": {"azure": {"account": "plantstore"}},
        },
    })
}

/// The controller in this process, and what the streams' pods say. It ends when it is dropped.
struct Operator {
    _stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// What all pods answer at their port.
#[derive(Clone)]
struct Pods {
    port: u16,
    answer: Arc<Mutex<Value>>,
}

impl Pods {
    async fn new(answer: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new(answer));
        let told = answer.clone();
        let status = get(async move || told.lock().unwrap().to_string());
        let routes = Router::new().route("/status", status);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { port, answer }
    }

    fn say(&self, answer: Value) {
        *self.answer.lock().unwrap() = answer;
    }
}

async fn operate(api: &Api, pods: &Pods) -> Operator {
    // It fails only where a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let metrics = Arc::new(Metrics::new());
    let url = api.listen("operator").await.parse().unwrap();
    let client =
        fleetscore_operator::client::client(kube::Config::new(url), metrics.clone()).unwrap();
    let config = json!({"scorer": {"image": "scorer:test"}, "ingest": {"image": "ingest:test"}});
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
    let poller = Arc::new(Poller::new(pods.port).unwrap());
    let (_, work) = run(shared, config, poller, None, stopped);
    Operator {
        _stop: stop,
        work: tokio::spawn(work),
    }
}

/// A pod that reads all of two partitions.
fn all_is_well() -> Value {
    json!({
        "stream": "plant/pumps", "partitions": 2, "completeThrough": "2026-11-28T09:00:00Z",
        "lastSegment": {"start": "2026-11-28T08:00:00Z", "rows": 7, "files": 1, "gaps": false},
        "owned": [
            {"partition": 0, "epoch": 1, "counts": {"accepted": 5}, "lagEvents": 3, "lagSeconds": 2},
            {"partition": 1, "epoch": 1, "counts": {"accepted": 6, "invalid": {"BadTime": 1}}, "lagEvents": 0, "lagSeconds": 0},
        ],
    })
}

fn deployment(api: &Api) -> Option<Value> {
    api.get(DEPLOYMENTS, "plant", "pumps-ingest")
}

fn template(api: &Api) -> Value {
    deployment(api).unwrap()["spec"]["template"].clone()
}

fn status(api: &Api) -> Value {
    api.get(STREAMS, "plant", "pumps").unwrap()["status"].clone()
}

/// The reason of a condition, or why it cannot be told.
fn reason(api: &Api, kind: &str) -> String {
    let status = status(api);
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    let found = conditions.find(|found| found["type"] == kind);
    found.map_or_else(String::new, |found| {
        found["reason"].as_str().unwrap().to_owned()
    })
}

/// What the Deployment controller and the kubelets do: so many pods, all ready.
fn play(api: &Api, pods: u64) {
    let generation = deployment(api).unwrap()["metadata"]["generation"].clone();
    let counts = json!({
        "observedGeneration": generation, "replicas": pods, "updatedReplicas": pods, "readyReplicas": pods, "availableReplicas": pods,
    });
    api.merge(
        DEPLOYMENTS,
        "plant",
        "pumps-ingest",
        json!({"status": counts}),
    );
    for pod in api.with(|objects| objects.list(PODS, None)) {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        api.with(|objects| objects.delete(&key(PODS, "plant", &name), &Value::Null))
            .unwrap();
    }
    for number in 0..pods {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "labels": {"scoring.fleetscore.io/stream": "pumps"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "pumps-ingest-1", "uid": "r", "controller": true}],
            },
            "status": {"phase": "Running", "podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
        });
        api.create(PODS, "plant", &format!("pumps-ingest-1-{number}"), pod);
    }
}

fn told(api: &Api) -> Vec<String> {
    let events = api.with(|objects| objects.list(EVENTS, None));
    let reasons = events
        .iter()
        .map(|event| event["reason"].as_str().unwrap().to_owned());
    reasons.collect()
}

fn writes(api: &Api) -> usize {
    let asked = api.asked_by("operator");
    let writes = asked
        .iter()
        .filter(|asked| ["create", "patch", "delete"].contains(&asked.verb));
    writes.count()
}

#[tokio::test]
async fn a_stream_gets_its_pods_and_tells_what_they_say() {
    let (api, pods) = (Api::new(), Pods::new(all_is_well()).await);
    api.create(STREAMS, "plant", "pumps", stream());
    let _operator = operate(&api, &pods).await;
    until_true("Deployment", || deployment(&api).is_some()).await;
    until_true("status", || reason(&api, "Ready") == "RollingOut").await;
    let uid = api.get(STREAMS, "plant", "pumps").unwrap()["metadata"]["uid"].clone();
    for (resource, name) in CHILDREN {
        let child = api.get(resource, "plant", name).unwrap();
        assert_eq!(
            child["metadata"]["ownerReferences"][0]["uid"], uid,
            "{name}"
        );
    }
    play(&api, 1);
    until_true("status", || reason(&api, "Ready") == "Running").await;
    let status = status(&api);
    assert_eq!(status["completeThrough"], "2026-11-28T09:00:00Z");
    assert_eq!(status["lag"], json!({"events": 3, "seconds": 2}));
    assert_eq!(
        status["partitions"],
        json!({"total": 2, "owned": 2, "idle": 0, "stalled": 0})
    );
    assert_eq!(status["counts"]["accepted"], 11);
    assert_eq!(status["counts"]["invalid"], json!({"BadTime": 1}));
    assert_eq!(status["lastSegment"]["rows"], 7);
    assert_eq!(status["replicas"], 1);
    assert_eq!(status["selector"], "scoring.fleetscore.io/stream=pumps");
    until_true("event", || told(&api) == ["Running"]).await;

    // A pod that comes after it is asked at once, and what it says is told.
    let mut stalled = all_is_well();
    stalled["owned"][1]["stall"] =
        json!({"reason": "MostEventsInvalid", "message": "900 of 1000 events"});
    pods.say(stalled);
    play(&api, 2);
    until_true("Stalled", || reason(&api, "Stalled") == "MostEventsInvalid").await;
    until_true("event", || told(&api) == ["Running", "MostEventsInvalid"]).await;
    for (resource, most) in [(STREAMS, 1), (DEPLOYMENTS, 1), (PODS, 1)] {
        let lists = api.asked_by("operator");
        let lists = lists
            .iter()
            .filter(|asked| asked.verb == "list" && asked.resource == resource);
        assert_eq!(lists.count(), most, "{resource}");
    }
}

#[tokio::test]
async fn what_changes_rolls_the_pods_but_their_number_does_not() {
    let (api, pods) = (Api::new(), Pods::new(all_is_well()).await);
    api.create(STREAMS, "plant", "pumps", stream());
    let _operator = operate(&api, &pods).await;
    until_true("Deployment", || deployment(&api).is_some()).await;
    let first = template(&api);
    let replicas = |api: &Api| deployment(api).unwrap()["spec"]["replicas"].as_u64();
    let change = |spec: Value| api.merge(STREAMS, "plant", "pumps", json!({"spec": spec}));

    change(json!({"replicas": 3}));
    until_true("three pods", || replicas(&api) == Some(3)).await;
    assert_eq!(template(&api), first);
    change(json!({"suspend": true}));
    until_true("no pods", || replicas(&api) == Some(0)).await;
    assert_eq!(template(&api), first);
    until_true("Suspended", || reason(&api, "Ready") == "Suspended").await;
    change(json!({"suspend": false, "lateness": {"toleranceSeconds": 600}}));
    until_true("another template", || template(&api) != first).await;
    assert_eq!(replicas(&api), Some(3));

    // What someone else has set is set back.
    play(&api, 3);
    until_true("status", || reason(&api, "Ready") == "Running").await;
    api.merge(
        DEPLOYMENTS,
        "plant",
        "pumps-ingest",
        json!({"spec": {"replicas": 9}}),
    );
    until_true("three pods", || replicas(&api) == Some(3)).await;
}

#[tokio::test]
async fn a_stream_that_is_deleted_is_left_alone() {
    let (api, pods) = (Api::new(), Pods::new(all_is_well()).await);
    let mut leaving = stream();
    leaving["metadata"] =
        json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]});
    api.create(STREAMS, "plant", "pumps", leaving);
    let mut other = stream();
    other["spec"]["suspend"] = json!(true);
    api.create(STREAMS, "plant", "other", other);
    let _operator = operate(&api, &pods).await;
    let other = || api.get(DEPLOYMENTS, "plant", "other-ingest");
    until("Deployment of the other", other).await;
    until_true("its status", || {
        api.get(STREAMS, "plant", "other").unwrap()["status"].is_object()
    })
    .await;
    assert_eq!(deployment(&api), None);
    assert_eq!(status(&api), Value::Null);
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_left_alone() {
    let (api, pods) = (Api::new(), Pods::new(all_is_well()).await);
    let theirs = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"replicas": 4}});
    api.create(DEPLOYMENTS, "plant", "pumps-ingest", theirs);
    let before = deployment(&api);
    api.create(STREAMS, "plant", "pumps", stream());
    let _operator = operate(&api, &pods).await;
    until_true("Stalled", || reason(&api, "Stalled") == "NameConflict").await;
    assert_eq!(deployment(&api), before);
}

#[tokio::test]
async fn without_an_image_a_stream_says_so() {
    let api = Api::new();
    api.create(STREAMS, "plant", "pumps", stream());
    let url = api.listen("operator").await;
    let _operator = Program::start(&url, "operator", &["--no-leader-election"], &[]);
    until_true("NoImage", || reason(&api, "Stalled") == "NoImage").await;
    assert_eq!(deployment(&api), None);
}

/// All that there is in the end, but for what differs from one time to the next.
async fn end_state(api: &Api, pods: &Pods) -> Vec<Value> {
    let _operator = operate(api, pods).await;
    until_true("Deployment", || deployment(api).is_some()).await;
    play(api, 1);
    until_true("status", || reason(api, "Ready") == "Running").await;
    let children = CHILDREN.map(|(resource, name)| api.get(resource, "plant", name).unwrap());
    let stream = api.get(STREAMS, "plant", "pumps").unwrap();
    let all = children.into_iter().chain([stream]);
    all.map(|object| without_times(&object)).collect()
}

/// The object without times and versions.
fn without_times(object: &Value) -> Value {
    match object {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| {
                ![
                    "lastTransitionTime",
                    "creationTimestamp",
                    "uid",
                    "resourceVersion",
                    "generation",
                    "observedGeneration",
                ]
                .contains(&name.as_str())
            });
            kept.map(|(name, value)| (name.clone(), without_times(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_times).collect(),
        value => value.clone(),
    }
}

#[tokio::test]
async fn an_operator_that_is_killed_at_any_write_changes_nothing_in_the_end() {
    let pods = Pods::new(all_is_well()).await;
    let fresh = || {
        let api = Api::new();
        api.create(STREAMS, "plant", "pumps", stream());
        api
    };
    let api = fresh();
    let expected = end_state(&api, &pods).await;
    let all = writes(&api);
    // Four children, and the status at least twice.
    assert!(all >= 6, "{all}");
    for after in 0..=CHILDREN.len() {
        for done in [false, true] {
            let api = fresh();
            api.cut(Cut { after, done });
            let operator = operate(&api, &pods).await;
            until_true("cut", || api.is_cut()).await;
            drop(operator);
            assert_eq!(
                end_state(&api, &pods).await,
                expected,
                "after {after}, {done}"
            );
        }
    }
}
