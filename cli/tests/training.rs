//! Training a fleet: from files to models that find anomalies, and what is said about sensors that cannot be trained.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use clap::Parser;
use fleetscore_cli::simulate::{self, SimulateArgs};
use fleetscore_cli::train::{self, Error, Summary, TrainArgs};
use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{self, Model, Verdicts};
use indicatif::ProgressBar;
use tempfile::TempDir;

#[derive(Parser)]
struct Simulate {
    #[command(flatten)]
    args: SimulateArgs,
}

#[derive(Parser)]
struct Train {
    #[command(flatten)]
    args: TrainArgs,
}

fn simulated(options: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let words = ["simulate", "--out", folder.path().to_str().unwrap()];
    let words = words.into_iter().chain(options.split_whitespace());
    simulate::run(&Simulate::parse_from(words).args, &ProgressBar::hidden()).unwrap();
    folder
}

fn train(words: &[&str]) -> Result<Summary, Error> {
    let args = Train::parse_from(["train"].iter().chain(words)).args;
    train::run(&args, &ProgressBar::hidden())
}

fn train_file(path: &Path) -> Result<Summary, Error> {
    train(&["-f", path.to_str().unwrap()])
}

fn model(path: &Path) -> Model {
    models::read(&fs::read(path).unwrap(), ModelFormat::Auto).unwrap()
}

/// The cells of a CSV file without its header.
fn cells(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .map(|row| row.split(',').map(str::to_owned).collect())
        .collect()
}

#[test]
fn models_of_a_simulated_plant_find_its_spikes() {
    let folder = simulated("--sensors 20 --hours 4 --anomaly-rate 0.05 --seed 5");
    let summary = train_file(&folder.path().join("train.yaml")).unwrap();
    assert_eq!(
        (summary.trained, summary.failed.len(), summary.rows),
        (20, 0, 20 * 720)
    );
    let mut sensors: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for row in cells(&folder.path().join("readings.csv")) {
        sensors
            .entry(format!("{}_{}", row[1], row[2]))
            .or_default()
            .push(row);
    }
    let mut alarms: HashSet<String> = HashSet::new();
    for (sensor, rows) in &sensors {
        let values: Vec<f64> = rows.iter().map(|row| row[3].parse().unwrap()).collect();
        let mut verdicts = Verdicts::default();
        model(&folder.path().join(format!("models/model_{sensor}.fsm")))
            .score(&values, &mut verdicts);
        assert_eq!(verdicts.len(), rows.len());
        let flagged = rows.iter().zip(verdicts.anomalies());
        let flagged = flagged.filter(|(_, anomaly)| **anomaly);
        alarms.extend(flagged.map(|(row, _)| format!("{sensor} {}", row[0])));
    }
    let anomalies = cells(&folder.path().join("anomalies.csv"));
    let spikes: Vec<&Vec<String>> = anomalies
        .iter()
        .filter(|anomaly| anomaly[2] == "spike")
        .collect();
    assert!(spikes.len() > 50, "{}", spikes.len());
    let found =
        |spike: &&Vec<String>| alarms.contains(&format!("{}_{} {}", spike[0], spike[1], spike[3]));
    let missed = spikes.iter().filter(|spike| !found(spike)).count();
    assert_eq!(missed, 0, "of {}", spikes.len());
    let normal: Vec<String> = sensors
        .iter()
        .flat_map(|(sensor, rows)| {
            rows.iter()
                .filter(|r| r[4] == "0")
                .map(move |r| format!("{sensor} {}", r[0]))
        })
        .collect();
    let false_alarms = normal
        .iter()
        .filter(|reading| alarms.contains(*reading))
        .count();
    assert!(
        (false_alarms as f64) < 0.05 * normal.len() as f64,
        "{false_alarms} of {}",
        normal.len()
    );
}

#[test]
fn csv_parquet_and_options_give_the_same_models() {
    let options = "--sensors 4 --tags 2 --hours 0.5 --train-hours 6 --features 2";
    let csv = simulated(options);
    let parquet = simulated(&format!("{options} --format parquet"));
    train_file(&csv.path().join("train.yaml")).unwrap();
    train_file(&parquet.path().join("train.yaml")).unwrap();
    let out = csv.path().join("again");
    let data = csv.path().join("train.csv");
    let (data, template) = (data.to_str().unwrap(), out.to_str().unwrap());
    train(&[
        "--data",
        data,
        "--out",
        template,
        "--feature",
        "Value1",
        "--feature",
        "Value2",
    ])
    .unwrap();
    for name in [
        "model_1_1.fsm",
        "model_1_2.fsm",
        "model_2_1.fsm",
        "model_2_2.fsm",
    ] {
        let expected = fs::read(csv.path().join("models").join(name)).unwrap();
        assert!(
            fs::read(parquet.path().join("models").join(name)).unwrap() == expected,
            "{name}"
        );
        assert!(fs::read(out.join(name)).unwrap() == expected, "{name}");
    }
}

/// 40 readings of device 1 with tag 1, then `more`; returns the folder and the file.
fn history(more: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let readings =
        (0..40).map(|index| format!("2026-01-05T00:{index:02}:00Z,1,1,{}", (index * 7) % 11));
    let rows: Vec<String> = std::iter::once("TS,Device,Tag,Value".to_owned())
        .chain(readings)
        .collect();
    fs::write(
        folder.path().join("history.csv"),
        rows.join("\n") + "\n" + more,
    )
    .unwrap();
    let file = folder.path().join("history.csv").display().to_string();
    (folder, file)
}

fn repeated(row: &str) -> String {
    format!("{row}\n").repeat(20)
}

#[test]
fn a_sensor_that_cannot_be_trained_is_named_and_the_others_are_trained() {
    let more = repeated("2026-01-05T00:00:00Z,1,2,7.5")
        + "2026-01-05T00:00:00Z,1,3,1\n2026-01-05T00:01:00Z,1,3,2\n"
        + "2026-01-05T00:00:00Z,1,4,oops\n2026-01-05T00:00:00Z,1,5,NaN\n2026-01-05T00:00:00Z,1,6,\n";
    let (folder, data) = history(&more);
    let out = folder.path().join("models");
    let summary = train(&["--data", &data, "--out", out.to_str().unwrap()]).unwrap();
    assert_eq!(summary.trained, 1);
    let failed: Vec<(String, &str)> = summary
        .failed
        .iter()
        .map(|f| (f.sensor.to_string(), f.reason.as_str()))
        .collect();
    let expected = [
        ("device=1 tag=2", "Constant"),
        ("device=1 tag=3", "TooFewReadings"),
        ("device=1 tag=4", "InvalidReading"),
        ("device=1 tag=5", "InvalidReading"),
        ("device=1 tag=6", "InvalidReading"),
    ];
    assert_eq!(
        failed,
        expected.map(|(sensor, reason)| (sensor.to_owned(), reason))
    );
    assert!(
        summary.failed[2]
            .message
            .contains("row 64, column \"Value\": \"oops\" is not a finite number"),
        "{}",
        summary.failed[2].message
    );
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    let text = summary.to_string();
    assert!(
        text.contains("5 sensors failed: Constant 1, InvalidReading 3, TooFewReadings 1"),
        "{text}"
    );
}

#[test]
fn a_longer_history_is_thinned_and_the_summary_says_so() {
    let (folder, data) = history("");
    let out = folder
        .path()
        .join("{device}-{tag}.fsm")
        .display()
        .to_string();
    let summary = train(&[
        "--data",
        &data,
        "--out",
        &out,
        "--max-rows",
        "20",
        "--nu",
        "0.5",
    ])
    .unwrap();
    assert_eq!(
        (summary.trained, summary.subsampled, summary.rows),
        (1, 1, 40)
    );
    assert!(
        summary
            .to_string()
            .contains("1 of them on 20 evenly spaced readings"),
        "{summary}"
    );
    // The coefficients of a one-class SVM sum to nu times the number of rows.
    let model = model(&folder.path().join("1-1.fsm"));
    let sum: f64 = model.svm().unwrap().coefficients.iter().sum();
    assert!((sum - 10.0).abs() < 1e-9, "{sum}");
}

const DOCUMENT: &str = "apiVersion: scoring.fleetscore.io/v1alpha1
kind: Training
metadata: {name: test}
spec:
  data:
    location: history.csv
    columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value], timeZone: Europe/Berlin}
  window: {start: 2026-01-05T00:10:00Z, end: 2026-01-05T00:30:00Z}
  model: {location: 'm_{device}_{tag}.fsm', nu: 0.5}
";

#[test]
fn only_the_window_is_trained_on() {
    let (folder, _) = history("2026-01-05 01:10:00.000,1,1,3.5\n2026-01-05 00:10:00.000,1,1,99\n");
    let document = folder.path().join("train.yaml");
    fs::write(&document, DOCUMENT).unwrap();
    assert_eq!(train_file(&document).unwrap().rows, 21);
    fs::write(
        &document,
        DOCUMENT.replace("2026-01-05T00:", "2027-01-05T00:"),
    )
    .unwrap();
    assert!(
        train_file(&document)
            .unwrap_err()
            .to_string()
            .contains("no readings in spec.window")
    );
}

#[test]
fn readings_labelled_as_anomalies_are_left_out() {
    let folder = simulated("--sensors 2 --hours 2 --anomaly-rate 0.1 --seed 9");
    let readings = fs::read_to_string(folder.path().join("readings.csv")).unwrap();
    let normal = readings.lines().filter(|row| row.ends_with(",0")).count();
    let document = folder.path().join("train.yaml");
    let text = fs::read_to_string(&document).unwrap();
    let text = text
        .replace("train.csv", "readings.csv")
        .replace("features: [Value]", "features: [Value]\n      label: Label");
    fs::write(&document, text).unwrap();
    let summary = train_file(&document).unwrap();
    assert_eq!((summary.trained, summary.rows), (2, normal as u64));
}

#[test]
fn a_folder_of_files_is_one_history() {
    let folder = simulated("--sensors 4 --tags 2 --hours 1 --partition sensor --anomaly-rate 0");
    let data = folder.path().join("readings").display().to_string();
    let out = folder.path().join("models").display().to_string();
    let summary = train(&["--data", &data, "--out", &out]).unwrap();
    assert_eq!((summary.trained, summary.rows), (4, 4 * 720));
}

#[test]
fn a_history_is_refused_as_readings_are() {
    for (more, part) in [
        (
            "2026-01-05T00:00:00Z,1,\"1,5\n",
            "the quote that opens in line 42 is never closed",
        ),
        (
            "2026-01-05T00:00:00Z,\"1\"x,1,5\n",
            "in line 42, text follows a closing quote",
        ),
        (
            "2026-01-05T00:00:00Z,1,1\n",
            "line 42: 3 fields, but the header has 4",
        ),
        ("2026-01-05T00:00:00Z,1,1", "ends within line 42"),
        (
            "2026-01-05T00:00:00Z,,1,5\n",
            "nothing in the column \"Device\"",
        ),
    ] {
        let (folder, data) = history(more);
        let out = folder.path().display().to_string();
        let message = train(&["--data", &data, "--out", &out])
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    }
    let (folder, data) = history("");
    let out = folder.path().display().to_string();
    fs::write(
        &data,
        b"PK\x03\x04 and so on, thirty bytes and more of it: data.csv",
    )
    .unwrap();
    let message = train(&["--data", &data, "--out", &out])
        .unwrap_err()
        .to_string();
    assert!(message.contains("it is a zip archive"), "{message}");
    fs::create_dir(folder.path().join("_delta_log")).unwrap();
    fs::write(folder.path().join("_delta_log/0.json"), "{}").unwrap();
    let message = train(&["--data", &out, "--out", &out])
        .unwrap_err()
        .to_string();
    assert!(message.contains("is a Delta Lake table"), "{message}");
}

#[test]
fn without_a_window_no_time_is_needed_and_packed_files_of_a_folder_count() {
    let folder = TempDir::new().unwrap();
    let rows: Vec<String> = (0..40)
        .map(|index| format!("1,1,{}", (index * 7) % 11))
        .collect();
    fs::create_dir(folder.path().join("history")).unwrap();
    let text = format!("Device,Tag,Value\n{}\n", rows.join("\n"));
    fs::write(folder.path().join("history/a.csv"), &text).unwrap();
    fs::write(folder.path().join("history/_b.csv"), &text).unwrap();
    fs::write(folder.path().join("history/README.md"), "# history").unwrap();
    let (data, out) = (
        folder.path().join("history"),
        folder.path().display().to_string(),
    );
    let summary = train(&["--data", data.to_str().unwrap(), "--out", &out]).unwrap();
    assert_eq!((summary.trained, summary.rows), (1, 40));
}

#[test]
fn wrong_documents_and_files_are_refused_with_the_field_or_column() {
    let (folder, _) = history("");
    let document = folder.path().join("train.yaml");
    for (from, to, expected) in [
        (
            "nu: 0.5",
            "nu: 1.5",
            "spec.model.nu: 1.5 is not above 0 and at most 1",
        ),
        ("nu: 0.5", "nu: 0", "spec.model.nu"),
        (
            "nu: 0.5",
            "gamma: -1",
            "gamma is `scale`, `auto` or a number above 0",
        ),
        ("nu: 0.5", "kernel: rbf", "unknown field `kernel`"),
        ("nu: 0.5", "tolerance: 1e-15", "spec.model.tolerance"),
        ("nu: 0.5", "maxRows: 2", "spec.model.maxRows"),
        ("m_{device}_{tag}", "m_{device}", "lacks {tag}"),
        (
            "[Value]",
            "[Wert]",
            "no column \"Wert\"; its columns are \"TS\", \"Device\", \"Tag\", \"Value\"",
        ),
        ("[Value]", "[]", "spec.data.columns.features"),
        ("history.csv", "az://container/history.csv", "is not local"),
        ("history.csv", "absent.csv", "absent.csv"),
        ("v1alpha1", "v2", "apiVersion"),
        ("kind: Training", "kind: ScoringRun", "ScoringRun"),
        (
            "Europe/Berlin",
            "Europe/Nowhere",
            "spec.data.columns.timeZone",
        ),
    ] {
        assert!(DOCUMENT.contains(from));
        fs::write(&document, DOCUMENT.replace(from, to)).unwrap();
        let message = train_file(&document).unwrap_err().to_string();
        assert!(message.contains(expected), "{to}: {message}");
    }
}

#[test]
fn a_key_cannot_lead_out_of_the_folder() {
    let rows: Vec<String> = (0..20)
        .map(|index| format!("2026-01-05T00:00:00Z,../../up,1,{index}"))
        .collect();
    let (folder, data) = history(&(rows.join("\n") + "\n"));
    let out = folder
        .path()
        .join("models/{device}/{tag}.fsm")
        .display()
        .to_string();
    assert_eq!(train(&["--data", &data, "--out", &out]).unwrap().trained, 2);
    assert!(folder.path().join("models/..%2F..%2Fup/1.fsm").is_file());
}

#[test]
fn numbers_no_model_can_be_made_of_are_errors_of_the_sensor() {
    let (folder, data) = history("");
    let out = folder.path().display().to_string();
    let summary = train(&["--data", &data, "--out", &out, "--nu", "1"]).unwrap();
    assert_eq!(summary.failed[0].reason, "NotSolved");
    assert!(
        summary.failed[0].message.contains("choose a smaller one"),
        "{}",
        summary.failed[0].message
    );
}
