//! From a real broker to published readings, with the program itself: every reading once, whatever kills it, in every value what a batch
//! over all events comes to.
//!
//! `scripts/broker.sh start` prints `FLEETSCORE_KAFKA`; without that variable the tests are skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use fleetscore_crds::contract::{Counts, SegmentDocument};
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tempfile::TempDir;

fn fleetscore(folder: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command.current_dir(folder).args(words.split_whitespace());
    command.output().unwrap()
}

fn done(folder: &Path, words: &str) -> String {
    let output = fleetscore(folder, words);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// A plant of 40 sensors whose two hours of events are in a topic of their own, and in `events.jsonl`; and the manifest of its stream.
fn plant(broker: &str, topic: &str, more: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    // Some hours ago, so that few hours without readings follow.
    let hour = Timestamp::now().as_second().div_euclid(3600) - 4;
    let start = Timestamp::from_second(hour * 3600).unwrap();
    done(
        folder.path(),
        &format!(
            "simulate --sensors 40 --hours 2 --start {start} --seed 5 --out plant --partitions 4 --late-devices 0.2 --late-seconds 600 \
             --early-devices 0.1 --early-seconds 900 --duplicate-rate 0.05 --events-out events.jsonl --to-kafka {broker}/{topic}"
        ),
    );
    let stream = format!(
        r#"
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ReadingStream
metadata: {{name: plant}}
spec:
  source: {{kafka: {{bootstrapServers: ["{broker}"], topic: {topic}}}, startAt: Earliest}}
  event:
    fields:
      ts: {{type: Time}}
      device: {{}}
      tag: {{}}
      v: {{path: value, type: Number}}
    columns: {{time: ts, keys: {{device: device, tag: tag}}, features: [v]}}
  filter: v > 0.0 && tag != "3"
  window: {{sizeSeconds: 60}}
  aggregates:
    - {{column: Value, of: v}}
    - {{column: Readings, of: v, function: Count}}
    - {{column: Least, of: v, function: Min}}
    - {{column: Most, of: v, function: Max}}
  lateness: {{toleranceSeconds: 900, earlySeconds: 300, idleSeconds: 1}}
  duplicates: DropSameTime
  deadLetter: {{location: refused/}}
  output: {{location: out/}}
  checkpointSeconds: 1
{more}"#
    );
    fs::write(folder.path().join("stream.yaml"), stream).unwrap();
    folder
}

/// A row: mean, count, least, most.
type Row = (f64, f64, f64, f64);
type Rows = BTreeMap<(String, String, i64), Row>;

/// What a batch over all events comes to: they are taken in their order of arrival, which is that of each partition.
fn expected(folder: &Path) -> (Rows, Counts) {
    let mut seen = HashSet::new();
    let mut sums: BTreeMap<(String, String, i64), (f64, f64, f64, f64)> = BTreeMap::new();
    let mut counts = Counts::default();
    for line in fs::read_to_string(folder.join("events.jsonl"))
        .unwrap()
        .lines()
    {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| line["event"][field].as_str().unwrap().to_owned();
        let arrival: Timestamp = line["arrival"].as_str().unwrap().parse().unwrap();
        let time: Timestamp = text("ts").parse().unwrap();
        let (device, tag, value) = (
            text("device"),
            text("tag"),
            line["event"]["value"].as_f64().unwrap(),
        );
        if time.as_nanosecond() > arrival.as_nanosecond() + 300_000_000_000 {
            counts.early += 1;
        } else if value <= 0.0 || tag == "3" {
            counts.filtered += 1;
        } else if !seen.insert((device.clone(), tag.clone(), time)) {
            counts.duplicate += 1;
        } else {
            counts.accepted += 1;
            let window = time.as_second().div_euclid(60) * 60;
            let row = sums.entry((device, tag, window));
            let row = row.or_insert((0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY));
            *row = (
                row.0 + value,
                row.1 + 1.0,
                row.2.min(value),
                row.3.max(value),
            );
        }
    }
    let rows = sums.into_iter();
    let rows =
        rows.map(|(key, (sum, count, least, most))| (key, (sum / count, count, least, most)));
    (rows.collect(), counts)
}

fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, name));
        } else if path.file_name().is_some_and(|file| file == name) {
            found.push(path);
        }
    }
    found
}

/// The rows that the segments' documents list.
fn published(folder: &Path) -> Rows {
    let mut rows = Rows::new();
    for success in files(&folder.join("out"), "_SUCCESS") {
        let document = SegmentDocument::parse(&fs::read(&success).unwrap()).unwrap();
        for file in &document.files {
            let file = File::open(success.with_file_name(&file.name)).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            for batch in reader.build().unwrap() {
                let batch = batch.unwrap();
                let column = |name: &str| batch.column_by_name(name).unwrap();
                let text = |name: &str, row| column(name).as_string::<i32>().value(row).to_owned();
                let number =
                    |name: &str, row| column(name).as_primitive::<Float64Type>().value(row);
                let times = column("Time").as_primitive::<TimestampMicrosecondType>();
                for row in 0..batch.num_rows() {
                    let key = (
                        text("device", row),
                        text("tag", row),
                        times.value(row) / 1_000_000,
                    );
                    let [mean, count, least, most] =
                        ["Value", "Readings", "Least", "Most"].map(|name| number(name, row));
                    let twice = rows.insert(key, (mean, count, least, most));
                    assert_eq!(twice, None, "a row is there once");
                }
            }
        }
    }
    rows
}

fn files_of(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "_stream") {
            found.extend(files_of(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

fn topic(name: &str) -> String {
    format!(
        "{name}-{}-{}",
        std::process::id(),
        Timestamp::now().as_nanosecond()
    )
}

fn assert_rows(rows: &Rows, right: &Rows) {
    assert_eq!(rows.len(), right.len());
    for (key, row) in right {
        assert_eq!(rows.get(key), Some(row), "{key:?}");
    }
}

#[test]
fn published_rows_are_in_every_value_those_of_a_batch_over_all_events() {
    let Ok(broker) = std::env::var("FLEETSCORE_KAFKA") else {
        println!("skipped: FLEETSCORE_KAFKA is absent; run scripts/broker.sh start");
        return;
    };
    let folder = plant(&broker, &topic("whole"), "");
    let folder = folder.path();
    let said = done(
        folder,
        "ingest -f stream.yaml --until Latest --close --json",
    );
    let said: Value = serde_json::from_str(&said).unwrap();
    let counts: Counts = serde_json::from_value(said["counts"].clone()).unwrap();
    let (right, all) = expected(folder);
    assert_eq!(counts, all);
    assert!(
        all.duplicate > 0 && all.early > 0 && all.filtered > 0,
        "{all:?}"
    );
    assert_rows(&published(folder), &right);
    // What is refused is kept.
    assert!(folder.join("refused").is_dir());
    // Models are trained on what is published alone, whatever lies beside it.
    let file = files_of(&folder.join("out"), "parquet").remove(0);
    fs::copy(
        &file,
        file.with_file_name("readings-r0-000-ffffffff.parquet"),
    )
    .unwrap();
    let trained = done(
        folder,
        "train --data out --out trained --time Time --key device=device --key tag=tag --feature Value",
    );
    let rows = trained
        .split_whitespace()
        .skip_while(|word| *word != "on")
        .nth(1);
    assert_eq!(rows, Some(right.len().to_string().as_str()), "{trained}");
    // Another run of it finds nothing new.
    let again = done(
        folder,
        "ingest -f stream.yaml --until Latest --close --json",
    );
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["events"], 0, "{again}");
    assert_rows(&published(folder), &right);
}

#[test]
fn a_process_may_be_killed_again_and_again() {
    let Ok(broker) = std::env::var("FLEETSCORE_KAFKA") else {
        println!("skipped: FLEETSCORE_KAFKA is absent; run scripts/broker.sh start");
        return;
    };
    let folder = plant(&broker, &topic("killed"), "");
    let folder = folder.path();
    let (right, _) = expected(folder);
    let mut ended = false;
    for pause in (1..).map(|round| Duration::from_millis(400 * round)) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
        let words = "ingest -f stream.yaml --until Latest --close --quiet";
        command.current_dir(folder).args(words.split_whitespace());
        let mut process = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        // Each gets a little further than the one before.
        let end = std::time::Instant::now() + pause;
        let mut status = None;
        while status.is_none() && std::time::Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(5));
            status = process.try_wait().unwrap();
        }
        if let Some(status) = status {
            assert!(status.success());
            ended = true;
            break;
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert!(ended);
    assert_rows(&published(folder), &right);
}

#[test]
fn a_dry_run_shows_what_events_become_and_what_is_wrong_with_them() {
    let Ok(broker) = std::env::var("FLEETSCORE_KAFKA") else {
        println!("skipped: FLEETSCORE_KAFKA is absent; run scripts/broker.sh start");
        return;
    };
    let folder = plant(&broker, &topic("dry"), "");
    let folder = folder.path();
    let said = done(folder, "plan -f stream.yaml");
    for part in [
        "4 partitions",
        "400 looked at",
        "Time, device, tag, Value, Readings",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!folder.join("out").exists(), "nothing is written");
    let text = fs::read_to_string(folder.join("stream.yaml")).unwrap();
    fs::write(
        folder.join("wrong.yaml"),
        text.replace("path: value", "path: Value"),
    )
    .unwrap();
    let output = fleetscore(folder, "plan -f wrong.yaml");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("0 selected") && said.contains("the filter selects none"),
        "{said}"
    );
    let unfiltered = text
        .replace("path: value", "path: Value")
        .replace("filter:", "# filter:");
    fs::write(folder.join("wrong.yaml"), unfiltered).unwrap();
    let output = fleetscore(folder, "plan -f wrong.yaml");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("400 FieldMissing") && said.contains("offset"),
        "{said}"
    );
    fs::write(
        folder.join("wrong.yaml"),
        text.replace("v > 0.0", "w > 0.0"),
    )
    .unwrap();
    let output = fleetscore(folder, "ingest -f wrong.yaml");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("spec.filter") && said.contains('w'), "{said}");
}

/// A folder of files is one process's: another one is told whose.
#[test]
fn a_second_process_is_told_who_holds_the_folder() {
    let Ok(broker) = std::env::var("FLEETSCORE_KAFKA") else {
        println!("skipped: FLEETSCORE_KAFKA is absent; run scripts/broker.sh start");
        return;
    };
    let folder = plant(&broker, &topic("locked"), "");
    let folder = folder.path();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command
        .current_dir(folder)
        .args(["ingest", "-f", "stream.yaml", "--quiet"]);
    let mut first = command.spawn().unwrap();
    while !folder.join("out/_stream/partitions/00000").exists() {
        assert!(first.try_wait().unwrap().is_none());
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let output = fleetscore(folder, "ingest -f stream.yaml --quiet");
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&format!("process {}", first.id())) && said.contains("_stream/lock"),
        "{said}"
    );
}
