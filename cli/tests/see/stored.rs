//! What runs have left in storage, and the logs of their pods.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::cluster::{Cluster, RUNS};
use crate::common::{Plant, text};

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
        text.starts_with("SENSOR")
            && text.contains("The first 2 of 6 are shown; --top 0 shows all."),
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
