//! Modules with classes.

use std::fmt::Write as _;

use serde_json::json;

use super::rows;
use crate::python::{message, plant, score};

/// A module of a classifier. Each sensor's file says what it returns.
const MODULE: &str = r#"
import pandas

classes = ["ok", "worn", "broken"]

def load(path, key):
    global classes
    with open(path) as file:
        what = file.read()
    classes = ("ok", "worn", "broken")
    if what.startswith("own"):
        classes = pandas.Index([7, 8])
    if what == "set":
        classes = {"ok", "worn"}
    if what == "mixed":
        classes = ["ok", 1]
    if what == "floats":
        classes = [0.5, 1.5]
    if what == "twice":
        classes = [1, True]
    if what == "none":
        classes = []
    if what == "long":
        classes = ["x" * 200 + str(number) for number in range(10000)]
    if what == "text":
        classes = "ok"
    return what

def score(what, frame):
    values = frame["Value"]
    labels = ["ok" if value < 20 else "worn" for value in values]
    if what == "frame":
        return pandas.DataFrame({"Prediction": labels, "SCORE": values})
    if what == "own":
        return values, values < 20
    if what == "own labels":
        return values, [8.0 if value < 20 else 7 for value in values]
    if what == "unknown":
        labels[2] = "worn out"
    if what == "absent":
        labels = [None] * len(values)
    if what == "numbers":
        labels = [0] * len(values)
    if what == "alone":
        return values
    return values, labels
"#;

#[test]
fn a_module_says_its_classes_and_returns_labels() {
    let cases = [
        ("pair", "", ""),
        ("frame", "", ""),
        (
            "own",
            "ModelFailed",
            "the label True for reading 1 of 6, which is none of its classes: [7, 8]",
        ),
        (
            "unknown",
            "ModelFailed",
            "the label 'worn out' for reading 3 of 6, which is none of its classes: ['ok', 'worn', 'broken']",
        ),
        ("absent", "ModelFailed", "the label None for reading 1 of 6"),
        ("numbers", "ModelFailed", "the label 0 for reading 1 of 6"),
        ("alone", "ModelFailed", "scores alone, and it has classes"),
        (
            "set",
            "ModelFailed",
            "a list of whole numbers or one of texts, and not {",
        ),
        ("mixed", "ModelFailed", "and not ['ok', 1]"),
        ("floats", "ModelFailed", "and not [0.5, 1.5]"),
        ("text", "ModelFailed", "and not 'ok'"),
        (
            "twice",
            "ModelFailed",
            "the classes of predict.py cannot be used: two of its classes have the same label",
        ),
        (
            "none",
            "ModelFailed",
            "the classes of predict.py cannot be used: it has no classes",
        ),
        ("long", "ModelFailed", "the frame is too large"),
        ("pair", "", ""),
        ("own labels", "", ""),
    ];
    let models = cases.map(|(model, ..)| model);
    let plant = plant(&models, MODULE);
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert_eq!(
        plant.reasons(0),
        cases.map(|(_, reason, _)| reason),
        "{ended:?}"
    );
    for (sensor, (_, _, told)) in cases.iter().enumerate() {
        let message = message(&plant, sensor);
        assert!(message.contains(told), "{message:?} for {told:?}");
    }
    let mut expected = "Time,Device,Value,Score,Prediction,Anomaly\n".to_owned();
    for value in 18..24 {
        let label = if value < 20 { "ok" } else { "worn" };
        writeln!(
            expected,
            "2018-08-28T00:00:0{}Z,DEVICE,{value}.0,{value}.0,{label},0",
            value - 18
        )
        .unwrap();
    }
    for sensor in [0, 1, 14] {
        let name = format!("{sensor:03}");
        let found = plant.read(&format!("out/preds_{name}.csv"));
        assert_eq!(found, expected.replace("DEVICE", &name), "{sensor}");
        let entry = &plant.ledger(0).1[sensor];
        assert_eq!(entry["classes"], json!({"ok": 2, "worn": 4}), "{entry}");
        assert_eq!(entry["model"]["output"], "Class", "{entry}");
    }
    assert_eq!(plant.ledger(0).1[15]["classes"], json!({"8": 2, "7": 4}));
}

/// Azure Machine Learning's functions, with classes beside them.
#[test]
fn a_batch_module_says_its_classes() {
    let module = r#"
classes = [0, 1]
def init():
    pass
def run(mini_batch):
    return mini_batch.assign(score=0.75, prediction=mini_batch.Value > 20)[["score", "prediction"]]
"#;
    let plant = plant(&["fine"], module);
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let found: Vec<_> = rows(&plant, 0)
        .into_iter()
        .map(|row| row[3..].join(" "))
        .collect();
    let (low, high) = ("0.75 0 0", "0.75 1 1");
    assert_eq!(
        found,
        ["Score Prediction Anomaly", low, low, low, high, high, high]
    );
    assert_eq!(plant.ledger(0).1[0]["anomalies"], 3);
}

/// Where a run asks for classes and the model has none, its sensor fails.
#[test]
fn classes_that_are_wanted_must_be_there() {
    let module =
        "def load(path, key):\n    pass\ndef score(model, frame):\n    return frame['Value']\n";
    for fields in [json!({"output": "Class"}), json!({"anomalyClasses": ["1"]})] {
        let mut plant = plant(&["fine"], module);
        for (field, value) in fields.as_object().unwrap() {
            plant.set(&format!("/spec/model/{field}"), value.clone());
        }
        let ended = plant.end(score(&plant).spawn().unwrap());
        assert_eq!(plant.reasons(0), ["ModelMismatch"], "{ended:?}");
        let message = message(&plant, 0);
        assert!(message.contains("predict.py tells no classes"), "{message}");
    }
}

/// A fresh process goes on where another has ended, with the same classes or not at all.
#[test]
fn a_fresh_process_has_the_same_classes() {
    let module = r#"
import os, signal
def load(path, key):
    global classes, again
    marker = path_of_marker(key)
    again = os.path.exists(marker)
    open(marker, "w").close()
    with open(path) as file:
        what = file.read()
    classes = ["ok", "worn"]
    if again and what == "other":
        classes = ["worn", "ok"]
    if again and what == "none":
        classes = None
    return None
def path_of_marker(key):
    return "MARKERS" + key["device"]
def score(model, frame):
    if frame["Value"][0] > 20 and not again:
        os.kill(os.getpid(), signal.SIGKILL)
    return frame["Value"], ["worn" if value > 20 else "ok" for value in frame["Value"]]
"#;
    let mut plant = plant(&["same", "other", "none"], "");
    let markers = plant.path("marker_");
    plant.write(
        "predict.py",
        module.replace("MARKERS", markers.to_str().unwrap()),
    );
    plant.set("/spec/model/worker/maxRows", json!(2));
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(
        plant.reasons(0),
        ["", "ModelFailed", "ModelFailed"],
        "{ended:?}"
    );
    for sensor in [1, 2] {
        let message = message(&plant, sensor);
        assert!(message.contains("other classes than"), "{message}");
    }
    let labels: Vec<_> = rows(&plant, 0)
        .into_iter()
        .skip(1)
        .map(|row| row[4].clone())
        .collect();
    assert_eq!(labels, ["ok", "ok", "ok", "worn", "worn", "worn"]);
}

/// Predictions that do not fit into memory are no others.
#[test]
fn classes_are_the_same_in_little_memory() {
    let module = r#"
classes = ["low", "middle", "high"]
def load(path, key):
    return None
def score(model, frame):
    values = frame["Value"]
    return values, [classes[int(value) % 3] for value in values]
"#;
    let (sensors, count) = (6, 60_000);
    let mut csv = "Time,Device,Value\n".to_owned();
    for row in 0..count {
        for sensor in 0..sensors {
            let (minutes, seconds) = (row / 60 % 60, row % 60);
            writeln!(
                csv,
                "2018-08-28T{:02}:{minutes:02}:{seconds:02}Z,{sensor:03},{}",
                row / 3600,
                row + sensor
            )
            .unwrap();
        }
    }
    let names = ["low", "middle", "high"];
    for (extension, processes) in [("csv", 3), ("parquet", 2)] {
        let mut files = Vec::new();
        for memory in ["1024", "32"] {
            let mut plant = plant(&vec!["fine"; sensors], module);
            plant.write("readings.csv", &csv);
            plant.set("/spec/model/worker/maxRows", json!(2000));
            plant.set("/spec/model/worker/processes", json!(processes));
            plant.set(
                "/spec/output/file",
                json!(format!("preds_{{device}}.{extension}")),
            );
            let mut command = score(&plant);
            command.env("FLEETSCORE_MEMORY_MIB", memory);
            let ended = plant.end(command.spawn().unwrap());
            assert_eq!(ended.code, Some(0), "{ended:?}");
            if extension == "csv" {
                for sensor in 0..sensors {
                    let rows = rows(&plant, sensor);
                    let labels = rows.iter().skip(1).map(|row| row[4].as_str());
                    let expected = (0..count).map(|row| names[(row + sensor) % 3]);
                    assert!(labels.eq(expected), "{sensor}, {memory}, {processes}");
                }
            }
            files.push(plant.predictions());
        }
        assert!(files[0] == files[1], "{extension}");
    }
}
