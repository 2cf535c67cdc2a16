//! Readings that Python scores in several calls.

use std::fmt::Write;
use std::process::Command;

use serde_json::json;

use crate::python::{message, plant, predictions, score, wait_for};

/// Windows over the rows see all of them, or as many as the spec says; readings that do not fit into memory are no others.
#[test]
fn all_rows_come_in_one_call_or_in_those_asked_for() {
    let module = r"
import numpy as np
def load(path, key):
    return None
def score(model, frame):
    return np.cumsum(np.ones(len(frame))), np.zeros(len(frame))
";
    let rows = 30_000;
    let mut csv = "Time,Device,Value\n".to_owned();
    for row in 0..rows {
        for sensor in 0..20 {
            writeln!(
                csv,
                "2018-08-28T00:{:02}:{:02}Z,{sensor:03},{row}",
                row / 60 % 60,
                row % 60
            )
            .unwrap();
        }
    }
    for (most, memory) in [(None, "256"), (Some(7000), "32")] {
        let mut plant = plant(&["fine"; 20], module);
        plant.write("readings.csv", &csv);
        plant.set("/spec/model/worker/maxRows", json!(most));
        let mut command = score(&plant);
        command.env("FLEETSCORE_MEMORY_MIB", memory);
        let ended = plant.end(command.spawn().unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for sensor in 0..20 {
            let scores: Vec<f64> = predictions(&plant, sensor)
                .into_iter()
                .map(|(score, _)| score)
                .collect();
            let expected = (0..rows).map(|row| f64::from(row % most.unwrap_or(rows) + 1));
            assert!(scores.into_iter().eq(expected), "{sensor}");
        }
    }
}

/// What fails in one of a sensor's calls is that sensor's own, also where the next readings are with Python already: the same process
/// scores the others, and each gets its own.
#[test]
fn a_call_that_fails_among_others_leaves_the_process_to_other_sensors() {
    let module = r#"
import os
calls = 0
def load(path, key):
    global calls
    calls = 0
    return key["device"]
def score(device, frame):
    global calls
    calls += 1
    if device == "001" and calls == 2:
        raise ValueError("process %d" % os.getpid())
    return [float(10 * os.getpid() + calls)] * len(frame)
"#;
    let mut plant = plant(&["", "", ""], module);
    plant.set("/spec/model/worker/maxRows", json!(1));
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(plant.reasons(0), ["", "ModelFailed", ""], "{ended:?}");
    let message = message(&plant, 1);
    let process = message.strip_prefix("ValueError: process ").unwrap();
    for sensor in [0, 2] {
        let scores = predictions(&plant, sensor)
            .into_iter()
            .map(|(score, _)| score);
        let score = |call: u8| -> f64 { format!("{process}{call}").parse().unwrap() };
        let expected = (1..=6).map(score);
        assert!(
            scores.eq(expected),
            "{sensor}: {:?}, {process}",
            predictions(&plant, sensor)
        );
    }
}

/// After a failure nobody waits for the call behind it once the step is to end.
#[test]
fn a_stop_does_not_wait_for_a_call_behind_a_failure() {
    let module = r#"
import time
calls = 0
def load(path, key):
    pass
def score(model, frame):
    global calls
    calls += 1
    if calls == 1:
        raise ValueError("no such pump")
    open("MARKER", "w").close()
    time.sleep(1000)
"#;
    let mut plant = plant(&[""], "");
    let marker = plant.path("marker");
    let module = module.replace("MARKER", marker.to_str().unwrap());
    plant.write("predict.py", module);
    plant.set("/spec/model/worker/maxRows", json!(1));
    plant.set("/spec/model/worker/timeoutSeconds", json!(600));
    let mut child = score(&plant).spawn().unwrap();
    assert!(wait_for(|| marker.exists()) && child.try_wait().unwrap().is_none());
    let stop = Command::new("kill")
        .args(["-s", "TERM", &child.id().to_string()])
        .status();
    assert!(stop.unwrap().success());
    let ended = wait_for(|| child.try_wait().unwrap().is_some());
    // Python sleeps for long, and ends with the scorer.
    child.kill().unwrap();
    assert!(ended);
}
