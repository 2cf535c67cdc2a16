//! An exported stream, run by Flink itself, publishes the readings that `fleetscore ingest` publishes.
//!
//! `make flink` runs it: it needs `FLEETSCORE_KAFKA`, and in `FLEETSCORE_FLINK` the program that runs a file of statements.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_array::Array as _;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

fn done(folder: &Path, words: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command.current_dir(folder).args(words.split_whitespace());
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a manifest and its SQL publish, in every row.
const MANIFEST: &str = r#"
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ReadingStream
metadata: {name: plant}
spec:
  source: {kafka: {bootstrapServers: ["BROKER"], topic: TOPIC}, startAt: Earliest}
  event:
    fields:
      ts: {type: Time}
      device: {}
      tag: {}
      v: {path: value, type: Number}
      w: {expression: "v * 2.0 - 1.0", type: Number}
    columns: {time: ts, keys: {device: device, tag: tag}, features: [v, w]}
  filter: 'v > 0.0 && tag != "3" && device.matches("^[0-9]+$") && !(tag in ["x", "it''s"])'
  window: {sizeSeconds: SIZE, hopSeconds: 60}
  aggregates:
    - {column: Value, of: v}
    - {column: Readings, of: v, function: Count}
    - {column: Least, of: v, function: Min}
    - {column: Most, of: w, function: Max}
    - {column: Spread, of: v, function: StdDev}
  lateness: {toleranceSeconds: TOLERANCE}
  output: {location: out/}
"#;

type Rows = BTreeMap<(String, String, i64), [Option<f64>; 5]>;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && !name.starts_with('_') {
            files(&path, found);
        } else if path.is_file() && !name.starts_with('.') {
            found.push(path);
        }
    }
}

/// All rows below a folder, and the folders that are marked as complete.
fn rows(folder: &Path) -> (Rows, Vec<PathBuf>) {
    let (mut rows, mut found) = (Rows::new(), Vec::new());
    files(folder, &mut found);
    let is_marker = |path: &PathBuf| path.ends_with("_SUCCESS");
    let (markers, found): (Vec<_>, Vec<_>) = found.into_iter().partition(is_marker);
    for file in found {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let text = |name: &str, row| batch[name].as_string::<i32>().value(row).to_owned();
            let times = batch["Time"].as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let key = (text("device", row), text("tag", row), times.value(row));
                let values = ["Value", "Readings", "Least", "Most", "Spread"].map(|name| {
                    let column = batch[name].as_primitive::<Float64Type>();
                    column.is_valid(row).then(|| column.value(row))
                });
                assert_eq!(rows.insert(key, values), None, "a row is there once");
            }
        }
    }
    let of = |path: PathBuf| {
        path.parent()
            .unwrap()
            .strip_prefix(folder)
            .unwrap()
            .to_owned()
    };
    (rows, markers.into_iter().map(of).collect())
}

/// Whether two numbers differ by no more than `most`, or neither is there.
fn is_close(left: Option<f64>, right: Option<f64>, most: f64) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() <= most,
        (left, right) => left == right,
    }
}

/// The variance, and how exact Flink's can be, which comes from sums of squares.
fn variance(row: &[Option<f64>; 5]) -> (Option<f64>, f64) {
    let variance = row[4].map(|deviation| deviation * deviation);
    (
        variance,
        1e-9 * variance.unwrap_or(0.0) + 1e-14 * row[0].unwrap().powi(2),
    )
}

fn publishes_the_same(partitions: u32, late_seconds: u32, tolerance: u32, size: u32) {
    let (Ok(broker), Ok(flink)) = (
        std::env::var("FLEETSCORE_KAFKA"),
        std::env::var("FLEETSCORE_FLINK"),
    ) else {
        println!("skipped: FLEETSCORE_KAFKA or FLEETSCORE_FLINK is absent; run make flink");
        return;
    };
    let topic = format!("export-{partitions}-{}", Timestamp::now().as_nanosecond());
    let manifest = MANIFEST.replace("BROKER", &broker).replace("TOPIC", &topic);
    let manifest = manifest
        .replace("TOLERANCE", &tolerance.to_string())
        .replace("SIZE", &size.to_string());
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("stream.yaml"), manifest).unwrap();
    let hour = Timestamp::now().as_second().div_euclid(3600) - 4;
    let start = Timestamp::from_second(hour * 3600).unwrap();
    done(
        folder,
        &format!(
            "simulate --sensors 40 --hours 2 --start {start} --seed 5 --out plant --partitions {partitions} --late-devices 0.2 \
             --late-seconds {late_seconds} --early-devices 0.1 --early-seconds 900 --duplicate-rate 0.05 --to-kafka {broker}/{topic}"
        ),
    );
    done(
        folder,
        "ingest -f stream.yaml --until Latest --close --quiet --set spec.lateness.idleSeconds=1",
    );
    let sql = done(
        folder,
        "export -f stream.yaml --to FlinkSql --set spec.output.location=flink/",
    );
    // It ends where the topic ends now. A reader without partitions would be at the end from the start, so there is one.
    let sql = sql.replace(
        "'scan.startup.mode'",
        "'scan.bounded.mode' = 'latest-offset',\n  'scan.startup.mode'",
    );
    fs::write(
        folder.join("stream.sql"),
        format!("SET 'parallelism.default' = '1';\n{sql}"),
    )
    .unwrap();
    let ran = Command::new(flink)
        .arg("run")
        .arg(folder.join("stream.sql"))
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let ((right, complete), (found, marked)) =
        (rows(&folder.join("out")), rows(&folder.join("flink")));
    assert!(right.len() > 1000, "{}", right.len());
    assert_eq!(found.len(), right.len());
    for (key, row) in &right {
        let other = found.get(key).unwrap_or_else(|| panic!("{key:?}: {row:?}"));
        assert_eq!(other[1..4], row[1..4], "{key:?}");
        assert!(
            is_close(other[0], row[0], 1e-12 * row[0].unwrap().abs()),
            "{key:?}: {other:?} {row:?}"
        );
        let (right, most) = variance(row);
        assert!(
            is_close(variance(other).0, right, most),
            "{key:?}: {other:?} {row:?}"
        );
    }
    assert!(
        marked.iter().all(|folder| complete.contains(folder)) && marked.len() > 1,
        "{marked:?}"
    );
}

#[test]
fn flink_publishes_the_same_of_one_partition_with_late_readings() {
    publishes_the_same(1, 600, 60, 60);
}

#[test]
fn flink_publishes_the_same_of_eight_partitions_and_windows_that_overlap() {
    publishes_the_same(8, 600, 900, 300);
}
