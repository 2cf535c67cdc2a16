//! Bad input: one sensor fails with an error that names the place and the remedy, the others are scored.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;

use common::{Plant, failures, text};
use serde_json::Value;

const SENSORS: u32 = 4;

/// Asserts that exactly `failed` sensors failed with `reason` and a message that contains all `parts`, and that the others have
/// their predictions.
fn assert_failures(plant: &Plant, report: &Value, reason: &str, failed: u64, parts: &[&str]) {
    let found = failures(report);
    assert_eq!(found.keys().collect::<Vec<_>>(), [reason], "{found:?}");
    let (count, message) = &found[reason];
    assert_eq!(*count, failed, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert_eq!(report["sensors"]["failed"], failed);
    let written = fs::read_dir(plant.path("predictions"))
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with("preds_")
        });
    assert_eq!(
        written.count() as u64,
        report["sensors"]["total"].as_u64().unwrap() - failed
    );
    let listed = plant.read("predictions/_run/failed.jsonl");
    assert_eq!(listed.lines().count() as u64, failed);
    assert!(listed.contains(reason));
    assert!(
        !plant.path("predictions/_SUCCESS").exists(),
        "a failed run has no _SUCCESS"
    );
}

/// The line of the readings that holds the first reading of device 1, tag 2.
fn first_reading(plant: &Plant) -> (usize, String) {
    let readings = plant.read("readings.csv");
    let (at, line) = readings
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(",1,2,"))
        .unwrap();
    (at + 1, line.to_owned())
}

/// Replaces the value of the first reading of device 1, tag 2; returns its line number.
fn spoil_value(plant: &Plant, value: &str) -> usize {
    let (number, line) = first_reading(plant);
    let mut fields: Vec<_> = line.split(',').collect();
    fields[3] = value;
    plant.edit("readings.csv", &line, &fields.join(","));
    number
}

#[test]
fn a_missing_model() {
    let plant = Plant::new(SENSORS);
    fs::remove_file(plant.path("models/model_1_2.fsm")).unwrap();
    let (code, report) = plant.run(&[]);
    assert_eq!(code, 1);
    assert_failures(
        &plant,
        &report,
        "ModelNotFound",
        1,
        &["models/model_1_2.fsm", "does not exist"],
    );
}

#[test]
fn an_unreadable_model() {
    let plant = Plant::new(SENSORS);
    plant.write("models/model_1_2.fsm", b"not a model");
    let (_, report) = plant.run(&[]);
    assert_failures(
        &plant,
        &report,
        "ModelUnreadable",
        1,
        &["models/model_1_2.fsm"],
    );
    let whole = fs::read(plant.path("models/model_2_1.fsm")).unwrap();
    plant.write("models/model_1_2.fsm", &whole[..whole.len() / 2]);
    let (_, report) = plant.run(&[]);
    assert_failures(
        &plant,
        &report,
        "ModelUnreadable",
        1,
        &["models/model_1_2.fsm"],
    );
}

#[test]
fn a_model_with_more_features_than_columns() {
    let (plant, other) = (Plant::new(SENSORS), Plant::new(2));
    let three = [
        "simulate",
        "--sensors",
        "2",
        "--features",
        "3",
        "--train-hours",
        "2",
        "--out",
        "three",
    ];
    common::assert_success(&other.fleetscore(&three));
    common::assert_success(&other.fleetscore(&["train", "-f", "three/train.yaml"]));
    fs::copy(
        other.path("three/models/model_1_2.fsm"),
        plant.path("models/model_1_2.fsm"),
    )
    .unwrap();
    let (_, report) = plant.run(&[]);
    let parts = [
        "model_1_2.fsm",
        "3 features",
        "lists 1 (`Value`)",
        "spec.input.columns.features",
    ];
    assert_failures(&plant, &report, "ModelMismatch", 1, &parts);
}

#[test]
fn a_missing_column_fails_all_and_lists_what_there_is() {
    let plant = Plant::new(SENSORS);
    let (code, report) = plant.run(&["spec.input.columns.features=[Pressure]"]);
    assert_eq!(code, 1);
    let parts = ["readings.csv", "\"Pressure\"", "Device", "Value"];
    assert_failures(&plant, &report, "ColumnMissing", u64::from(SENSORS), &parts);
}

#[test]
fn an_unparsable_number() {
    let plant = Plant::new(SENSORS);
    let line = spoil_value(&plant, "12,5e");
    let parts = [
        format!("row {line}"),
        "\"Value\"".to_owned(),
        "12".to_owned(),
    ];
    plant.edit("readings.csv", "12,5e", "\"12,5e\"");
    let (_, report) = plant.run(&[]);
    assert_failures(
        &plant,
        &report,
        "InvalidReading",
        1,
        &parts.each_ref().map(String::as_str),
    );
}

#[test]
fn an_unparsable_time() {
    let plant = Plant::new(SENSORS);
    let (number, line) = first_reading(&plant);
    let time = line.split(',').next().unwrap();
    plant.edit("readings.csv", &line, &line.replace(time, "yesterday"));
    let (_, report) = plant.run(&[]);
    let row = format!("row {number}");
    assert_failures(
        &plant,
        &report,
        "InvalidReading",
        1,
        &["readings.csv", &row, "\"TS\"", "yesterday"],
    );
}

#[test]
fn nan_fails_the_sensor_or_is_left_out() {
    let plant = Plant::new(SENSORS);
    let row = format!("row {}", spoil_value(&plant, "NaN"));
    let (_, report) = plant.run(&[]);
    assert_failures(
        &plant,
        &report,
        "InvalidReading",
        1,
        &["readings.csv", &row, "\"Value\"", "NaN"],
    );
    let (code, report) = plant.run(&["spec.input.onInvalidReading=Skip"]);
    assert_eq!((code, report["skipped"].as_u64()), (0, Some(1)));
}

#[test]
fn an_empty_window() {
    let plant = Plant::new(SENSORS);
    let window = [
        "spec.window.start=1999-01-01T00:00:00Z",
        "spec.window.end=1999-01-02T00:00:00Z",
    ];
    let (_, report) = plant.run(&window);
    let parts = ["1999-01-01T00:00:00Z", "spec.window", "onNoReadings"];
    assert_failures(&plant, &report, "NoReadings", u64::from(SENSORS), &parts);
    let (code, report) = plant.run(&[window[0], window[1], "spec.input.onNoReadings=Succeed"]);
    assert_eq!((code, report["rows"].as_u64()), (0, Some(0)));
    assert_eq!(
        plant.read("predictions/preds_1_1.csv").lines().count(),
        1,
        "the header alone"
    );
}

#[test]
fn a_duplicate_sensor() {
    let plant = Plant::new(SENSORS);
    plant.write("sensors.csv", "device,tag\n1,1\n1,2\n2,1\n1,2\n2,2\n");
    let (_, report) = plant.run(&[]);
    assert_failures(
        &plant,
        &report,
        "DuplicateSensor",
        1,
        &["line 5", "line 3", "sensors.csv", "remove one"],
    );
}

#[test]
fn a_placeholder_that_no_key_fills() {
    let plant = Plant::new(SENSORS);
    plant.write("sensors.csv", "device,tag\n1,1\n1,\n2,1\n2,2\n");
    let (_, report) = plant.run(&[]);
    assert_failures(
        &plant,
        &report,
        "KeyMissing",
        1,
        &["line 3", "sensors.csv", "`tag`"],
    );
}

#[test]
fn two_sensors_with_one_output_path() {
    let plant = Plant::new(SENSORS);
    plant.write(
        "sensors.csv",
        "device,tag,unit\n1,1,a\n1,2,b\n2,1,c\n2,2,c\n",
    );
    let (_, report) = plant.run(&["spec.output.file=preds_{unit}.csv"]);
    assert_failures(
        &plant,
        &report,
        "OutputCollision",
        2,
        &["preds_c.csv", "device=2 tag=", "spec.output.file"],
    );
}

#[test]
fn an_unreachable_storage() {
    let plant = Plant::new(SENSORS);
    plant.edit("run.yaml", "location: models/", "location: az://models/");
    plant.edit("run.yaml", "\nspec:", "\nspec:\n  storage: {azure: {account: plantstore, endpoint: \"http://127.0.0.1:9/plantstore\", auth: Anonymous}}");
    let output = plant.fleetscore(&[
        "run",
        "-f",
        "run.yaml",
        "--json",
        "--quiet",
        "--retry-seconds",
        "1",
    ]);
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    assert_failures(
        &plant,
        &report,
        "StorageUnavailable",
        u64::from(SENSORS),
        &["az://models/", "127.0.0.1:9"],
    );
}

#[test]
fn a_limit_lets_some_fail() {
    let plant = Plant::new(SENSORS);
    fs::remove_file(plant.path("models/model_1_2.fsm")).unwrap();
    let (code, report) = plant.run(&["spec.failurePolicy.maxFailedSensors=25%"]);
    assert_eq!(
        (code, report["phase"].as_str()),
        (3, Some("PartiallySucceeded"))
    );
    assert!(plant.path("predictions/_SUCCESS").exists());
    let retry = [
        "spec.sensors={failedIn: {run: simulated}}",
        "spec.output.location=predictions/{run}/",
    ];
    let first = plant.run(&[
        "spec.output.location=predictions/{run}/",
        "spec.failurePolicy.maxFailedSensors=1",
    ]);
    assert_eq!(first.0, 3);
    let (code, report) = plant.run(&[retry[0], retry[1], "metadata.name=again"]);
    assert_eq!(
        (code, report["sensors"]["total"].as_u64()),
        (1, Some(1)),
        "only the failed sensor, and it fails again"
    );
}

#[test]
fn a_sensor_that_fails_now_keeps_no_old_predictions() {
    let plant = Plant::new(SENSORS);
    assert_eq!(plant.run(&[]).0, 0);
    assert!(plant.path("predictions/preds_1_2.csv").exists());
    fs::remove_file(plant.path("models/model_1_2.fsm")).unwrap();
    assert_eq!(plant.run(&[]).0, 1);
    assert!(!plant.path("predictions/preds_1_2.csv").exists());
}

#[test]
fn a_wrong_manifest_writes_nothing() {
    let plant = Plant::new(2);
    let table = [
        ("kind: ScoringRun", "kind: ScoringRum", "ScoringRum"),
        ("format: Auto", "fromat: Auto", "fromat"),
        ("location: models/", "location: s3://models/", "s3"),
        (
            "file: preds_{device}_{tag}.csv",
            "file: preds_{device}_{tag",
            "{tag",
        ),
        (
            "file: preds_{device}_{tag}.csv",
            "file: preds_{device}_{tag}",
            "output.f",
        ),
    ];
    let original = plant.read("run.yaml");
    for (from, to, named) in table {
        plant.write("run.yaml", &original);
        plant.edit("run.yaml", from, to);
        let output = plant.fleetscore(&["run", "-f", "run.yaml"]);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{to}: {message}");
        let line = original
            .lines()
            .position(|line| line.contains(from))
            .unwrap()
            + 1;
        assert!(
            message.contains(&format!("run.yaml:{line}")),
            "{to}: {message}"
        );
        assert!(message.contains(named), "{to}: {message}");
        assert!(
            !plant.path("predictions").exists(),
            "{to}: nothing may be written"
        );
    }
}
