//! What a run makes of its models: names of features, models that take too much memory, and what a user should look at.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::plant::Plant;

/// The names that the models `names_rbf_d3` were trained with.
const NAMES: [&str; 3] = ["pressure", "flow rate", "temp. °C"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/models")
        .join(name)
}

/// The rows that scikit-learn has scored: inputs, score and prediction, as texts.
fn expected(name: &str) -> Vec<Vec<String>> {
    let path = fixture(&format!("{name}.expected.csv"));
    let records = csv::Reader::from_path(path).unwrap().into_records();
    let texts = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    records.map(|record| texts(record.unwrap())).collect()
}

/// One sensor with this model, and scikit-learn's rows as its readings in columns of these names.
fn plant(model: &str, rows: &[Vec<String>], columns: &[&str], parquet: bool) -> Plant {
    let mut plant = Plant::new(0, 0);
    plant.write("models/000.pkl", std::fs::read(fixture(model)).unwrap());
    let times: Vec<String> = (0..rows.len())
        .map(|row| format!("2026-01-01T00:{:02}:{:02}Z", row / 60, row % 60))
        .collect();
    if parquet {
        let location = plant.url("readings.parquet");
        plant.set("/spec/input/location", json!(location));
        write_parquet(&plant.path("readings.parquet"), &times, rows, columns);
    } else {
        let mut text = format!("Time,Device,{}\n", columns.join(","));
        for (time, row) in times.iter().zip(rows) {
            writeln!(text, "{time},000,{}", row[..columns.len()].join(",")).unwrap();
        }
        plant.write("readings.csv", text);
    }
    plant.set("/spec/input/columns/features", json!(columns));
    plant
}

fn write_parquet(path: &Path, times: &[String], rows: &[Vec<String>], columns: &[&str]) {
    let texts = |texts: Vec<&str>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let mut arrays = vec![
        ("Time", texts(times.iter().map(String::as_str).collect())),
        ("Device", texts(vec!["000"; times.len()])),
    ];
    for (at, name) in columns.iter().enumerate() {
        let numbers = rows.iter().map(|row| row[at].parse::<f64>().unwrap());
        let numbers: Float64Array = numbers.map(Some).collect();
        arrays.push((name, Arc::new(numbers)));
    }
    let batch = RecordBatch::try_from_iter(arrays).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Score and prediction of every row of the sensor's file.
fn labels(plant: &Plant) -> Vec<(f64, String)> {
    let text = plant.read("out/preds_000.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let (score, prediction) = (column("Score"), column("Prediction"));
    let label = |record: csv::StringRecord| {
        (
            record[score].parse().unwrap(),
            record[prediction].to_owned(),
        )
    };
    reader
        .records()
        .map(|record| label(record.unwrap()))
        .collect()
}

/// The first warning of the only sensor, as the ledger has it.
fn warning(plant: &Plant) -> Value {
    plant.ledger(0).1[0]["warnings"][0].clone()
}

fn assert_contains(text: &Value, parts: &[&str]) {
    let text = text.as_str().unwrap();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn columns_in_another_order_are_scored_in_the_models_order() {
    let rows = expected("names_rbf_d3_sk191");
    let swapped: Vec<Vec<String>> = rows
        .iter()
        .map(|row| [&row[2], &row[0], &row[1]].map(String::clone).to_vec())
        .collect();
    let listed = plant("names_rbf_d3_sk191.p5.pkl", &rows, &NAMES, false);
    listed.whole_run();
    assert_eq!(warning(&listed), Value::Null);
    let right = labels(&listed);
    for (label, row) in right.iter().zip(&rows) {
        assert_eq!(label.1, row[4], "the label is scikit-learn's");
    }
    for parquet in [false, true] {
        let columns = [NAMES[2], NAMES[0], NAMES[1]];
        let other = plant("names_rbf_d3_sk191.joblib", &swapped, &columns, parquet);
        other.whole_run();
        assert_eq!(labels(&other), right, "to the last bit; Parquet: {parquet}");
        let warning = warning(&other);
        assert_eq!(warning["reason"], "FeaturesReordered");
        assert_contains(
            &warning["message"],
            &[
                "trained on `pressure`, `flow rate`, `temp. °C`",
                "lists `temp. °C`, `pressure`, `flow rate`",
                "model's order",
            ],
        );
        let report: Value = serde_json::from_str(&other.read("out/_run/report.json")).unwrap();
        assert_eq!(report["warnings"][0]["reason"], "FeaturesReordered");
        assert!(
            other
                .read("out/_run/logs/000000.log")
                .contains("model's order")
        );
        // The predictions keep the columns as the run lists them.
        let header = other.read("out/preds_000.csv");
        assert!(
            header.starts_with("Time,Device,temp. °C,pressure,flow rate,"),
            "{header}"
        );
    }
}

#[test]
fn columns_of_other_names_are_told_or_refused() {
    let rows = expected("names_rbf_d3_sk191");
    let model = "names_rbf_d3_sk191.p4.pkl";
    let renamed = plant(model, &rows, &["a", "b", "c"], false);
    renamed.whole_run();
    let warning = warning(&renamed);
    assert_eq!(warning["reason"], "FeaturesRenamed");
    assert_contains(
        &warning["message"],
        &[
            "trained on `pressure`, `flow rate`, `temp. °C`",
            "lists `a`, `b`, `c`",
        ],
    );
    for (label, row) in labels(&renamed).iter().zip(&rows) {
        assert_eq!(label.1, row[4]);
    }
    let mixed = plant(model, &rows, &["pressure", "flow", "temp. °C"], false);
    mixed.succeed(&["plan"]);
    assert_eq!(mixed.step(&["score", "--shard", "0"]).code, Some(10));
    let error = &mixed.ledger(0).1[0]["error"];
    assert_eq!(error["reason"], "ModelMismatch");
    assert_contains(
        &error["message"],
        &[
            "no column is named `flow rate`",
            "lists `pressure`, `flow`, `temp. °C`",
        ],
    );
}

#[test]
fn one_feature_of_another_name_is_told() {
    let rows = expected("bundle_rbf_d3_sk191");
    let plant = plant(
        "bundle_rbf_d3_sk191.dict.pkl",
        &rows,
        &["x", "y", "z"],
        false,
    );
    plant.whole_run();
    for (label, row) in labels(&plant).iter().zip(&rows) {
        assert_eq!(label.1, row[4]);
    }
    let warnings = &plant.ledger(0).1[0]["warnings"];
    assert_eq!(warnings[0]["reason"], "FeaturesRenamed", "{warnings}");
    assert_eq!(warnings[1]["reason"], "ThresholdLeftOut", "{warnings}");
    assert_contains(&warnings[1]["message"], &["`threshold`", "predict()"]);
}

/// A sensor is a folder of MLflow; what else lies in it is none.
#[test]
fn folders_of_mlflow_are_found_and_scored() {
    let mut plant = Plant::new(0, 0);
    let folder = |file: &str| fixture("../mlflow/signature_mlflow3172").join(file);
    for file in ["MLmodel", "model.pkl"] {
        let bytes = std::fs::read(folder(file)).unwrap();
        plant.write(&format!("models/000/{file}"), &bytes);
        if file == "MLmodel" {
            plant.write("models/001/MLmodel", bytes);
        }
    }
    plant.write("models/000/conda.yaml", "name: mlflow-env");
    plant.write(
        "readings.csv",
        "Time,Device,pressure,temperature\n2026-01-01T00:00:00Z,000,50,20\n2026-01-01T00:00:00Z,001,50,20\n",
    );
    plant.set(
        "/spec/input/columns/features",
        json!(["pressure", "temperature"]),
    );
    let location = plant.url("models/{device}/MLmodel");
    plant.set("/spec/model/location", json!(location));
    plant.set("/spec/sharding", json!({"sensorsPerPod": 2}));
    assert_eq!(plant.succeed(&["plan"])["sensors"], 2);
    assert_eq!(plant.step(&["score", "--shard", "0"]).code, Some(10));
    assert_eq!(plant.reasons(0), ["", "ModelNotFound"]);
    assert_contains(
        &plant.ledger(0).1[1]["error"]["message"],
        &["models/001/model.pkl"],
    );
    assert_eq!(warning(&plant)["reason"], "FeaturesReordered");
    assert_eq!(labels(&plant).len(), 1);
}

/// Half a megabyte that becomes 512 MiB fails its own sensor, in a process that may take 64 MiB; so do many of them at a time.
#[test]
fn bombs_fail_their_own_sensors() {
    let mut plant = Plant::new(12, 5);
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..500 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 600_000, "{} bytes", bomb.len());
    for sensor in 1..11 {
        plant.write(&format!("models/{sensor:03}.pkl"), &bomb);
    }
    plant.set("/spec/sharding", json!({"sensorsPerPod": 12}));
    plant.succeed(&["plan"]);
    // The process's address space is bounded too: it would end if it took what the bombs ask for.
    let launcher = ["prlimit", "--data=367001600"];
    let step = plant
        .command(&launcher, &["score", "--shard", "0", "--memory-mib", "64"])
        .spawn();
    let ended = plant.end(step.unwrap());
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    let reasons = plant.reasons(0);
    for (sensor, reason) in reasons.iter().enumerate() {
        let expected = if (1..11).contains(&sensor) {
            "ModelUnreadable"
        } else {
            ""
        };
        assert_eq!(reason, expected, "sensor {sensor}");
    }
    assert_contains(
        &plant.ledger(0).1[1]["error"]["message"],
        &[
            "MiB of memory or more",
            "MiB are free for it",
            "it is 64 MiB",
            "FLEETSCORE_MEMORY_MIB",
            "without compression",
        ],
    );
}

/// A model that needs more than its small share waits for more, and is read.
#[test]
fn a_compressed_model_is_read_in_little_memory() {
    let rows = expected("formats_rbf_d3_sk191");
    let plant = plant(
        "formats_rbf_d3_sk191.xz.joblib",
        &rows,
        &["a", "b", "c"],
        false,
    );
    plant.succeed(&["plan"]);
    plant.succeed(&["score", "--shard", "0", "--memory-mib", "64"]);
    for (label, row) in labels(&plant).iter().zip(&rows) {
        assert_eq!(label.1, row[4]);
    }
}

#[test]
fn a_model_without_its_scaler_is_suspected() {
    let rows = expected("standard_rbf_d3_sk191");
    let far: Vec<Vec<String>> = rows.iter().map(|_| vec!["1e6".to_owned(); 3]).collect();
    for (model, has_scaler) in [
        ("bare_rbf_d3_sk191.p5.pkl", false),
        ("standard_rbf_d3_sk191.p5.pkl", true),
    ] {
        let plant = plant(model, &far, &["a", "b", "c"], false);
        plant.whole_run();
        let warning = warning(&plant);
        assert_eq!(warning["reason"], "MostlyAnomalous");
        let message = warning["message"].as_str().unwrap();
        assert_eq!(
            message.contains("it has no scaler")
                && message.contains("make_pipeline(scaler, model)"),
            !has_scaler,
            "{message}"
        );
    }
}
