//! Models that Python scores: what each sensor comes to, whatever its model's code does.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::plant::Plant;

/// A module that does with a sensor's model what its file says.
const MODULE: &str = r#"
import ctypes, os, signal, sys, time
import numpy as np

def load(path, key):
    with open(path) as file:
        what = file.read()
    if what == "kill at load":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise at load":
        raise KeyError(key["device"])
    return what

def score(what, frame):
    if what == "exit":
        sys.exit(3)
    if what == "segfault":
        ctypes.string_at(0)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise":
        raise ValueError("no such pump")
    if what == "hang":
        time.sleep(1000)
    if what == "eat":
        eaten = []
        while True:
            eaten.append(np.ones(1 << 17))
            time.sleep(0.0005)
    if what == "print":
        sys.stderr.write("to stderr\n" * 5000)
        print("to stdout " * 20000)
    if what == "short":
        return frame["Value"][1:]
    if what == "nan":
        return np.where(np.arange(len(frame)) == 2, np.nan, 1.0)
    if what == "text":
        return ["high"] * len(frame)
    if what == "labels alone":
        return [1, 0] * (len(frame) // 2)
    if what == "labels":
        return frame["Value"], np.arange(len(frame)) % 2
    return frame["Value"] - 20
"#;

/// A Python with what the tests import.
pub fn python() -> PathBuf {
    let told = std::env::var_os("FLEETSCORE_PYTHON").map(PathBuf::from);
    let usual = ["/usr/bin/python3", "python3"].map(PathBuf::from);
    let has_all = |python: &PathBuf| {
        let tried = Command::new(python)
            .args(["-c", "import joblib, numpy, pandas, sklearn"])
            .output();
        tried.is_ok_and(|output| output.status.success())
    };
    let found = told.into_iter().chain(usual).find(has_all);
    found.expect("no Python with joblib, numpy, pandas and scikit-learn: scripts/install.sh python")
}

/// Sensors with six readings each, whose models are for `module`, and are these texts.
pub fn plant(models: &[&str], module: &str) -> Plant {
    let mut plant = Plant::new(0, 0);
    let mut csv = "Time,Device,Value\n".to_owned();
    for row in 0..6 {
        for sensor in 0..models.len() {
            writeln!(csv, "2018-08-28T00:00:0{row}Z,{sensor:03},{}", 18 + row).unwrap();
        }
    }
    plant.write("readings.csv", csv);
    for (sensor, model) in models.iter().enumerate() {
        plant.write(&format!("models/{sensor:03}.pkl"), model);
    }
    plant.write("predict.py", module);
    fs::create_dir(plant.path("tmp")).unwrap();
    let module = plant.path("predict.py");
    plant.set(
        "/spec/model/worker",
        json!({"command": [python()], "module": module}),
    );
    plant.set("/spec/sharding", json!({"sensorsPerPod": models.len()}));
    plant
}

/// The score step of all sensors.
pub fn score(plant: &Plant) -> Command {
    plant.succeed(&["plan"]);
    let mut command = plant.command(&[], &["score", "--shard", "0"]);
    command.env("TMPDIR", plant.path("tmp"));
    command
}

/// The scores and labels that a sensor has got.
pub fn predictions(plant: &Plant, sensor: usize) -> Vec<(f64, u8)> {
    let text = plant.read(&format!("out/preds_{sensor:03}.csv"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let values = |record: csv::StringRecord| {
        (
            record[record.len() - 2].parse().unwrap(),
            record[record.len() - 1].parse().unwrap(),
        )
    };
    reader
        .records()
        .map(|record| values(record.unwrap()))
        .collect()
}

/// Why a sensor has failed.
pub fn message(plant: &Plant, sensor: usize) -> String {
    let (_, entries) = plant.ledger(0);
    entries[sensor]["error"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Nothing that was made for Python is there any more.
fn assert_gone(plant: &Plant) {
    let left: Vec<_> = fs::read_dir(plant.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_sensor_has_its_own_reason_and_the_others_are_scored() {
    let cases = [
        ("fine", "", ""),
        ("exit", "WorkerCrashed", "exit code 3"),
        ("segfault", "WorkerCrashed", "killed by SIGSEGV"),
        ("kill", "WorkerCrashed", "killed by SIGKILL"),
        (
            "kill at load",
            "WorkerCrashed",
            "loading the model: killed by SIGKILL",
        ),
        ("raise at load", "ModelFailed", "KeyError: '005'"),
        ("raise", "ModelFailed", "ValueError: no such pump"),
        ("print", "", ""),
        ("short", "ModelFailed", "5 values for 6 readings"),
        ("nan", "ModelFailed", "the score nan for reading 3 of 6"),
        ("text", "ModelFailed", "could not convert string to float"),
        ("eat", "WorkerCrashed", "spec.model.worker.memoryMiB is 300"),
        ("labels alone", "ModelFailed", "look like labels"),
        ("labels", "", ""),
        ("fine", "", ""),
    ];
    for processes in [1, 3] {
        let models = cases.map(|(model, ..)| model);
        let mut plant = plant(&models, MODULE);
        plant.set("/spec/model/worker/memoryMiB", json!(300));
        plant.set("/spec/model/worker/processes", json!(processes));
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
        let fine: Vec<_> = (-2..4)
            .map(|score| (f64::from(score), u8::from(score < 0)))
            .collect();
        for sensor in [0, 7, 14] {
            assert_eq!(predictions(&plant, sensor), fine, "{sensor}");
        }
        let labels: Vec<_> = (0..6_u8)
            .map(|row| (f64::from(18 + row), row % 2))
            .collect();
        assert_eq!(predictions(&plant, 13), labels);
        let log = &ended.stderr;
        assert!(
            log.contains("line 22, in score"),
            "the place of an exception: {log}"
        );
        assert_eq!(log.matches("to stderr").count(), 5000);
        assert!(log.matches("to stdout").count() < 2000);
        assert!(log.contains("(what follows for this sensor is left out)"));
        assert_gone(&plant);
    }
}

#[test]
fn what_takes_too_long_is_killed() {
    let mut plant = plant(&["hang", "fine"], MODULE);
    plant.set("/spec/model/worker/timeoutSeconds", json!(5));
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(plant.reasons(0), ["ModelTimeout", ""], "{ended:?}");
    assert!(
        message(&plant, 0).contains("longer than 5 s"),
        "{}",
        message(&plant, 0)
    );
    assert_gone(&plant);
}

/// The scorer does not end before all that Python has written is in its log.
#[test]
fn what_python_writes_last_is_in_the_log() {
    let module = r#"
def load(path, key):
    pass
def score(model, frame):
    for number in range(500):
        print("line", number, "of 500", "." * 80)
    return frame.values
"#;
    let plant = plant(&["fine"], module);
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("line 499 of 500"), "{ended:?}");
}

/// No secret of the scorer's environment can be seen.
#[test]
fn python_sees_no_credentials() {
    let module = r#"
import os
def load(path, key):
    print("SEEN", sorted(os.environ))
def score(model, frame):
    return frame.values
"#;
    let plant = plant(&["fine"], module);
    let mut command = score(&plant);
    command
        .env("AZURE_CLIENT_SECRET", "hidden")
        .env("AWS_SECRET_ACCESS_KEY", "hidden");
    let ended = plant.end(command.spawn().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let seen = ended
        .stderr
        .lines()
        .find(|line| line.contains("SEEN"))
        .unwrap();
    assert!(seen.contains("'PATH'"), "{seen}");
    assert!(!seen.contains("AZURE") && !seen.contains("AWS"), "{seen}");
}

/// Whatever ends the scorer, neither Python nor its files are there afterwards.
#[test]
fn python_ends_with_the_scorer() {
    let module = r#"
import os, time
def load(path, key):
    with open("PID~", "w") as file:
        file.write(str(os.getpid()))
    os.rename("PID~", "PID")
    time.sleep(1000)
def score(model, frame):
    pass
"#;
    for (signal, code) in [("TERM", Some(143)), ("INT", Some(143)), ("KILL", None)] {
        let plant = plant(&["fine"], "");
        let pid = plant.path("pid");
        plant.write("predict.py", module.replace("PID", pid.to_str().unwrap()));
        let mut child = score(&plant).spawn().unwrap();
        assert!(wait_for(|| pid.exists()) && child.try_wait().unwrap().is_none());
        let scorer = child.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &scorer]).status();
        assert!(killed.unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), code, "{signal}");
        let python = format!("/proc/{}", plant.read("pid"));
        let is_gone = || !PathBuf::from(&python).exists();
        assert!(wait_for(is_gone), "{python} after {signal}");
        assert!(
            wait_for(|| fs::read_dir(plant.path("tmp")).unwrap().next().is_none()),
            "{signal}"
        );
    }
}

/// Waits for a minute at most.
pub fn wait_for(mut seen: impl FnMut() -> bool) -> bool {
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 60 {
        if seen() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// A run whose Python cannot start is wrong as a whole.
#[test]
fn python_that_does_not_start_refuses_the_run() {
    for (field, value, told) in [
        (
            "command",
            json!(["/absent/python3"]),
            "`/absent/python3` cannot be started",
        ),
        (
            "module",
            json!("no_such_module"),
            "No module named 'no_such_module'",
        ),
        (
            "module",
            json!("json"),
            "json has neither load() and score() nor init() and run()",
        ),
    ] {
        let mut plant = plant(&["fine", "fine"], MODULE);
        plant.set(&format!("/spec/model/worker/{field}"), value);
        let ended = plant.end(score(&plant).spawn().unwrap());
        assert_eq!(ended.code, Some(64), "{ended:?}");
        assert_eq!(ended.message["reason"], "PythonNotStarted");
        let message = ended.message["message"].as_str().unwrap();
        assert!(message.contains(told), "{message}");
        assert_gone(&plant);
    }
}

/// Models by themselves get the labels of scikit-learn, and those that the scorer reads need no Python.
#[test]
fn models_of_scikit_learn_have_its_labels() {
    let train = r#"
import sys, joblib, numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM
folder = sys.argv[1]
values = np.round(np.random.default_rng(0).normal(20, 2, 300), 1).reshape(-1, 1)
models = [LocalOutlierFactor(novelty=True), OneClassSVM(nu=0.1, gamma=0.1), IsolationForest(n_estimators=10, random_state=0)]
lines = ["Time,Device,Value"]
for sensor, model in enumerate(models):
    model.fit(values)
    joblib.dump(model, "%s/models/%03d.pkl" % (folder, sensor))
    np.savetxt("%s/expected_%03d" % (folder, sensor), np.column_stack([model.decision_function(values), model.predict(values) == -1]))
    lines += ["2018-08-28T00:%02d:%02dZ,%03d,%r" % (row // 60, row % 60, sensor, float(value)) for row, value in enumerate(values[:, 0])]
open(folder + "/readings.csv", "w").write("\n".join(lines) + "\n")
"#;
    for used in ["Always", "Refused"] {
        let mut plant = plant(&["", "", ""], "");
        let trained = Command::new(python())
            .args(["-c", train, plant.path("").to_str().unwrap()])
            .status();
        assert!(trained.unwrap().success());
        plant.set(
            "/spec/model/worker",
            json!({"command": [python()], "use": used}),
        );
        let ended = plant.end(score(&plant).spawn().unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for sensor in 0..3 {
            let expected = plant.read(&format!("expected_{sensor:03}"));
            let expected = expected.lines().map(|line| {
                let (score, label) = line.split_once(' ').unwrap();
                (score.parse::<f64>().unwrap(), label.parse::<f64>().unwrap())
            });
            let found = predictions(&plant, sensor);
            assert_eq!(found.len(), 300);
            for ((score, label), (known, anomaly)) in found.into_iter().zip(expected) {
                assert!((score - known).abs() < 1e-9, "{score} for {known}, {used}");
                assert_eq!(f64::from(label), anomaly, "{score}, {used}");
            }
        }
    }
}

/// A detector without a border of its own goes to Python, unless the run gives it one.
#[test]
fn a_detector_without_a_border_goes_to_python() {
    let train = r#"
import sys, joblib, numpy as np
from sklearn.cluster import KMeans
values = np.arange(18.0, 24.0).reshape(-1, 1)
joblib.dump(KMeans(1, n_init=1).fit(values), sys.argv[1] + "/models/000.pkl")
"#;
    let module = r"
import joblib

def load(path, key):
    return joblib.load(path)

def score(model, frame):
    return 1 - model.transform(frame.values).min(axis=1)
";
    for (threshold, engine) in [(None, "Worker"), (Some(1.0), "Native")] {
        let mut plant = plant(&[""], module);
        let trained = Command::new(python())
            .args(["-c", train])
            .arg(plant.path(""))
            .status();
        assert!(trained.unwrap().success());
        let module = plant.path("predict.py");
        let worker = json!({"command": [python()], "module": module, "use": "Refused"});
        plant.set("/spec/model/worker", worker);
        if let Some(threshold) = threshold {
            plant.set("/spec/model/threshold", json!(threshold));
        }
        let ended = plant.end(score(&plant).spawn().unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let entry = &plant.ledger(0).1[0];
        assert_eq!(entry["model"]["engine"], engine, "{entry}");
        let expected = [
            (-1.5, 1),
            (-0.5, 1),
            (0.5, 0),
            (0.5, 0),
            (-0.5, 1),
            (-1.5, 1),
        ];
        assert_eq!(predictions(&plant, 0), expected, "{engine}");
    }
}

/// A regressor gives values, or makes a detector: the target is not among what it sees.
#[test]
fn a_regressor_gives_values_or_residuals() {
    let train = r#"
import sys, joblib, numpy as np
from sklearn.linear_model import LinearRegression
folder = sys.argv[1]
values = np.arange(6.0)
model = LinearRegression().fit(values.reshape(-1, 1), 2 * values + 1)
joblib.dump(model, folder + "/models/000.pkl")
lines = ["Time,Device,Value,Flow"]
lines += ["2018-08-28T00:00:0%dZ,000,%r,%r" % (row, float(row), 2.0 * row + (5 if row == 4 else 1)) for row in range(6)]
open(folder + "/readings.csv", "w").write("\n".join(lines) + "\n")
"#;
    for (field, value) in [
        ("output", json!("Value")),
        ("residual", json!({"target": "Flow", "threshold": 0.5})),
    ] {
        let mut plant = plant(&[""], "");
        let folder = plant.path("");
        let trained = Command::new(python())
            .args(["-c", train])
            .arg(folder)
            .status();
        assert!(trained.unwrap().success());
        plant.set("/spec/model/worker", json!({"command": [python()]}));
        plant.set(&format!("/spec/model/{field}"), value);
        let ended = plant.end(score(&plant).spawn().unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let entry = &plant.ledger(0).1[0];
        assert_eq!(entry["model"]["engine"], "Worker", "{entry}");
        assert_eq!(entry["model"]["type"], "LinearRegression", "{entry}");
        assert_eq!(
            entry["anomalies"],
            u64::from(field == "residual"),
            "{entry}"
        );
        let text = plant.read("out/preds_000.csv");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for (row, record) in (0_u8..).zip(reader.records()) {
            let record = record.unwrap();
            let number = |back: usize| record[record.len() - back].parse::<f64>().unwrap();
            let expected = 2.0 * f64::from(row) + 1.0;
            if field == "output" {
                assert!((number(1) - expected).abs() < 1e-9, "{text}");
                continue;
            }
            let score = if row == 4 { -3.5 } else { 0.5 };
            assert!((number(3) - expected).abs() < 1e-9, "{text}");
            assert!((number(2) - score).abs() < 1e-9, "{text}");
            assert_eq!(number(1), f64::from(u8::from(row == 4)), "{text}");
        }
    }
}

/// Modules as they are written for Azure Machine Learning.
#[test]
fn batch_modules_are_given_frames_or_files() {
    let frame = r#"
import os
def init():
    global offset
    folder = os.environ["AZUREML_MODEL_DIR"]
    offset = float(open(os.path.join(folder, os.listdir(folder)[0])).read())
def run(mini_batch):
    assert list(mini_batch.columns) == ["Time", "Value"], mini_batch.columns
    result = mini_batch[["Value"]] - offset
    result.columns = ["Score"]
    return result.assign(prediction=(result.Score > 1).astype(int))
"#;
    let files = frame.replace(
        "def run(mini_batch):",
        "import pandas\ndef run(files):\n    mini_batch = pandas.read_csv(files[0])",
    );
    for (module, batch) in [(frame, "Frame"), (&files, "Files")] {
        let mut plant = plant(&["20", "21.5"], module);
        plant.set("/spec/model/worker/miniBatch", json!(batch));
        let ended = plant.end(score(&plant).spawn().unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for (sensor, offset) in [(0, 20.0), (1, 21.5)] {
            let expected = (18..24).map(|value| f64::from(value) - offset);
            let expected: Vec<_> = expected
                .map(|score| (score, u8::from(score > 1.0)))
                .collect();
            assert_eq!(predictions(&plant, sensor), expected, "{batch}");
        }
    }
}

/// A folder of `MLflow` comes whole; one file or a folder that is absent is a model that is not there.
#[test]
fn a_model_that_is_absent_is_not_found() {
    let module = r#"
import os
def load(path, key):
    folder = os.path.dirname(path)
    assert os.path.basename(path) == "MLmodel"
    assert open(os.path.join(folder, "data", "model.txt")).read() == "x"
def score(model, frame):
    return frame.values
"#;
    let mut plant = plant(&["fine", "fine"], module);
    plant.write("flow/000/MLmodel", "flavors: {}");
    plant.write("flow/000/data/model.txt", "x");
    let location = plant.url("flow/{device}/MLmodel");
    plant.set("/spec/model/location", json!(location));
    plant.set(
        "/spec/sensors",
        json!({"list": [{"device": "000"}, {"device": "001"}]}),
    );
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert_eq!(
        plant.reasons(0),
        ["", "ModelNotFound"],
        "{}",
        Value::from(message(&plant, 1))
    );
}
