//! What is seen of runs and schedules themselves.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::json;

use crate::cluster::{Cluster, RUNS, SCHEDULES};
use crate::common::text;

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
