//! Classes of models that Python scores: what they mean is what they mean of models that are read here.

mod files;
mod modules;

use std::process::Command;

use serde_json::{Value, json};

use crate::plant::Plant;
use crate::python::{plant, python};

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
