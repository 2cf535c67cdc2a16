//! What the commands draw, held against files: in a pipe, on 80 and on 120 columns. UPDATE=1 writes the files again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use fleetscore_cluster::view::{self, Objects};
use fleetscore_cluster::{Pod, Run, Schedule, Scope, Stream};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Node;
use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

#[path = "../../tests/kubectl/held.rs"]
mod held;

use held::{WIDTHS, file, fits, folder, held};

use super::screen::{Page, Screen};

/// The time at which everything is looked at.
pub fn now() -> Timestamp {
    "2025-11-28T10:12:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> String {
    (now() - SignedDuration::from_secs(seconds)).to_string()
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": ago(170),
    })
}

fn spec() -> Value {
    json!({
        "window": {"start": "2025-11-28T09:00:00Z", "end": "2025-11-28T10:00:00Z"},
        "model": {"location": "az://models/{device}"},
        "input": {"location": "az://data/i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
        "output": {"location": "az://predictions/{schedule}/{run}/", "file": "{device}.csv"},
        "storage": {"azure": {"account": "plantstore"}},
    })
}

/// A run that began `age` seconds ago.
pub fn run(name: &str, schedule: Option<&str>, age: i64, status: &Value) -> Run {
    let mut labels = json!({});
    if let Some(schedule) = schedule {
        labels = json!({"scoring.fleetscore.io/schedule": schedule, "scoring.fleetscore.io/cause": "tick"});
    }
    serde_json::from_value(json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun",
        "metadata": {"name": name, "namespace": "plant-a", "uid": name, "creationTimestamp": ago(age + 2), "labels": labels},
        "spec": spec(), "status": status,
    }))
    .unwrap()
}

fn status(phase: &str, age: i64) -> Value {
    json!({
        "phase": phase, "observedGeneration": 1, "startTime": ago(age),
        "sensors": {"total": 300}, "pods": {"total": 300, "active": 40, "succeeded": 180, "failed": 2},
    })
}

fn ended(phase: &str, age: i64, took: i64, [total, failed, rows, anomalies]: [u64; 4]) -> Value {
    json!({
        "phase": phase, "observedGeneration": 1, "startTime": ago(age), "completionTime": ago(age - took),
        "sensors": {"total": total, "succeeded": total - failed, "failed": failed},
        "rows": rows, "anomalies": anomalies,
    })
}

/// The run that the views of one run show: two of its sensors failed.
pub fn partial() -> Run {
    let mut status = ended("PartiallySucceeded", 700, 250, [15_000, 2, 900_000, 10_800]);
    status["report"] = json!("az://predictions/pumps/pumps-1764324000/_run/report.html");
    status["topFailures"] = json!([
        {"reason": "ModelNotFound", "count": 2, "example": "device=3 tag=9", "message": "az://models/3 does not exist"},
    ]);
    status["jobs"] = json!([
        {"name": "pumps-1764324000-plan", "step": "Plan", "state": "Succeeded", "startTime": ago(700), "completionTime": ago(694)},
        {"name": "pumps-1764324000-score-0", "step": "Score", "state": "Succeeded", "startTime": ago(690), "completionTime": ago(470)},
        {"name": "pumps-1764324000-collect", "step": "Collect", "state": "Succeeded", "startTime": ago(468), "completionTime": ago(450)},
    ]);
    status["conditions"] = json!([condition("Ready", "True", "PartiallySucceeded", "")]);
    run("pumps-1764324000", Some("pumps"), 700, &status)
}

/// The run that the tree shows: it waits for nodes.
pub fn going() -> Run {
    let mut status = status("Scoring", 242);
    status["jobs"] = json!([
        {"name": "flows-1764324000-plan", "step": "Plan", "state": "Succeeded", "startTime": ago(242), "completionTime": ago(236)},
        {"name": "flows-1764324000-score-0", "step": "Score", "state": "Running", "startTime": ago(230)},
    ]);
    status["conditions"] = json!([
        condition(
            "Ready",
            "False",
            "Unschedulable",
            "0/4 nodes are available: 4 Insufficient cpu."
        ),
        condition(
            "Reconciling",
            "True",
            "Unschedulable",
            "0/4 nodes are available: 4 Insufficient cpu."
        ),
    ]);
    run("flows-1764324000", Some("flows"), 242, &status)
}

fn schedule(name: &str, suspend: bool, status: &Value) -> Schedule {
    let mut template = spec();
    template.as_object_mut().unwrap().remove("window");
    serde_json::from_value(json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringSchedule",
        "metadata": {"name": name, "namespace": "plant-a", "uid": name, "creationTimestamp": ago(900_000)},
        "spec": {"schedule": "0 * * * *", "suspend": suspend, "runTemplate": {"spec": template}},
        "status": status,
    }))
    .unwrap()
}

fn stream(name: &str, suspend: bool, status: &Value) -> Stream {
    serde_json::from_value(json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ReadingStream",
        "metadata": {"name": name, "namespace": "plant-a", "uid": name, "creationTimestamp": ago(900_000)},
        "spec": {
            "source": {"kafka": {"bootstrapServers": ["hub:9092"], "topic": "readings"}},
            "event": {"fields": {"ts": {"type": "Time"}, "d": {}, "v": {"type": "Number"}}, "columns": {"time": "ts", "keys": {"device": "d"}, "features": ["v"]}},
            "output": {"location": "az://readings/"},
            "suspend": suspend, "replicas": 2,
        },
        "status": status,
    }))
    .unwrap()
}

/// A namespace with runs in every phase, and schedules and streams in every state.
pub fn plant() -> Objects {
    let fine = json!([condition("Ready", "True", "Scheduled", "")]);
    let next = json!("2025-11-28T11:00:00Z");
    let mut runs = vec![partial(), going()];
    for (number, anomalies) in [(1, 8_000), (2, 9_000), (3, 8_200), (4, 8_100)] {
        let ended = ended(
            "Succeeded",
            700 + number * 3600,
            240,
            [15_000, 0, 900_000, anomalies],
        );
        runs.push(run(
            &format!("pumps-{}", 1_764_324_000 - number * 3600),
            Some("pumps"),
            700 + number * 3600,
            &ended,
        ));
    }
    for (phase, age) in [
        ("Pending", 4),
        ("Planning", 9),
        ("WaitingForReadings", 130),
        ("WaitingForNodes", 300),
        ("Collecting", 400),
        ("Suspended", 86_400),
    ] {
        runs.push(run(&phase.to_lowercase(), None, age, &status(phase, age)));
    }
    let mut failed = ended("Failed", 5000, 900, [40, 40, 0, 0]);
    failed["conditions"] = json!([condition(
        "Failed",
        "True",
        "AccessDenied",
        "access to az://data/ is denied (403)"
    )]);
    runs.push(run("broken", None, 5000, &failed));
    runs.push(run(
        "by-hand",
        None,
        7000,
        &ended("Succeeded", 7000, 62, [800, 0, 48_000, 192]),
    ));
    runs.push(run("of-tomorrow", None, 60, &json!({"phase": "Dreaming"})));
    let schedules = vec![
        schedule(
            "pumps",
            false,
            &json!({
                "observedGeneration": 1, "nextScheduleTime": next, "lastSuccessfulTime": "2025-11-28T10:00:00Z", "conditions": fine,
                "missedRuns": 3, "missedReasons": {"EarlierRunActive": 3},
                "lastMissed": {"time": "2025-11-28T02:00:00Z", "reason": "EarlierRunActive"},
            }),
        ),
        schedule(
            "flows",
            false,
            &json!({"observedGeneration": 1, "nextScheduleTime": next, "active": ["flows-1764324000"], "conditions": fine}),
        ),
        schedule(
            "valves",
            true,
            &json!({"observedGeneration": 1, "conditions": fine}),
        ),
        schedule(
            "stuck",
            false,
            &json!({"observedGeneration": 1, "conditions": [
                condition("Ready", "False", "NameConflict", "run stuck-1764324000 belongs to somebody else"),
                condition("Stalled", "True", "NameConflict", "run stuck-1764324000 belongs to somebody else"),
            ]}),
        ),
        schedule("fresh", false, &Value::Null),
    ];
    let streams = vec![
        stream(
            "hub",
            false,
            &json!({
                "observedGeneration": 1, "completeThrough": "2025-11-28T10:05:00Z", "lag": {"events": 1200, "seconds": 4},
                "partitions": {"total": 32, "owned": 32, "idle": 1, "stalled": 0}, "replicas": 2,
                "counts": {"accepted": 9_000_000, "late": 12, "invalid": {"BadJson": 3}},
                "lastSegment": {"start": "2025-11-28T10:04:00Z", "rows": 50_000, "files": 2, "gaps": false},
                "conditions": [condition("Ready", "True", "Running", "")],
            }),
        ),
        stream(
            "halted",
            false,
            &json!({"observedGeneration": 1, "replicas": 2, "partitions": {"total": 4, "owned": 4, "stalled": 1}, "conditions": [
                condition("Ready", "False", "SourceRecreated", "partition 2 (pod halted-0): the topic was made anew"),
                condition("Stalled", "True", "SourceRecreated", "partition 2 (pod halted-0): the topic was made anew"),
            ]}),
        ),
        stream(
            "rolling",
            false,
            &json!({"replicas": 1, "conditions": [
                condition("Ready", "False", "RollingOut", "1 of 2 pods"), condition("Reconciling", "True", "RollingOut", "1 of 2 pods"),
            ]}),
        ),
        stream(
            "denied",
            false,
            &json!({"replicas": 2, "conditions": [
                condition("Ready", "False", "AccessDenied", "the hub refuses the login"),
            ]}),
        ),
        stream(
            "resting",
            true,
            &json!({"conditions": [condition("Ready", "True", "Suspended", "stopped by spec.suspend")]}),
        ),
        stream("new", false, &Value::Null),
    ];
    Objects {
        runs,
        schedules,
        streams,
        more: false,
    }
}

/// A pod of the going run.
fn pod(name: &str, index: u32, node: Option<&str>, status: &Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "plant-a", "creationTimestamp": ago(200), "labels": {
            "scoring.fleetscore.io/run": "flows-1764324000", "scoring.fleetscore.io/step": "score", "scoring.fleetscore.io/part": "0",
            "batch.kubernetes.io/job-name": "flows-1764324000-score-0", "batch.kubernetes.io/job-completion-index": index.to_string(),
        }},
        "spec": {"nodeName": node, "containers": [{"name": "scorer", "resources": {"requests": {"cpu": "500m"}}}]},
        "status": status,
    })
}

/// The pods of the going run.
pub fn pods() -> Vec<Pod> {
    let ended = |code: i32, reason: &str| {
        json!({"phase": "Failed", "containerStatuses": [{
            "name": "scorer", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": code, "reason": reason, "finishedAt": ago(30)}},
        }]})
    };
    let mut pods = Vec::new();
    for index in 0..40 {
        let node = format!("aks-scoring-{}", index % 3);
        pods.push(pod(
            &format!("running-{index}"),
            index,
            Some(&node),
            &json!({"phase": "Running"}),
        ));
    }
    for index in 40..52 {
        let waits = json!({"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/4 nodes are available: 4 Insufficient cpu.",
        }]});
        pods.push(pod(&format!("waiting-{index}"), index, None, &waits));
    }
    pods.push(pod(
        "failed-60",
        60,
        Some("aks-scoring-0"),
        &ended(10, "Error"),
    ));
    pods.push(pod(
        "failed-61",
        61,
        Some("aks-scoring-0"),
        &ended(137, "OOMKilled"),
    ));
    pods.push(pod(
        "a-retried-0",
        0,
        Some("aks-scoring-0"),
        &ended(75, "Error"),
    ));
    pods.into_iter()
        .map(|pod| serde_json::from_value(pod).unwrap())
        .collect()
}

fn jobs() -> Vec<Job> {
    vec![
        serde_json::from_value(json!({
            "metadata": {"name": "flows-1764324000-score-0", "labels": {"scoring.fleetscore.io/step": "score"}},
            "spec": {"completions": 300, "template": {}},
            "status": {"succeeded": 180, "failedIndexes": "60,61"},
        }))
        .unwrap(),
    ]
}

fn nodes() -> Vec<Node> {
    let node = |number: u32| {
        json!({
            "metadata": {"name": format!("aks-scoring-{number}"), "creationTimestamp": ago(4000), "labels": {
                "kubernetes.azure.com/agentpool": "scoring", "kubernetes.azure.com/scalesetpriority": "spot",
            }},
            "spec": {"unschedulable": number == 2},
            "status": {"allocatable": {"cpu": "7820m"}, "conditions": [{"type": "Ready", "status": "True"}]},
        })
    };
    (0..4)
        .map(|number| serde_json::from_value(node(number)).unwrap())
        .collect()
}

/// Holds what is drawn against a file a width, and sees that nothing sticks out.
fn drawn(name: &str, draw: impl Fn(&mut Page)) {
    for (end, width) in WIDTHS {
        let screen = Screen {
            width,
            color: false,
            wide: false,
        };
        let mut page = Page::new(screen);
        draw(&mut page);
        fits(name, page.text(), width);
        held(&file(name, end), page.text());
    }
}

fn since() -> Timestamp {
    now() - SignedDuration::from_hours(24)
}

#[test]
fn the_overview_has_runs_in_every_phase_and_schedules_and_streams_in_every_state() {
    let view = view::overview(&plant(), since(), now());
    let scope = Scope::Namespace("plant-a".to_owned());
    drawn("status", |page| {
        super::status::draw::all(&view, &scope, now(), page);
    });
    let text = serde_json::to_string_pretty(&view).unwrap() + "\n";
    held(&folder().join("status.json"), &text);
    let empty = view::overview(&Objects::default(), since(), now());
    drawn("status-empty", |page| {
        super::status::draw::all(&empty, &scope, now(), page);
    });
}

#[test]
fn one_run_one_schedule_and_one_stream() {
    let plant = plant();
    drawn("status-run", |page| {
        super::status::draw::run(&view::run(&partial(), now()), now(), page);
    });
    drawn("status-going", |page| {
        super::status::draw::run(&view::run(&going(), now()), now(), page);
    });
    let broken = plant.runs.iter().find(|run| run.name() == "broken");
    drawn("status-denied", |page| {
        super::status::draw::run(&view::run(broken.unwrap(), now()), now(), page);
    });
    let runs: Vec<_> = plant
        .runs
        .iter()
        .filter(|run| run.schedule() == Some("pumps"))
        .collect();
    let schedule = view::schedule(&plant.schedules[0], &runs, since(), now());
    drawn("status-schedule", |page| {
        super::status::draw::schedule(&schedule, now(), page);
    });
    let stream = view::stream(&plant.streams[0]);
    drawn("status-stream", |page| {
        super::status::draw::stream(&stream, now(), page);
    });
    let stream = view::stream(&plant.streams[1]);
    drawn("status-stalled", |page| {
        super::status::draw::stream(&stream, now(), page);
    });
}

#[test]
fn the_tree_folds_pods() {
    let tree = view::tree(&going(), &jobs(), &pods(), false, now());
    drawn("tree", |page| super::tree::draw(&tree, false, page));
    let ended = view::tree(&partial(), &[], &[], false, now());
    drawn("tree-ended", |page| super::tree::draw(&ended, false, page));
}

#[test]
fn nodes_are_read_or_known_by_their_pods() {
    let all = view::nodes(Some(&nodes()), &pods(), true, false);
    drawn("top", |page| super::top::draw(&all, now(), page));
    let known = view::nodes(None, &pods(), true, false);
    drawn("top-unread", |page| super::top::draw(&known, now(), page));
}

#[test]
fn what_others_write_never_reaches_the_terminal_as_it_is() {
    let evil = "a\u{1b}[2Jb\u{202e}c\nd";
    let mut status = ended("Failed", 100, 50, [10, 2, 5, 1]);
    status["topFailures"] = json!([{"reason": evil, "count": 2, "example": evil, "message": evil}]);
    status["conditions"] = json!([condition("Failed", "True", evil, evil)]);
    status["report"] = json!(evil);
    let run = run("evil", Some("evil"), 100, &status);
    let objects = Objects {
        runs: vec![run.clone()],
        ..Objects::default()
    };
    let screen = Screen {
        width: Some(80),
        color: false,
        wide: true,
    };
    let mut page = Page::new(screen);
    super::status::draw::all(
        &view::overview(&objects, since(), now()),
        &Scope::All,
        now(),
        &mut page,
    );
    super::status::draw::run(&view::run(&run, now()), now(), &mut page);
    super::tree::draw(&view::tree(&run, &[], &[], false, now()), true, &mut page);
    let hidden = |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{202e}');
    assert!(!page.text().contains(hidden), "{:?}", page.text());
    assert!(
        page.text().contains("a\\u{1b}[2Jb\\u{202e}c\\nd"),
        "{}",
        page.text()
    );
    assert!(page.text().lines().all(|line| line != "d"));
}

fn schema<V: JsonSchema>(name: &str) {
    let text = serde_json::to_string_pretty(&schema_for!(V)).unwrap() + "\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/kubectl");
    held(&folder.join(format!("{name}.schema.json")), &text);
}

#[test]
fn the_schemas_of_json_are_up_to_date() {
    schema::<view::Overview>("status");
    schema::<view::RunView>("status-run");
    schema::<view::ScheduleView>("status-schedule");
    schema::<view::StreamView>("status-stream");
    schema::<view::TreeView>("tree");
    schema::<view::NodesView>("top");
    schema::<super::failed::FailedView>("failed");
    schema::<super::sensors::SensorsView>("sensors");
    schema::<super::sensors::SensorHistory>("sensors-last");
    schema::<super::doctor::DoctorView>("doctor");
    schema::<super::version::VersionView>("version");
    schema::<view::CostView>("cost");
    schema::<fleetscore_cluster::act::Retry>("retry");
    schema::<super::act::trigger::TriggerView>("trigger");
    schema::<fleetscore_cluster::act::Backfilling>("backfill");
    schema::<super::act::backfill::BackfillView>("backfill-status");
    schema::<super::act::suspend::SuspendView>("suspend");
}
