//! Models by themselves: files of joblib.

use std::process::Command;

use serde_json::{Value, json};

use super::{again, number, rows, said, trained};
use crate::python::{message, plant, python, score};

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

/// A file that is empty or cut off is named, and the others are scored.
#[test]
fn a_file_that_python_cannot_load_is_named() {
    let names = ["neighbours 0 1", "neighbours texts", "neighbours truths"];
    let plant = trained(&names, json!({"worker": {"command": [python()]}}));
    let whole = std::fs::read(plant.path("models/001.pkl")).unwrap();
    std::fs::write(plant.path("models/001.pkl"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(plant.path("models/002.pkl"), "").unwrap();
    let ended = plant.end(score(&plant).spawn().unwrap());
    assert_eq!(
        plant.reasons(0),
        ["", "ModelFailed", "ModelFailed"],
        "{ended:?}"
    );
    for sensor in [1, 2] {
        let message = message(&plant, sensor);
        let file = plant.url(&format!("models/00{sensor}.pkl"));
        assert!(
            message.starts_with(&format!("loading {file}: ")),
            "{message}"
        );
    }
}
