//! A whole run: what it writes, and that it writes the same however it is interrupted.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Plant, assert_success, text};

#[test]
fn a_run_writes_what_the_documentation_lists() {
    let plant = Plant::new(6);
    let output = plant.fleetscore(&["run", "-f", "run.yaml"]);
    assert_success(&output);
    let files: Vec<_> = plant.outputs().into_keys().collect();
    let expected = [
        "_SUCCESS",
        "_run/failed.jsonl",
        "_run/ledger/000000.jsonl",
        "_run/logs/000000.log",
        "_run/logs/collect.log",
        "_run/logs/plan.log",
        "_run/plan.jsonl",
        "_run/report.html",
        "_run/report.json",
        "_run/sensors.parquet",
        "_runs/2026/01/05/simulated-20260105T000000Z-20260105T003000Z.json",
        "preds_1_1.csv",
        "preds_1_2.csv",
        "preds_2_1.csv",
        "preds_2_2.csv",
        "preds_3_1.csv",
        "preds_3_2.csv",
    ];
    assert_eq!(files, expected);
    let summary = text(&output.stdout);
    for part in ["Succeeded", "6", "360"] {
        assert!(summary.contains(part), "{part:?} is not in: {summary}");
    }
    let again = plant.fleetscore(&["report", "predictions"]);
    assert_eq!(text(&again.stdout), summary);
}

/// A run that is stopped in its tracks once it has claimed its place, until it is let go on.
struct Held(std::process::Child);

impl Held {
    fn start(plant: &Plant) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
            .args(["run", "-f", "run.yaml", "--json", "--quiet"])
            .current_dir(plant.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let held = Self(child);
        let deadline = Instant::now() + Duration::from_mins(1);
        while !plant.path("predictions/_run/owner/000001.json").exists() {
            assert!(Instant::now() < deadline, "the run does not begin");
            std::thread::yield_now();
        }
        held.signal("-STOP");
        held
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert_success(&Command::new("kill").args([signal, &pid]).output().unwrap());
    }

    fn end(self) -> std::process::Output {
        self.signal("-CONT");
        self.0.wait_with_output().unwrap()
    }
}

#[test]
fn of_two_runs_at_one_place_the_second_is_refused_and_harms_nothing() {
    let plant = Plant::new(40);
    let held = Held::start(&plant);
    let pid = held.0.id();
    let second = plant.fleetscore(&["run", "-f", "run.yaml"]);
    let message = text(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{message}");
    for part in [
        "predictions/ is in use",
        &format!("process {pid} on"),
        "{run}",
    ] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    let first = held.end();
    assert_success(&first);
    let outputs = plant.outputs();
    assert_eq!(plant.run(&[]).0, 0);
    assert_eq!(plant.outputs(), outputs);
}

/// The next run does not wait: the one that was killed is known to be dead.
#[test]
fn a_killed_run_is_followed_at_once() {
    let plant = Plant::new(4);
    let held = Held::start(&plant);
    held.signal("-KILL");
    held.end();
    let start = Instant::now();
    assert_eq!(plant.run(&[]).0, 0);
    assert!(start.elapsed() < Duration::from_mins(1));
    let owners: Vec<_> = std::fs::read_dir(plant.path("predictions/_run/owner"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(owners, ["000002.json"]);
}

#[test]
fn a_run_done_again_takes_its_own_time() {
    let plant = Plant::new(2);
    plant.run(&[]);
    let hour_ago = std::time::SystemTime::now() - Duration::from_hours(1);
    let plan = std::fs::File::options()
        .write(true)
        .open(plant.path("predictions/_run/plan.jsonl"))
        .unwrap();
    plan.set_modified(hour_ago).unwrap();
    let seconds = plant.run(&[]).1["timing"]["seconds"].as_f64().unwrap();
    assert!(seconds < 3000.0, "{seconds} s");
}

#[test]
fn every_reading_is_scored_once() {
    let plant = Plant::new(6);
    plant.run(&[]);
    let mut scored: Vec<String> = Vec::new();
    for (name, text) in plant.outputs() {
        if name.starts_with("preds_") {
            scored.extend(
                text.lines()
                    .skip(1)
                    .map(|line| line.split(',').take(3).collect::<Vec<_>>().join(",")),
            );
        }
    }
    let readings = plant.read("readings.csv");
    let mut expected: Vec<String> = readings
        .lines()
        .skip(1)
        .map(|line| line.split(',').take(3).collect::<Vec<_>>().join(","))
        .collect();
    scored.sort();
    expected.sort();
    assert_eq!(scored, expected);
}

#[test]
fn windows_partition_the_readings() {
    let plant = Plant::new(2);
    let whole = plant.run(&[]).1["rows"].as_u64().unwrap();
    let middle = "2026-01-05T00:13:30Z";
    let early = plant.run(&[&format!("spec.window.end={middle}")]).1["rows"]
        .as_u64()
        .unwrap();
    let late = plant.run(&[&format!("spec.window.start={middle}")]).1["rows"]
        .as_u64()
        .unwrap();
    assert!(early > 0 && late > 0);
    assert_eq!(early + late, whole);
}

#[test]
fn running_again_changes_nothing() {
    let plant = Plant::new(6);
    plant.run(&[]);
    let first = plant.outputs();
    plant.run(&[]);
    assert_eq!(plant.outputs(), first);
}

#[test]
fn formats_and_threads_do_not_change_a_label() {
    let plant = Plant::new(4);
    // The plan says how many sensors are scored together, which follows the memory.
    let outputs = || {
        let mut outputs = plant.outputs();
        outputs.remove("_run/plan.jsonl");
        outputs
    };
    plant.run(&[]);
    let expected = outputs();
    assert_success(&plant.fleetscore(&[
        "run",
        "-f",
        "run.yaml",
        "--threads",
        "1",
        "--memory",
        "32",
        "--quiet",
    ]));
    assert_eq!(outputs(), expected);
}

/// Starts a run, kills it after a while, and returns whether it was still running then.
fn kill_after(plant: &Plant, delay: Duration) -> bool {
    let mut run = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .args(["run", "-f", "run.yaml", "--quiet"])
        .current_dir(plant.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + delay;
    loop {
        if run.try_wait().unwrap().is_some() {
            return false;
        }
        if Instant::now() >= deadline {
            run.kill().unwrap();
            run.wait().unwrap();
            return true;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_run_killed_at_any_moment_is_finished_by_the_next() {
    let plant = Plant::new(40);
    plant.run(&[]);
    let expected = plant.outputs();
    let mut killed = 0;
    let mut delay = Duration::from_millis(1);
    loop {
        std::fs::remove_dir_all(plant.path("predictions")).unwrap();
        let was_running = kill_after(&plant, delay);
        assert_eq!(plant.run(&[]).0, 0);
        assert_eq!(plant.outputs(), expected, "killed after {delay:?}");
        if !was_running {
            break;
        }
        killed += 1;
        delay = delay.mul_f64(1.15);
    }
    assert!(
        killed > 3,
        "the run was too short to be killed in the middle"
    );
}
