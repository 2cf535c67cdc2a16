//! What a run writes of classifiers, regressors and residuals.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::plant::Plant;

/// Names of the models' features.
const COLUMNS: [&str; 3] = ["Wind", "Pitch", "Temp"];

/// One sensor with a model of `tests/fixtures/families`, and the rows that scikit-learn has scored: inputs, score and prediction.
fn plant(
    model: &str,
    fields: Value,
    power: impl Fn(&[String]) -> String,
) -> (Plant, Vec<Vec<String>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/families");
    let mut plant = Plant::new(0, 0);
    let file = std::fs::read(folder.join(format!("{model}.joblib"))).unwrap();
    plant.write("models/000.pkl", file);
    let records = csv::Reader::from_path(folder.join(format!("{model}.expected.csv"))).unwrap();
    let texts = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = (records.into_records())
        .map(|record| texts(record.unwrap()))
        .collect();
    let mut text = format!("Time,Device,Power,{}\n", COLUMNS.join(","));
    for (second, row) in rows.iter().enumerate() {
        let time = format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60);
        writeln!(text, "{time},000,{},{}", power(row), row[..3].join(",")).unwrap();
    }
    plant.write("readings.csv", text);
    plant.set("/spec/input/columns/features", json!(COLUMNS));
    let mut spec = fields;
    spec["location"] = json!(plant.url("models/{device}.pkl"));
    plant.set("/spec/model", spec);
    (plant, rows)
}

fn no_power(_: &[String]) -> String {
    "0".to_owned()
}

/// The sensor's predictions as texts: names, and rows.
fn predictions(plant: &Plant) -> (Vec<String>, Vec<Vec<String>>) {
    let text = plant.read("out/preds_000.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = texts(reader.headers().unwrap());
    (
        header,
        reader
            .records()
            .map(|record| texts(&record.unwrap()))
            .collect(),
    )
}

fn report(plant: &Plant) -> Value {
    serde_json::from_str(&plant.read("out/_run/report.json")).unwrap()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn a_regressor_writes_values_and_no_anomalies() {
    let (plant, rows) = plant("forest_value_sk191", json!({}), no_power);
    plant.whole_run();
    let (header, said) = predictions(&plant);
    assert_eq!(
        header,
        ["Time", "Device", "Wind", "Pitch", "Temp", "Prediction"]
    );
    for (row, expected) in said.iter().zip(&rows) {
        assert_eq!(number(&row[5]).to_bits(), number(&expected[3]).to_bits());
    }
    let entry = &plant.ledger(0).1[0];
    let model = json!({"type": "RandomForestRegressor", "producer": "scikit-learn 1.9.1", "engine": "Native", "output": "Value"});
    assert_eq!((&entry["model"], &entry["anomalies"]), (&model, &json!(0)));
    assert!(entry.get("score").is_none() && entry["values"]["min"].is_f64());
    let report = report(&plant);
    assert_eq!(
        report["models"],
        json!([{"type": "RandomForestRegressor", "engine": "Native", "count": 1}])
    );
    assert_eq!(report["mostAnomalous"], json!([]));
}

#[test]
fn a_classifier_writes_labels_and_which_are_anomalies() {
    let fields = json!({"anomalyClasses": ["worn"]});
    let (plant, rows) = plant("forest_three_sk191", fields, no_power);
    plant.whole_run();
    let (header, said) = predictions(&plant);
    assert_eq!(&header[5..], ["Score", "Prediction", "Anomaly"]);
    let mut worn = 0;
    for (row, expected) in said.iter().zip(&rows) {
        assert_eq!(number(&row[5]).to_bits(), number(&expected[3]).to_bits());
        assert_eq!(
            (&row[6], row[7] == "1"),
            (&expected[4], expected[4] == "worn")
        );
        worn += u64::from(expected[4] == "worn");
    }
    let entry = &plant.ledger(0).1[0];
    assert_eq!(
        (&entry["classes"]["worn"], &entry["anomalies"]),
        (&json!(worn), &json!(worn))
    );
    let report = report(&plant);
    assert_eq!(report["classes"], entry["classes"]);
    assert_eq!(report["mostAnomalous"][0]["kind"], "Class");
    // The plot is there, although the predictions are labels: read back by the step that collects.
    assert!(plant.read("out/_run/report.html").contains("<svg"));
}

#[test]
fn a_residual_is_an_anomaly_beyond_its_threshold() {
    let fields = json!({"residual": {"target": "Power", "threshold": 1.5}});
    let power = |row: &[String]| {
        let far = if row[0].ends_with('1') { 2.0 } else { 1.0 };
        (number(&row[3]) + far).to_string()
    };
    let (plant, rows) = plant("forest_value_sk191", fields, power);
    plant.whole_run();
    let (header, said) = predictions(&plant);
    assert_eq!(
        &header[4..],
        ["Temp", "Power", "Expected", "Score", "Prediction"]
    );
    let mut anomalies = 0;
    for (row, expected) in said.iter().zip(&rows) {
        assert_eq!(number(&row[6]).to_bits(), number(&expected[3]).to_bits());
        let score = 1.5 - (number(&row[5]) - number(&row[6])).abs();
        assert_eq!(number(&row[7]).to_bits(), score.to_bits());
        assert_eq!(row[8] == "1", expected[0].ends_with('1'), "{row:?}");
        anomalies += u64::from(row[8] == "1");
    }
    let entry = &plant.ledger(0).1[0];
    assert_eq!(
        (&entry["model"]["output"], &entry["anomalies"]),
        (&json!("Residual"), &json!(anomalies))
    );
    assert!(plant.read("out/_run/report.html").contains("<svg"));
}

#[test]
fn what_does_not_fit_is_refused_with_its_name() {
    let residual = |target: &str| json!({"residual": {"target": target, "threshold": 1.5}});
    for (model, fields, reason, part) in [
        (
            "forest_two_sk191",
            residual("Power"),
            "ModelMismatch",
            "whose output is Class",
        ),
        (
            "forest_value_sk191",
            residual("Torque"),
            "ColumnMissing",
            "Torque",
        ),
        (
            "forest_value_sk191",
            json!({"output": "Anomaly"}),
            "ModelMismatch",
            "RandomForestRegressor",
        ),
    ] {
        let (plant, _) = plant(model, fields, no_power);
        plant.succeed(&["plan"]);
        plant.step(&["score", "--shard", "0"]);
        let error = &plant.ledger(0).1[0]["error"];
        assert_eq!(error["reason"], reason, "{error}");
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
    }
}
