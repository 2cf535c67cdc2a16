//! The command line itself: help, exit codes, what goes to which stream, and errors that say what to do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{Plant, assert_success, text};
use serde_json::Value;
use tempfile::TempDir;

const FLEETSCORE: &str = env!("CARGO_BIN_EXE_fleetscore");

fn fleetscore(args: &[&str]) -> Output {
    Command::new(FLEETSCORE)
        .args(args)
        .env("COLUMNS", "80")
        .output()
        .unwrap()
}

/// Asserts the exit code and that standard error holds all `parts`.
fn assert_refused(output: &Output, code: i32, parts: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn every_help_fits_80_columns_and_has_examples_that_are_not_wrapped() {
    let commands: [&[&str]; 10] = [
        &[],
        &["run"],
        &["plan"],
        &["simulate"],
        &["train"],
        &["report"],
        &["model"],
        &["model", "inspect"],
        &["model", "convert"],
        &["completions"],
    ];
    for command in commands {
        let output = fleetscore(&[command, &["--help"]].concat());
        assert_success(&output);
        let help = text(&output.stdout);
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
        if command == ["model"] {
            continue;
        }
        let examples = help.split("\n\n").find(|part| {
            ["Example:", "Examples:", "A first run"]
                .iter()
                .any(|head| part.starts_with(head))
        });
        let examples = examples.unwrap_or_else(|| panic!("{command:?} has no examples: {help}"));
        for line in examples.lines().skip(1) {
            assert!(line.starts_with("  "), "{command:?}: {line}");
        }
        if command != ["completions"] {
            assert!(help.contains("Exit codes:\n  0  "), "{command:?}: {help}");
        }
    }
}

#[test]
fn wrong_usage_ends_with_2_and_a_hint() {
    let cases: [(&[&str], &str); 9] = [
        (&[], "Usage: fleetscore <COMMAND>"),
        (&["model"], "Usage: fleetscore model <COMMAND>"),
        (&["simulat"], "similar subcommand exists: 'simulate'"),
        (&["run"], "--file <FILE>"),
        (
            &["run", "-f", "a.yaml", "--thread", "2"],
            "similar argument exists: '--threads'",
        ),
        (
            &["run", "-f", "a.yaml", "--threads", "0"],
            "0 is not in 1..",
        ),
        (&["run", "-f", "absent.yaml"], "absent.yaml"),
        (
            &["simulate", "--sensors", "7", "--tags", "2", "--out", "x"],
            "--tags 2 does not divide --sensors 7",
        ),
        (&["completions", "tcsh"], "possible values: bash"),
    ];
    for (args, hint) in cases {
        assert_refused(&fleetscore(args), 2, &[hint]);
    }
}

#[test]
fn completions_load() {
    let script = fleetscore(&["completions", "bash"]);
    assert_success(&script);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fleetscore.bash");
    fs::write(&path, &script.stdout).unwrap();
    // Completes `fleetscore mo`.
    let complete = "source \"$0\" && complete -p fleetscore >&2 && \
                    COMP_WORDS=(fleetscore mo) COMP_CWORD=1 && _fleetscore fleetscore mo fleetscore && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", complete])
        .arg(&path)
        .output()
        .unwrap();
    assert_success(&output);
    assert_eq!(text(&output.stdout), "model\n");
    for (shell, begin) in [
        ("zsh", "#compdef fleetscore"),
        (
            "fish",
            "# Print an optspec for argparse to handle cmd's options",
        ),
    ] {
        let script = fleetscore(&["completions", shell]);
        assert_success(&script);
        assert!(
            text(&script.stdout).starts_with(begin),
            "{shell}: {}",
            text(&script.stdout)
        );
    }
}

#[test]
fn a_schedule_is_no_run() {
    let plant = Plant::new(2);
    let run = plant.read("run.yaml");
    let (_, spec) = run.split_once("\nspec:\n").unwrap();
    // A schedule gives its runs the window.
    let lines = spec.lines().filter(|line| !line.contains("window:"));
    let spec = lines.fold(String::new(), |spec, line| spec + "    " + line + "\n");
    let schedule = format!(
        "apiVersion: scoring.fleetscore.io/v1alpha1\nkind: ScoringSchedule\nmetadata: {{name: hourly}}\n\
         spec:\n  schedule: '0 * * * *'\n  runTemplate:\n    spec:\n{spec}"
    );
    plant.write("schedule.yaml", schedule);
    let output = plant.fleetscore(&["run", "-f", "schedule.yaml"]);
    let parts = [
        "schedule.yaml",
        "is a ScoringSchedule",
        "`fleetscore plan`",
        "ScoringRun",
    ];
    assert_refused(&output, 2, &parts);
    assert!(!plant.path("predictions").exists());
}

#[test]
fn a_stream_is_no_run() {
    let plant = Plant::new(2);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/stream-kafka.yaml");
    fs::copy(example, plant.path("stream.yaml")).unwrap();
    let output = plant.fleetscore(&["run", "-f", "stream.yaml"]);
    let parts = [
        "stream.yaml: is a ReadingStream",
        "`fleetscore ingest -f stream.yaml`",
    ];
    assert_refused(&output, 2, &parts);
    let output = plant.fleetscore(&["ingest", "-f", "run.yaml"]);
    assert_refused(&output, 2, &["run.yaml: is no ReadingStream"]);
}

#[test]
fn wrong_overrides_are_named() {
    let plant = Plant::new(2);
    for (set, hint) in [
        ("spec.shardin.parallelism=2", "did you mean `sharding`?"),
        (
            "spec.model.location=s3://models/{device}",
            "(it is `s3://models/{device}`)",
        ),
        ("spec.suspend", "must be path=value"),
    ] {
        let output = plant.fleetscore(&["run", "-f", "run.yaml", "--set", set]);
        assert_refused(&output, 2, &[&format!("--set {set}: "), hint]);
    }
    assert!(!plant.path("predictions").exists());
}

#[test]
fn a_plan_tells_where_sensors_share_a_pod() {
    let plant = Plant::new(4);
    let plan = |more: &[&str]| {
        let set = ["plan", "-f", "run.yaml", "--set", "spec.sharding.maxPods=2"];
        let output = plant.fleetscore(&[&set, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let told = plan(&[]);
    let line =
        "shards         2 (2 sensors a pod on a cluster; 1 would need more than sharding.maxPods)";
    assert!(told.contains(line), "{told}");
    let json: Value = serde_json::from_str(&plan(&["--json"])).unwrap();
    assert_eq!(
        (&json["shards"], &json["sensorsPerShard"]),
        (&2.into(), &2.into())
    );
    // A local run does not share sensors out to pods.
    let run = ["run", "-f", "run.yaml", "--set", "spec.sharding.maxPods=2"];
    assert_eq!(plant.fleetscore(&run).status.code(), Some(0));
}

#[test]
fn a_plan_counts_and_finds_what_is_sure_to_fail() {
    let plant = Plant::new(4);
    let plan = |expected: i32| -> Value {
        let output = plant.fleetscore(&[
            "plan",
            "-f",
            "run.yaml",
            "--json",
            "--set",
            "spec.sharding.sensorsPerPod=3",
            "--set",
            "spec.sensors={list: [{device: '1', tag: '1'}, {device: '1', tag: '2'}, {device: '2', tag: '1'}, {device: '2', tag: '2'}]}",
        ]);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{}",
            text(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let whole = plan(0);
    assert_eq!(
        (&whole["sensors"], &whole["shards"]),
        (&4.into(), &2.into())
    );
    let readings = fs::metadata(plant.path("readings.csv")).unwrap().len();
    assert_eq!(whole["inputBytes"], readings, "{whole}");
    assert_eq!(whole["failing"], Value::Array(Vec::new()));

    fs::remove_file(plant.path("models/model_1_2.fsm")).unwrap();
    let failing = &plan(1)["failing"];
    assert_eq!(failing.as_array().unwrap().len(), 1, "{failing}");
    assert_eq!(failing[0]["reason"], "ModelNotFound");
    assert!(!plant.path("predictions").exists(), "a plan writes nothing");
}

#[test]
fn a_folder_without_a_report_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_refused(
        &fleetscore(&["report", path]),
        1,
        &["_run/report.json", "does not exist"],
    );
    let absent = folder.path().join("absent");
    let absent = absent.to_str().unwrap();
    assert_refused(
        &fleetscore(&["report", absent]),
        1,
        &[
            absent,
            "No such file",
            "name the folder that runs write into",
        ],
    );
    fs::create_dir(folder.path().join("_run")).unwrap();
    fs::write(folder.path().join("_run/report.json"), "{}").unwrap();
    assert_refused(&fleetscore(&["report", path]), 1, &["_run/report.json: "]);
    assert_refused(
        &fleetscore(&["report", "az://predictions/"]),
        2,
        &["az://predictions/", "--account"],
    );
}

#[test]
fn a_report_is_found_from_anywhere() {
    let plant = Plant::new(2);
    let expected = plant.run(&[]).1;
    let output = Command::new(FLEETSCORE)
        .args(["report", "../predictions/", "--json"])
        .current_dir(plant.path("models"))
        .output()
        .unwrap();
    assert_success(&output);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report, expected);
}

#[test]
fn each_stream_has_its_part() {
    let plant = Plant::new(2);
    let output = plant.fleetscore(&["run", "-f", "run.yaml", "--quiet"]);
    assert_success(&output);
    assert_eq!(text(&output.stderr), "");
    assert!(text(&output.stdout).contains("Succeeded"));

    let output = plant.fleetscore(&["run", "-f", "run.yaml", "--json", "--verbose"]);
    assert_success(&output);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["phase"], "Succeeded");
    assert!(text(&output.stderr).contains("INFO"), "the log");
}

#[test]
fn a_reader_that_stops_is_no_error() {
    let plant = Plant::new(2);
    assert_eq!(plant.run(&[]).0, 0);
    let commands: [&[&str]; 5] = [
        &["run", "-f", "run.yaml", "--json"],
        &["plan", "-f", "run.yaml"],
        &["report", "predictions"],
        &["model", "inspect", "models/model_1_1.fsm"],
        &["completions", "bash"],
    ];
    for args in commands {
        let mut child = Command::new(FLEETSCORE)
            .args(args)
            .current_dir(plant.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

/// Starts a run, interrupts it once it scores, and returns its exit code: none where the signal came too early.
fn interrupted(plant: &Plant) -> Option<i32> {
    let mut run = Command::new(FLEETSCORE)
        .args(["run", "-f", "run.yaml", "--json", "--quiet"])
        .current_dir(plant.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while !plant.path("predictions/_run/plan.jsonl").exists() {
        assert!(Instant::now() < deadline, "the run does not begin");
        std::thread::yield_now();
    }
    let pid = run.id().to_string();
    assert_success(&Command::new("kill").args(["-INT", &pid]).output().unwrap());
    run.wait().unwrap().code()
}

#[test]
fn an_interrupted_run_is_finished_by_the_next() {
    let plant = Plant::new(40);
    assert_eq!(plant.run(&[]).0, 0);
    let expected = plant.outputs();
    for _ in 0..50 {
        fs::remove_dir_all(plant.path("predictions")).unwrap();
        match interrupted(&plant) {
            Some(130) => {
                assert!(!plant.path("predictions/_SUCCESS").exists());
                assert_eq!(plant.run(&[]).0, 0);
                assert_eq!(plant.outputs(), expected);
                return;
            }
            Some(0) | None => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("no run was interrupted in the middle");
}

/// Locations are literal, whatever the folder is called.
#[test]
fn any_name_of_a_folder_will_do() {
    let plain = Plant::new(4);
    assert_eq!(plain.run(&[]).0, 0);
    let above = TempDir::new().unwrap();
    let folder = above.path().join("my plant 50% größe {x} #1");
    copy(&plain.path(""), &folder, &["models", "predictions"]);
    for args in [
        &["train", "-f", "train.yaml"][..],
        &["run", "-f", "run.yaml"],
        &["report", "predictions"],
    ] {
        let output = Command::new(FLEETSCORE)
            .args(args)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert_success(&output);
    }
    let found = predictions(&folder);
    assert_eq!(found.len(), 4);
    assert_eq!(found, predictions(&plain.path("")));
}

fn predictions(plant: &Path) -> Vec<(String, String)> {
    common::tree(&plant.join("predictions"))
        .into_iter()
        .filter(|(name, _)| name.starts_with("preds_"))
        .collect()
}

/// Copies the files of a folder, but for the folders `without`.
fn copy(from: &Path, to: &Path, without: &[&str]) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(name)).unwrap();
        } else {
            assert!(
                without.iter().any(|folder| name == *folder),
                "{}",
                name.display()
            );
        }
    }
}
