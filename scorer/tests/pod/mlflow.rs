//! Folders of `MLflow` that Python scores.

use std::process::Command;

use serde_json::json;

use crate::plant::Plant;
use crate::python::{message, plant, predictions, python, score};

/// What of `MLflow` is called, as its versions 2.9 and 3.17 have it; its file is JSON here, of `flavors` and `columns`.
const MLFLOW: [(&str, &str); 4] = [
    ("__init__", ""),
    (
        "models",
        r"
import json
class Schema:
    def __init__(self, names):
        self.names = names
    def has_input_names(self):
        return bool(self.names)
    def input_names(self):
        return self.names
class Model:
    @classmethod
    def load(cls, path):
        model = cls()
        model.__dict__ = json.load(open(path))
        return model
    def get_input_schema(self):
        return None if self.columns is None else Schema(self.columns)
",
    ),
    (
        "sklearn",
        r#"
import joblib
def load_model(folder):
    return joblib.load(folder + "/model.pkl")
"#,
    ),
    (
        "pyfunc",
        r#"
import pandas
class Loaded:
    def predict(self, frame):
        return pandas.DataFrame({"score": 21 - frame["Value"]})
def load_model(folder):
    return Loaded()
"#,
    ),
];

/// Fits a classifier of neighbours: what is above 20 is worn. Folders from `outliers` on get a detector of outliers.
const TRAIN: &str = r#"
import sys, joblib, numpy as np
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
rows = np.arange(14.0, 28.0).reshape(-1, 1)
outliers = sys.argv.index("outliers")
for at, folder in enumerate(sys.argv):
    if at in (0, outliers):
        continue
    if at > outliers:
        model = LocalOutlierFactor(5, novelty=True).fit(rows)
        np.savetxt(folder + "/scores", model.decision_function(np.arange(18.0, 24.0).reshape(-1, 1)))
    else:
        model = KNeighborsClassifier(3).fit(rows, np.where(rows[:, 0] > 20, "worn", "ok"))
    joblib.dump(model, folder + "/model.pkl")
"#;

/// The flavours in a folder, and the columns of its signature.
type Flow<'f> = (&'f [&'f str], Option<&'f [&'f str]>);

/// A plant with a sensor for each of these folders, first those of classifiers.
fn flows(classifiers: &[Flow<'_>], outliers: &[Flow<'_>]) -> Plant {
    let flows = [classifiers, outliers].concat();
    let mut plant = plant(&vec![""; flows.len()], "");
    for (name, text) in MLFLOW {
        plant.write(&format!("packages/mlflow/{name}.py"), text);
    }
    let mut folders = Vec::new();
    for (sensor, (flavors, columns)) in flows.iter().enumerate() {
        let flavors = flavors
            .iter()
            .map(|flavor| ((*flavor).to_owned(), json!({})));
        let flavors: serde_json::Map<_, _> = flavors.collect();
        let told = json!({"flavors": flavors, "columns": columns});
        plant.write(&format!("flows/{sensor:03}/MLmodel"), told.to_string());
        folders.push(plant.path(&format!("flows/{sensor:03}")));
    }
    let (first, last) = folders.split_at(classifiers.len());
    let mut train = Command::new(python());
    train
        .args(["-c", TRAIN])
        .args(first)
        .arg("outliers")
        .args(last);
    assert!(train.status().unwrap().success());
    let location = plant.url("flows/{device}/MLmodel");
    plant.set(
        "/spec/model",
        json!({"location": location, "worker": {"command": [python()], "use": "Always"}}),
    );
    plant
}

/// The scikit-learn flavour is the model itself; its signature says in which order it takes the columns. Others are asked with pyfunc.
#[test]
fn folders_are_scored_by_their_flavour() {
    let sklearn: &[&str] = &["python_function", "sklearn"];
    let plant = flows(
        &[
            (sklearn, None),
            (sklearn, Some(&["Value"])),
            (sklearn, Some(&["Speed"])),
            (sklearn, Some(&[])),
        ],
        &[
            (sklearn, Some(&["Value"])),
            (&["python_function"], Some(&["Value"])),
        ],
    );
    let mut command = score(&plant);
    command.env("PYTHONPATH", plant.path("packages"));
    let ended = plant.end(command.spawn().unwrap());
    assert_eq!(
        plant.reasons(0),
        ["", "", "ModelMismatch", "", "", ""],
        "{ended:?}"
    );
    assert!(
        message(&plant, 2).contains("was trained on ['Speed']"),
        "{}",
        message(&plant, 2)
    );
    let shares = [
        "0.0,ok,0",
        "0.0,ok,0",
        "0.3333333333333333,ok,0",
        "0.6666666666666666,worn,0",
        "1.0,worn,0",
        "1.0,worn,0",
    ];
    for sensor in [0, 1, 3] {
        let text = plant.read(&format!("out/preds_{sensor:03}.csv"));
        let told: Vec<_> = text.lines().skip(1).collect();
        for (row, share) in told.iter().zip(shares) {
            assert!(row.ends_with(share), "{sensor}: {text}");
        }
        assert_eq!(told.len(), shares.len());
    }
    let scores = |sensor| -> Vec<f64> {
        predictions(&plant, sensor)
            .into_iter()
            .map(|(score, _)| score)
            .collect()
    };
    let expected = plant.read("flows/004/scores");
    let expected: Vec<f64> = expected.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(scores(4), expected);
    assert_eq!(scores(5), [3.0, 2.0, 1.0, 0.0, -1.0, -2.0]);
}

/// Columns in another order than the model's are put into its order.
#[test]
fn a_signature_orders_the_columns() {
    let mut plant = flows(&[], &[(&["sklearn"], Some(&["Pitch", "Wind"]))]);
    let train = r#"
import sys, joblib, numpy as np
from sklearn.neighbors import LocalOutlierFactor
rows = np.random.default_rng(0).normal(size=(50, 2)) + [0, 100]
model = LocalOutlierFactor(5, novelty=True).fit(rows)
joblib.dump(model, sys.argv[1] + "/model.pkl")
np.savetxt(sys.argv[1] + "/scores", model.decision_function([[0.25, 101.0], [1.0, 99.0]]))
"#;
    let folder = plant.path("flows/000");
    let trained = Command::new(python())
        .args(["-c", train])
        .arg(&folder)
        .status();
    assert!(trained.unwrap().success());
    plant.write(
        "readings.csv",
        "Time,Device,Wind,Pitch\n2026-01-01T00:00:00Z,000,101,0.25\n2026-01-01T00:00:01Z,000,99,1\n",
    );
    plant.set("/spec/input/columns/features", json!(["Wind", "Pitch"]));
    let mut command = score(&plant);
    command.env("PYTHONPATH", plant.path("packages"));
    let ended = plant.end(command.spawn().unwrap());
    assert_eq!(plant.reasons(0), [""], "{ended:?}");
    let expected = plant.read("flows/000/scores");
    let expected: Vec<f64> = expected.lines().map(|line| line.parse().unwrap()).collect();
    let scores: Vec<f64> = predictions(&plant, 0)
        .into_iter()
        .map(|(score, _)| score)
        .collect();
    assert_eq!(scores, expected);
}
