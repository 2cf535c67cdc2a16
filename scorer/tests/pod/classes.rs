//! Classes of models that Python scores: what they mean is what they mean of models that are read here.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::plant::Plant;
use crate::python::{message, plant, python, score};

/// Fits the classifiers of NAMES, one a sensor, on readings of two features, and writes those and what scikit-learn says of them.
const TRAIN: &str = r#"
import sys, joblib, numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

folder, names = sys.argv[1], sys.argv[2:]
random = np.random.RandomState(0)
X = np.round(random.normal(20, 2, (200, 2)), 1)
third = np.digitize(X[:, 0] + random.normal(0, 1, 200), [19, 21])
half = (third > 0).astype(int)
words = np.array(["ok", "worn", "broken, \"quite\""])[third]
tree = lambda: DecisionTreeClassifier(max_depth=3, random_state=0)
forest = lambda: RandomForestClassifier(n_estimators=10, max_depth=4, random_state=0)
models = {
    "forest 0 1": lambda: forest().fit(X, half),
    "forest texts": lambda: forest().fit(X, words),
    "forest truths": lambda: forest().fit(X, half == 1),
    "tree -1 1": lambda: tree().fit(X, 2 * half - 1),
    "tree floats": lambda: tree().fit(X, third.astype(float)),
    "tree one class": lambda: tree().fit(X, np.zeros(200, int)),
    "pipeline": lambda: make_pipeline(StandardScaler(), forest()).fit(X, half),
    "search": lambda: GridSearchCV(tree(), {"max_depth": [2, 3]}).fit(X, words),
    "logistic": lambda: LogisticRegression().fit(X, words),
    "linear svc": lambda: LinearSVC(dual=False).fit(X, half),
    "linear svc texts": lambda: LinearSVC(dual=False).fit(X, words),
    "huber": lambda: make_pipeline(StandardScaler(), SGDClassifier(loss="modified_huber", random_state=0)).fit(X, half),
    "svc": lambda: SVC(gamma=0.1, probability=True, random_state=0).fit(X, words),
    "svc ovo": lambda: SVC(gamma=0.1, decision_function_shape="ovo").fit(X, third),
    "neighbours 0 1": lambda: KNeighborsClassifier().fit(X, half),
    "neighbours texts": lambda: KNeighborsClassifier(3).fit(X, words),
    "neighbours truths": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(7)).fit(X, half == 1),
}
lines = ["Time,Device,Wind,Pitch"]
for sensor, name in enumerate(names):
    model = models[name]()
    joblib.dump(model, "%s/models/%03d.pkl" % (folder, sensor))
    if hasattr(model, "predict_proba"):
        np.savetxt("%s/shares_%03d" % (folder, sensor), model.predict_proba(X))
    with open("%s/labels_%03d" % (folder, sensor), "w") as file:
        file.write("\n".join(str(int(label) if isinstance(label, np.bool_) else label) for label in model.predict(X)))
    lines += ["2018-08-28T00:%02d:%02dZ,%03d,%r,%r" % (row // 60, row % 60, sensor, *map(float, X[row])) for row in range(200)]
open(folder + "/readings.csv", "w").write("\n".join(lines) + "\n")
"#;

/// Sensors with these classifiers of [`TRAIN`], which nobody scores yet.
fn trained(names: &[&str], fields: Value) -> Plant {
    let mut plant = plant(&vec![""; names.len()], "");
    let done = Command::new(python())
        .args(["-c", TRAIN])
        .arg(plant.path(""))
        .args(names)
        .status();
    assert!(done.unwrap().success());
    let location = plant.url("models/{device}.pkl");
    plant.set("/spec/model", fields);
    plant.set("/spec/model/location", json!(location));
    plant.set("/spec/input/columns/features", json!(["Wind", "Pitch"]));
    plant
}

/// The same plant with other fields of the model, and nothing written yet.
fn again(plant: &mut Plant, worker: Value) {
    std::fs::remove_dir_all(plant.path("out")).unwrap();
    plant.set("/spec/model/worker", worker);
}

/// Rows of a sensor's predictions as texts, the names first.
fn rows(plant: &Plant, sensor: usize) -> Vec<Vec<String>> {
    let text = plant.read(&format!("out/preds_{sensor:03}.csv"));
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).from_reader(text.as_bytes());
    let texts = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    let records = reader.into_records();
    records.map(|record| texts(record.unwrap())).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

/// What a ledger says of a classifier but for who scored it with which advice, and scores that may differ in the last digits.
fn said(entry: &Value) -> Value {
    let mut said = entry.clone();
    for field in ["seconds", "score", "warnings"] {
        said.as_object_mut().unwrap().remove(field);
    }
    for field in ["engine", "producer"] {
        said["model"].as_object_mut().unwrap().remove(field);
    }
    said
}

/// The same model gives the same file, whoever scores it: of trees to the last byte, of sums to the last digits.
#[test]
fn equal_models_have_equal_predictions() {
    let exact = [
        "forest 0 1",
        "forest texts",
        "forest truths",
        "tree -1 1",
        "tree floats",
        "tree one class",
        "pipeline",
        "search",
    ];
    let close = [
        "logistic",
        "linear svc",
        "linear svc texts",
        "huber",
        "svc",
        "svc ovo",
    ];
    let names: Vec<&str> = exact.into_iter().chain(close).collect();
    let mut plant = trained(&names, json!({}));
    plant.whole_run();
    let native = (plant.predictions(), plant.ledger(0).1);
    let sheets: Vec<_> = (0..names.len())
        .map(|sensor| rows(&plant, sensor))
        .collect();
    let report = plant.read("out/_run/report.json");
    again(&mut plant, json!({"command": [python()]}));
    plant.whole_run();
    for (sensor, name) in names.iter().enumerate() {
        let file = format!("preds_{sensor:03}.csv");
        let entry = &plant.ledger(0).1[sensor];
        assert_eq!(entry["model"]["engine"], "Worker", "{name}");
        assert_eq!(entry["model"]["output"], "Class", "{name}");
        let (found, expected) = (said(entry), said(&native.1[sensor]));
        assert_eq!(found, expected, "{name}");
        if sensor < exact.len() {
            assert!(plant.predictions()[&file] == native.0[&file], "{name}");
            assert_eq!(entry["score"], native.1[sensor]["score"], "{name}");
            continue;
        }
        let found = rows(&plant, sensor);
        assert_eq!(
            (found.len(), &found[0]),
            (201, &sheets[sensor][0]),
            "{name}"
        );
        for (row, known) in found.iter().zip(&sheets[sensor]).skip(1) {
            let score = (number(&row[4]), number(&known[4]));
            assert!(
                (score.0 - score.1).abs() < 1e-12 * score.1.abs().max(1.0),
                "{name}: {score:?}"
            );
            assert_eq!((&row[..4], &row[5..]), (&known[..4], &known[5..]), "{name}");
        }
    }
    let of = |report: &str| serde_json::from_str::<Value>(report).unwrap()["classes"].clone();
    let classes = of(&plant.read("out/_run/report.json"));
    assert_eq!(classes, of(&report));
    assert!(classes["worn"].as_u64().unwrap() > 0, "{classes}");
}

/// A classifier that only Python knows, beside one that is read here.
#[test]
fn neighbours_have_the_labels_and_shares_of_scikit_learn() {
    let names = [
        "neighbours 0 1",
        "neighbours texts",
        "neighbours truths",
        "forest 0 1",
    ];
    let worker = json!({"command": [python()], "use": "Refused"});
    let plant = trained(&names, json!({"worker": worker}));
    plant.whole_run();
    let entries = plant.ledger(0).1;
    let engines = entries.iter().map(|entry| &entry["model"]["engine"]);
    assert!(engines.eq(["Worker", "Worker", "Worker", "Native"]));
    for (sensor, name) in names.iter().enumerate() {
        let found = rows(&plant, sensor);
        assert_eq!(found[0], rows(&plant, 3)[0], "{name}");
        let labels = plant.read(&format!("labels_{sensor:03}"));
        let shares = plant.read(&format!("shares_{sensor:03}"));
        assert_eq!((found.len(), labels.lines().count()), (201, 200));
        let known = labels.lines().zip(shares.lines());
        for (row, (label, shares)) in found[1..].iter().zip(known) {
            let shares: Vec<f64> = shares.split(' ').map(number).collect();
            let class = match label {
                "broken, \"quite\"" => 0,
                "worn" => 2,
                // Of texts `ok`, of two classes the second.
                _ => 1,
            };
            assert_eq!(
                number(&row[4]).to_bits(),
                shares[class].to_bits(),
                "{name}: {row:?}"
            );
            assert_eq!(row[5], label, "{name}");
            assert_eq!(
                row[6],
                if label == "1" { "1" } else { "0" },
                "{name}: {row:?}"
            );
        }
        let counted = &entries[sensor]["classes"];
        let count = labels
            .lines()
            .filter(|label| *label == labels.lines().next().unwrap());
        assert_eq!(
            counted[labels.lines().next().unwrap()],
            count.count(),
            "{name}"
        );
    }
}

/// What a run wants of classes is refused by the same rules, whoever scores.
#[test]
fn refusals_are_the_same_whoever_scores() {
    for (fields, told) in [
        (
            json!({"output": "Anomaly"}),
            "the model is a RandomForestClassifier, whose output is Class",
        ),
        (
            json!({"output": "Value"}),
            "the model is a RandomForestClassifier, whose output is Class",
        ),
        (
            json!({"anomalyClasses": ["ok"]}),
            "`ok`, which is no label of the model: its labels are `0`, `1`",
        ),
        (json!({"output": "Class", "anomalyClasses": ["0"]}), ""),
    ] {
        let mut plant = trained(&["forest 0 1"], fields.clone());
        let mut outcomes = Vec::new();
        for worker in [json!(null), json!({"command": [python()]})] {
            if worker.is_object() {
                again(&mut plant, worker);
            }
            let ended = plant.end(score(&plant).spawn().unwrap());
            let anomalies = plant.ledger(0).1[0]["anomalies"].clone();
            assert!(message(&plant, 0).contains(told), "{ended:?} for {fields}");
            outcomes.push((ended.code, plant.reasons(0), anomalies));
        }
        assert_eq!(outcomes[0], outcomes[1], "{fields}");
        let reason = if told.is_empty() { "" } else { "ModelMismatch" };
        assert_eq!(outcomes[0].1, [reason], "{fields}");
    }
}

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

/// A classifier by itself without any number beside its labels has no score.
#[test]
fn a_classifier_without_numbers_is_refused() {
    let train = r#"
import sys, joblib
from sklearn.neighbors import NearestCentroid
joblib.dump(NearestCentroid().fit([[1.0], [2.0]], [0, 1]), sys.argv[1] + "/models/000.pkl")
"#;
    let mut plant = plant(&[""], "");
    let trained = Command::new(python())
        .args(["-c", train])
        .arg(plant.path(""))
        .status();
    assert!(trained.unwrap().success());
    plant.set("/spec/model/worker", json!({"command": [python()]}));
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(plant.reasons(0), ["ModelFailed"], "{ended:?}");
    let message = message(&plant, 0);
    assert!(
        message.contains("NearestCentroid has neither predict_proba() nor decision_function()"),
        "{message}"
    );
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

/// Without readings the columns are those of the model, too, whoever scores.
#[test]
fn an_empty_file_has_the_columns_of_the_model() {
    let names = ["forest texts", "forest 0 1"];
    let mut plant = trained(&names, json!({}));
    let isolate = r#"
import sys, joblib
from sklearn.ensemble import IsolationForest
joblib.dump(IsolationForest(n_estimators=2).fit([[1.0, 2.0], [2.0, 1.0]]), sys.argv[1] + "/models/002.pkl")
"#;
    let trained = Command::new(python())
        .args(["-c", isolate])
        .arg(plant.path(""))
        .status();
    assert!(trained.unwrap().success());
    plant.write(
        "readings.csv",
        "Time,Device,Wind,Pitch\n2018-08-28T00:00:00Z,001,20,20\n",
    );
    plant.set("/spec/input/onNoReadings", json!("Succeed"));
    plant.set(
        "/spec/sensors",
        json!({"list": [{"device": "000"}, {"device": "001"}, {"device": "002"}]}),
    );
    plant.set("/spec/sharding", json!({"sensorsPerPod": 3}));
    plant.whole_run();
    let native = plant.predictions();
    assert_eq!(
        native["preds_000.csv"],
        "Time,Device,Wind,Pitch,Score,Prediction,Anomaly\n"
    );
    assert_eq!(
        native["preds_002.csv"],
        "Time,Device,Wind,Pitch,Score,Prediction\n"
    );
    again(&mut plant, json!({"command": [python()]}));
    plant.whole_run();
    assert_eq!(plant.predictions(), native);
    let entry = &plant.ledger(0).1[0];
    assert_eq!(entry["model"]["type"], "RandomForestClassifier", "{entry}");
    // A model that is not there is no model without readings either.
    plant.set(
        "/spec/sensors",
        json!({"list": [{"device": "000"}, {"device": "009"}]}),
    );
    again(&mut plant, json!({"command": [python()]}));
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(plant.reasons(0), ["", "ModelNotFound"], "{ended:?}");
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
