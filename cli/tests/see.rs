//! The commands that ask a cluster, against a small API server on the loopback device and a run's real files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

#[allow(dead_code, reason = "shared with the operator's tests")]
#[path = "../../operator/tests/operator/api.rs"]
mod api;
#[allow(dead_code, reason = "shared with the operator's tests")]
#[path = "../../operator/tests/operator/objects.rs"]
mod objects;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Output};

use api::Api;
use common::{Plant, text};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";

/// A cluster, and a folder with the login to it.
struct Cluster {
    api: Api,
    folder: TempDir,
    // The server lives in it.
    _runtime: Runtime,
}

impl Cluster {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let api = Api::new();
        let url = runtime.block_on(api.listen("person"));
        let folder = TempDir::new().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "plant-a"}}],
        });
        fs::write(folder.path().join("config"), kubeconfig.to_string()).unwrap();
        Self {
            api,
            folder,
            _runtime: runtime,
        }
    }

    /// A call of the program with this login, as kubectl's plugin.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
        command
            .arg("kubectl")
            .args(args)
            .env_clear()
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("PATH", self.folder.path());
        command
    }

    fn call(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What it prints, where it ends with this code.
    fn said(&self, args: &[&str], code: i32) -> String {
        let output = self.call(args);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        text(&output.stdout) + &errors
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.call(&[args, &["-o", "json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", text(&output.stderr)))
    }

    fn run(&self, name: &str, location: &str, storage: &Value, status: &Value) {
        self.api.create(
            RUNS,
            "plant-a",
            name,
            json!({
                "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun", "metadata": {},
                "spec": {
                    "model": {"location": "az://models/{device}"},
                    "input": {"location": "az://data/i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                    "output": {"location": location, "file": "{device}.csv"},
                    "storage": storage,
                },
                "status": status,
            }),
        );
    }

    fn ended(&self, name: &str, phase: &str) {
        let status = json!({"phase": phase, "sensors": {"total": 3, "succeeded": 2, "failed": 1}, "topFailures": [
            {"reason": "ModelNotFound", "count": 1, "example": "device=3", "message": "az://models/3 does not exist"},
        ]});
        self.run(
            name,
            "az://predictions/{run}/",
            &json!({"azure": {"account": "plantstore"}}),
            &status,
        );
    }

    /// A program of this name on the PATH, which leaves a file behind when it is called.
    fn trap(&self, name: &str) -> std::path::PathBuf {
        let mark = self.folder.path().join(format!("{name}-was-called"));
        let program = self.folder.path().join(name);
        let script = format!("#!/bin/sh\n: > {}\nexit 1\n", mark.display());
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        mark
    }
}

#[test]
fn the_exit_code_tells_a_failed_run_from_what_cannot_be_told() {
    let cluster = Cluster::new();
    for (name, phase, code) in [
        ("good", "Succeeded", 0),
        ("part", "PartiallySucceeded", 3),
        ("bad", "Failed", 1),
        ("going", "Scoring", 0),
        ("of-tomorrow", "Dreaming", 5),
    ] {
        cluster.ended(name, phase);
        cluster.said(&["status", name], code);
        cluster.said(&["tree", &format!("run/{name}")], code);
    }
    let all = cluster.said(&["status"], 0);
    assert!(
        all.contains("kubectl fleetscore failed run/bad -n plant-a"),
        "{all}"
    );
    let missing = cluster.said(&["status", "nothing"], 4);
    assert!(
        missing.contains("run or schedule or stream nothing in namespace plant-a not found"),
        "{missing}"
    );
    cluster.said(&["status", "pod/good"], 2);
    cluster.said(&["status", "--since", "yesterday"], 2);
    cluster.api.close(&["plant-a"]);
    let forbidden = cluster.said(&["status"], 5);
    assert!(forbidden.contains("not allowed"), "{forbidden}");
    let nowhere = cluster.said(&["status", "--kubeconfig", "/nowhere"], 5);
    assert!(nowhere.contains("no login to a cluster"), "{nowhere}");
    let config = cluster.folder.path().join("config");
    let gone = fs::read_to_string(&config)
        .unwrap()
        .replace("http://127.0.0.1:", "http://127.0.0.1:1/");
    fs::write(&config, gone).unwrap();
    let unreachable = cluster.said(&["status", "--request-timeout", "5s"], 5);
    assert!(unreachable.contains("cannot be reached"), "{unreachable}");
}

#[test]
fn a_name_may_mean_a_schedule_and_its_newest_run() {
    let cluster = Cluster::new();
    cluster.ended("pumps", "Succeeded");
    cluster.api.create(
        SCHEDULES,
        "plant-a",
        "pumps",
        json!({"spec": {"schedule": "0 * * * *", "runTemplate": {"spec": {
            "model": {"location": "az://models/{device}"},
            "input": {"location": "az://data/i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
            "output": {"location": "az://predictions/{run}/", "file": "{device}.csv"},
            "storage": {"azure": {"account": "plantstore"}},
        }}}}),
    );
    let both = cluster.said(&["status", "pumps"], 2);
    assert!(
        both.contains("run/pumps -n plant-a, or schedule/pumps -n plant-a"),
        "{both}"
    );
    let none = cluster.said(&["tree", "schedule/pumps"], 4);
    assert!(none.contains("a run of schedule pumps"), "{none}");
    cluster.ended("pumps-1764324000", "Failed");
    cluster.api.merge(
        RUNS,
        "plant-a",
        "pumps-1764324000",
        json!({"metadata": {"labels": {"scoring.fleetscore.io/schedule": "pumps"}}}),
    );
    assert_eq!(
        cluster.json(&["tree", "schedule/pumps"])["run"]["name"],
        "pumps-1764324000"
    );
    let view = cluster.json(&["status", "schedule/pumps"]);
    assert_eq!(
        (&view["version"], &view["schedule"]["lastRun"]["phase"]),
        (&json!(1), &json!("Failed"))
    );
    // From all namespaces, by their names.
    assert_eq!(
        cluster.json(&["status", "run/pumps", "-A"])["run"]["namespace"],
        "plant-a"
    );
    assert_eq!(
        cluster.said(&["status", "-o", "name"], 0),
        "schedule/pumps\nrun/pumps\n"
    );
    let yaml = cluster.said(&["status", "run/pumps", "-o", "yaml"], 0);
    assert!(yaml.contains("phase: Succeeded"), "{yaml}");
}

#[test]
fn it_shows_kubectls_face_by_its_name() {
    let cluster = Cluster::new();
    let plugin = cluster.folder.path().join("kubectl-fleetscore");
    symlink(env!("CARGO_BIN_EXE_fleetscore"), &plugin).unwrap();
    let help = Command::new(&plugin).arg("--help").output().unwrap();
    let help = text(&help.stdout);
    assert!(
        help.contains("Usage: kubectl fleetscore <COMMAND>"),
        "{help}"
    );
    assert!(
        help.contains("doctor") && !help.contains("simulate"),
        "{help}"
    );
    let own = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .arg("--help")
        .output()
        .unwrap();
    let own = text(&own.stdout);
    assert!(own.contains("doctor") && own.contains("simulate"), "{own}");
}

#[test]
fn what_failed_comes_from_storage_or_else_from_the_status() {
    let plant = Plant::new(6);
    let mut models = fs::read_dir(plant.path("models")).unwrap();
    fs::write(models.next().unwrap().unwrap().path(), "no model").unwrap();
    let (_, report) = plant.run(&["spec.failurePolicy.maxFailedSensors=1"]);
    assert_eq!(report["sensors"]["failed"], 1);
    let cluster = Cluster::new();
    let location = format!("file://{}/", plant.path("predictions").display());
    let status = json!({"phase": "PartiallySucceeded", "sensors": report["sensors"], "topFailures": [
        {"reason": "ReadingsNotFound", "count": 1, "example": "device=of-status", "message": "m"},
    ]});
    cluster.run("local", &location, &json!({}), &status);

    // Nobody said that these are the run's files.
    let view = cluster.json(&["failed", "local"]);
    assert_eq!(
        (&view["source"], &view["groups"][0]["reason"]),
        (&json!("status"), &json!("ReadingsNotFound"))
    );
    assert!(
        !cluster
            .said(&["failed", "local"], 0)
            .contains("ModelUnreadable")
    );

    let view = cluster.json(&["failed", "local", "--local-files"]);
    assert_eq!(
        (&view["failed"], &view["source"]),
        (&json!(1), &json!("storage"))
    );
    let group = &view["groups"][0];
    assert_eq!(group["reason"], report["failures"][0]["reason"]);
    assert_eq!(
        group["sensors"][0]["key"],
        report["failures"][0]["examples"][0]["sensor"]
    );
    assert!(group["action"].as_str().unwrap().len() > 10);
    let csv = cluster.said(&["failed", "local", "--local-files", "-o", "csv"], 0);
    assert!(
        csv.starts_with("reason,device,tag,sensor,message\nModelUnreadable,"),
        "{csv}"
    );

    let shown = cluster.said(&["report", "local", "--local-files"], 0);
    assert!(shown.contains("sensors"), "{shown}");
    let html = cluster.folder.path().join("r.html");
    cluster.said(
        &[
            "report",
            "local",
            "--local-files",
            "--html",
            html.to_str().unwrap(),
        ],
        0,
    );
    assert!(fs::read_to_string(html).unwrap().contains("<html"));
    let json: Value =
        serde_json::from_str(&cluster.said(&["report", "local", "--local-files", "--json"], 0))
            .unwrap();
    assert_eq!(json["rows"], report["rows"]);
    assert!(
        cluster
            .said(&["report", "local"], 5)
            .contains("--local-files")
    );
    // The program itself takes a run where it is no place.
    let own = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .args(["report", "local", "--local-files"])
        .env("KUBECONFIG", cluster.folder.path().join("config"))
        .output()
        .unwrap();
    assert_eq!(text(&own.stdout), shown);
}

/// A run on files whose table has five sensors that were scored, and one whose model cannot be read; and its report.
fn run_with_a_table() -> (Plant, Cluster, Value) {
    let plant = Plant::new(6);
    let mut models = fs::read_dir(plant.path("models")).unwrap();
    fs::write(models.next().unwrap().unwrap().path(), "no model").unwrap();
    let (_, report) = plant.run(&["spec.failurePolicy.maxFailedSensors=1"]);
    let cluster = Cluster::new();
    let location = format!("file://{}/", plant.path("predictions").display());
    cluster.run(
        "local",
        &location,
        &json!({}),
        &json!({"phase": "PartiallySucceeded", "sensors": report["sensors"]}),
    );
    (plant, cluster, report)
}

#[test]
fn sensors_come_from_the_runs_table() {
    let (plant, cluster, report) = run_with_a_table();
    // Nobody said that these are the run's files.
    assert!(
        cluster
            .said(&["sensors", "local"], 5)
            .contains("--local-files")
    );

    let all = cluster.json(&[
        "sensors",
        "local",
        "--local-files",
        "--sort",
        "key",
        "--top",
        "0",
    ]);
    assert_eq!(
        (&all["version"], &all["total"], &all["found"]),
        (&json!(1), &json!(6), &json!(6))
    );
    let sensors = all["sensors"].as_array().unwrap();
    let sum = |field: &str| {
        sensors
            .iter()
            .filter_map(|sensor| sensor[field].as_u64())
            .sum::<u64>()
    };
    assert_eq!(
        (sum("rows"), sum("anomalies")),
        (
            report["rows"].as_u64().unwrap(),
            report["anomalies"].as_u64().unwrap()
        )
    );
    let keys: Vec<_> = sensors
        .iter()
        .map(|sensor| sensor["key"].to_string())
        .collect();
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(keys, sorted);

    // A run that ended before it had a table.
    let empty = format!("file://{}/", plant.path("models").display());
    cluster.run("empty", &empty, &json!({}), &json!({"phase": "Failed"}));
    cluster.said(&["sensors", "empty", "--local-files"], 4);
}

#[test]
fn sensors_are_chosen_and_sorted() {
    let (_plant, cluster, _) = run_with_a_table();
    let failed = cluster.json(&[
        "sensors",
        "local",
        "--local-files",
        "--where",
        "reason=ModelUnreadable",
    ]);
    assert_eq!(
        (&failed["found"], &failed["sensors"][0]["state"]),
        (&json!(1), &json!("Failed"))
    );
    let shares = cluster.json(&["sensors", "local", "--local-files", "--top", "3"]);
    let shares: Vec<_> = shares["sensors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sensor| sensor["share"].as_f64().unwrap())
        .collect();
    assert!(
        shares.len() == 3 && shares.is_sorted_by(|one, next| one >= next),
        "{shares:?}"
    );
    let csv = cluster.said(
        &[
            "sensors",
            "local",
            "--local-files",
            "--where",
            "state=Failed",
            "-o",
            "csv",
        ],
        0,
    );
    let mut lines = csv.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("device,tag,state,reason,rows,"),
        "{csv}"
    );
    assert!(
        lines.next().unwrap().contains(",Failed,ModelUnreadable,0,"),
        "{csv}"
    );
    let text = cluster.said(&["sensors", "local", "--local-files", "--top", "2"], 0);
    assert!(
        text.starts_with("SENSOR") && text.contains("2 of 6 sensors shown; run/local has 6."),
        "{text}"
    );
    cluster.said(
        &["sensors", "local", "--local-files", "--where", "colour=red"],
        2,
    );
}

#[test]
fn logs_come_from_the_pod_or_else_from_storage() {
    let plant = Plant::new(4);
    plant.write_folder("logs");
    plant.write("logs/plan.log", "one\ntwo \u{1b}[2J\nthree\n");
    plant.write_folder("predictions/_run");
    plant.write(
        "predictions/_run/plan.jsonl",
        "{\"sensors\":2,\"sensorsPerShard\":1}\n{\"key\":{\"device\":\"a\"}}\n{\"key\":{\"device\":\"b\"}}\n",
    );
    let cluster = Cluster::new();
    let location = format!("file://{}/", plant.path("predictions").display());
    cluster.run("local", &location, &json!({}), &json!({"phase": "Failed"}));
    let logs = format!("file://{}/", plant.path("logs").display());
    cluster.api.merge(
        RUNS,
        "plant-a",
        "local",
        json!({"spec": {"logs": {"location": logs}}}),
    );
    let told = cluster.said(&["logs", "local", "--step", "plan"], 5);
    assert!(
        told.contains("kubectl fleetscore logs run/local --step plan --via pod -n plant-a"),
        "{told}"
    );
    let tail = cluster.call(&[
        "logs",
        "local",
        "--step",
        "plan",
        "--local-files",
        "--tail",
        "2",
    ]);
    assert_eq!(text(&tail.stdout), "two \\u{1b}[2J\nthree\n");
    cluster.said(&["logs", "local", "--shard", "7", "--local-files"], 4);

    let pod = |name: &str, step: &str, index: &str, log: &str| {
        let meta = json!({
            "labels": {
                "scoring.fleetscore.io/run": "local", "scoring.fleetscore.io/step": step,
                "batch.kubernetes.io/job-completion-index": index, "batch.kubernetes.io/job-name": format!("local-{step}-0"),
            },
            "annotations": {"log": log},
        });
        let object =
            json!({"metadata": meta, "spec": {"containers": []}, "status": {"phase": "Running"}});
        cluster.api.create("v1/pods", "plant-a", name, object);
    };
    pod("plan-x", "plan", "0", "of the pod\n");
    pod("score-1", "score", "1", "of shard 1\n");
    let plan = cluster.call(&["logs", "local", "--step", "plan"]);
    assert_eq!(
        (text(&plan.stdout).as_str(), plan.status.code()),
        ("of the pod\n", Some(0))
    );
    let stored = cluster.call(&[
        "logs",
        "local",
        "--step",
        "plan",
        "--via",
        "storage",
        "--local-files",
    ]);
    assert!(text(&stored.stdout).starts_with("one\n"));
    let shard = cluster.said(
        &["logs", "local", "--sensor", "device=b", "--local-files"],
        0,
    );
    assert!(shard.contains("of shard 1"), "{shard}");
    cluster.said(
        &["logs", "local", "--sensor", "device=z", "--local-files"],
        4,
    );
    let folder = cluster.folder.path().join("out");
    cluster.said(
        &[
            "logs",
            "local",
            "--step",
            "score",
            "--out-dir",
            folder.to_str().unwrap(),
        ],
        0,
    );
    assert_eq!(
        fs::read_to_string(folder.join("000001.log")).unwrap(),
        "of shard 1\n"
    );
    // The run has ended, and so do the pods' logs.
    let followed = cluster.said(&["logs", "local", "-f"], 1);
    assert!(
        followed.contains("[plan] of the pod\n") && followed.contains("[shard 1] of shard 1\n"),
        "{followed}"
    );
}

#[test]
fn no_token_is_drawn_for_an_address_that_the_runs_author_chose() {
    let cluster = Cluster::new();
    let az = cluster.trap("az");
    let here = "http://127.0.0.1:9/plantstore";
    for (name, endpoint) in [
        ("evil", "https://evil.example"),
        (
            "lookalike",
            "https://plantstore.blob.core.windows.net.evil.example",
        ),
        ("here", here),
    ] {
        let storage = json!({"azure": {"account": "plantstore", "endpoint": endpoint}});
        let status =
            json!({"phase": "Failed", "sensors": {"total": 1, "succeeded": 0, "failed": 1}});
        cluster.run(name, "az://predictions/{run}/", &storage, &status);
        for command in [
            &["logs", name, "--step", "plan"][..],
            &["report", name],
            &["sensors", name],
        ] {
            let told = cluster.said(command, 5);
            assert!(told.contains(&format!("--endpoint {endpoint}")), "{told}");
        }
        cluster.said(&["failed", name], 0);
        cluster.said(&["doctor"], 1);
        assert!(!az.exists(), "{name}");
    }
    // A name that makes another host of the service's address.
    let storage = json!({"azure": {"account": "evil.example/"}});
    cluster.run(
        "odd",
        "az://predictions/{run}/",
        &storage,
        &json!({"phase": "Failed"}),
    );
    cluster.said(&["report", "odd"], 5);
    assert!(!az.exists());
    // The person names the address: now it is asked for, so that the trap works.
    cluster.said(&["report", "here", "--endpoint", here], 5);
    assert!(az.exists());
}

#[test]
fn the_doctor_tells_what_is_missing() {
    let cluster = Cluster::new();
    let told = cluster.said(&["doctor"], 1);
    for words in [
        "Kubernetes v1.33.0",
        "scoringruns is missing",
        "there is no operator",
        "-> ",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let view = cluster.json(&["doctor"]);
    assert!(view["checks"].as_array().unwrap().len() > 5);
    let version = cluster.said(&["version"], 0);
    assert!(version.contains("v1.33.0"), "{version}");
    cluster.said(&["version", "--client", "--kubeconfig", "/nowhere"], 0);
}

#[test]
fn only_objects_are_read() {
    let cluster = Cluster::new();
    cluster.ended("pumps", "Failed");
    for command in [
        &["status"][..],
        &["tree", "pumps"],
        &["failed", "pumps"],
        &["top"],
        &["logs", "pumps"],
        &["version"],
    ] {
        cluster.call(command);
    }
    let asked = cluster.api.asked();
    assert!(asked.len() > 8);
    for asked in asked {
        assert!(matches!(asked.verb, "get" | "list"), "{asked:?}");
        assert!(!asked.resource.contains("secrets"), "{asked:?}");
    }
}
