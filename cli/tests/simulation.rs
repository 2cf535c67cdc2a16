//! What a simulated plant promises: the same bytes for the same seed, and labels that tell the truth.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMillisecondType};
use clap::Parser;
use fleetscore_cli::manifest::{self, Loaded};
use fleetscore_cli::simulate::{self, Error, SimulateArgs, Summary};
use indicatif::ProgressBar;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: SimulateArgs,
}

fn try_simulate(out: &Path, options: &str) -> Result<Summary, Error> {
    let out = out.to_str().unwrap();
    let words = ["simulate", "--out", out]
        .into_iter()
        .chain(options.split_whitespace());
    simulate::run(&Command::parse_from(words).args, &ProgressBar::hidden())
}

fn simulated(options: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    try_simulate(folder.path(), options).unwrap();
    folder
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

/// The rows of every readings file, as text, sorted.
fn readings(folder: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    for (path, bytes) in files(folder) {
        if path.starts_with("readings") || path == Path::new("readings.csv") {
            let text = String::from_utf8(bytes).unwrap();
            assert!(
                text.starts_with("TS,Device,Tag,Value"),
                "{}",
                path.display()
            );
            rows.extend(text.lines().skip(1).map(str::to_owned));
        }
    }
    rows.sort();
    rows
}

const SMALL: &str = "--sensors 6 --tags 3 --hours 2 --train-hours 2 --seed 3 --interval-seconds 30";

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for format in ["csv", "parquet"] {
        let options = format!("{SMALL} --format {format} --features 2");
        assert_eq!(
            files(simulated(&options).path()),
            files(simulated(&options).path())
        );
    }
    let other = SMALL.replace("--seed 3", "--seed 4");
    assert_ne!(
        readings(simulated(SMALL).path()),
        readings(simulated(&other).path())
    );
}

#[test]
fn every_partition_holds_the_same_rows() {
    let whole = simulated(SMALL);
    let expected = readings(whole.path());
    assert_eq!(expected.len(), 6 * 240);
    let by_hour = simulated(&format!("{SMALL} --partition hour"));
    assert_eq!(readings(by_hour.path()), expected);
    let first_hour = by_hour.path().join("readings/2026/01/05/00.csv");
    assert_eq!(
        fs::read_to_string(first_hour).unwrap().lines().count(),
        1 + 6 * 120
    );
    let by_sensor = simulated(&format!("{SMALL} --partition sensor"));
    assert_eq!(readings(by_sensor.path()), expected);
    let sensor = fs::read_to_string(
        by_sensor
            .path()
            .join("readings/device=2/tag=3/readings.csv"),
    )
    .unwrap();
    assert!(sensor.lines().skip(1).all(|row| row.contains("Z,2,3,")));
}

#[test]
fn a_sensor_does_not_depend_on_its_neighbours() {
    let few = readings(simulated("--sensors 3 --tags 3 --hours 1 --train-hours 1").path());
    let many = readings(simulated("--sensors 12 --tags 3 --hours 1 --train-hours 1").path());
    let first: Vec<String> = many
        .into_iter()
        .filter(|row| row.contains("Z,1,"))
        .collect();
    assert_eq!(first, few);
}

#[test]
fn times_are_evenly_spaced_and_the_history_ends_where_the_readings_start() {
    let folder = simulated("--sensors 1 --hours 1 --train-hours 1 --start 2018-08-28T23:00:00Z");
    let times = |name: &str| -> Vec<jiff::Timestamp> {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        text.lines()
            .skip(1)
            .map(|row| row.split(',').next().unwrap().parse().unwrap())
            .collect()
    };
    let (history, scored) = (times("train.csv"), times("readings.csv"));
    assert_eq!((history.len(), scored.len()), (30, 720));
    assert_eq!(history[0].to_string(), "2018-08-28T22:00:00Z");
    assert_eq!(history[29].to_string(), "2018-08-28T22:58:00Z");
    assert_eq!(scored[0].to_string(), "2018-08-28T23:00:00Z");
    assert!(
        scored
            .windows(2)
            .all(|pair| pair[1].as_second() - pair[0].as_second() == 5)
    );
}

#[test]
fn time_formats_are_the_documented_ones() {
    for (format, first) in [
        ("rfc3339", "2026-01-05T00:00:00Z"),
        ("plain", "2026-01-05 00:00:00.000"),
        ("epoch-seconds", "1767571200"),
        ("epoch-millis", "1767571200000"),
    ] {
        let folder = simulated(&format!(
            "--sensors 1 --hours 0.1 --train-hours 0.1 --time-format {format}"
        ));
        let text = fs::read_to_string(folder.path().join("readings.csv")).unwrap();
        assert_eq!(text.lines().nth(1).unwrap().split(',').next(), Some(first));
    }
}

type Sensor = (String, String);

struct Reading {
    time: jiff::Timestamp,
    value: f64,
    label: bool,
}

fn by_sensor(path: &Path) -> HashMap<Sensor, Vec<Reading>> {
    let mut sensors: HashMap<Sensor, Vec<Reading>> = HashMap::new();
    for row in fs::read_to_string(path).unwrap().lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        sensors
            .entry((cells[1].to_owned(), cells[2].to_owned()))
            .or_default()
            .push(Reading {
                time: cells[0].parse().unwrap(),
                value: cells[3].parse().unwrap(),
                label: cells.get(4) == Some(&"1"),
            });
    }
    sensors
}

#[test]
fn labels_and_values_match_the_list_of_anomalies() {
    let folder = simulated("--sensors 40 --hours 6 --anomaly-rate 0.05 --seed 11");
    let history = by_sensor(&folder.path().join("train.csv"));
    let scored = by_sensor(&folder.path().join("readings.csv"));
    let mut listed: BTreeSet<(Sensor, jiff::Timestamp)> = BTreeSet::new();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for row in fs::read_to_string(folder.path().join("anomalies.csv"))
        .unwrap()
        .lines()
        .skip(1)
    {
        let cells: Vec<&str> = row.split(',').collect();
        let sensor = (cells[0].to_owned(), cells[1].to_owned());
        let (first, last): (jiff::Timestamp, jiff::Timestamp) =
            (cells[3].parse().unwrap(), cells[4].parse().unwrap());
        let during: Vec<&Reading> = scored[&sensor]
            .iter()
            .filter(|r| r.time >= first && r.time <= last)
            .collect();
        assert_eq!(during.len().to_string(), cells[5]);
        listed.extend(during.iter().map(|reading| (sensor.clone(), reading.time)));
        *kinds.entry(cells[2].to_owned()).or_default() += 1;
        let low = history[&sensor]
            .iter()
            .map(|r| r.value)
            .fold(f64::INFINITY, f64::min);
        let high = history[&sensor]
            .iter()
            .map(|r| r.value)
            .fold(f64::NEG_INFINITY, f64::max);
        match cells[2] {
            "spike" => assert!(
                during.iter().all(|r| r.value < low || r.value > high),
                "{row}"
            ),
            "stuck" => assert!(
                during
                    .iter()
                    .all(|r| (r.value - during[0].value).abs() < 1e-9),
                "{row}"
            ),
            "level-shift" => {
                let mean = during.iter().map(|r| r.value).sum::<f64>() / during.len() as f64;
                assert!(mean < low || mean > high, "{row}");
            }
            _ => {}
        }
    }
    let labelled: BTreeSet<(Sensor, jiff::Timestamp)> = scored
        .iter()
        .flat_map(|(sensor, rows)| {
            rows.iter()
                .filter(|r| r.label)
                .map(|r| (sensor.clone(), r.time))
        })
        .collect();
    assert_eq!(labelled, listed);
    assert_eq!(
        kinds.keys().map(String::as_str).collect::<Vec<_>>(),
        ["level-shift", "noise-burst", "spike", "stuck"]
    );
    let share = labelled.len() as f64 / scored.values().map(Vec::len).sum::<usize>() as f64;
    assert!((0.03..0.07).contains(&share), "{share}");
}

#[test]
fn a_rate_of_zero_means_no_anomaly() {
    let folder = simulated("--sensors 5 --hours 4 --anomaly-rate 0");
    assert!(
        readings(folder.path())
            .iter()
            .all(|row| row.ends_with(",0"))
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("anomalies.csv"))
            .unwrap()
            .lines()
            .count(),
        1
    );
}

#[test]
fn parquet_holds_what_csv_holds() {
    let options = format!("{SMALL} --features 2 --time-format epoch-millis");
    let csv = simulated(&options);
    let parquet = simulated(&format!("{options} --format parquet"));
    let file = fs::File::open(parquet.path().join("readings.parquet")).unwrap();
    let mut rows = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap()
    {
        let batch = batch.unwrap();
        let names: Vec<String> = batch
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        assert_eq!(names, ["TS", "Device", "Tag", "Value1", "Value2", "Label"]);
        for index in 0..batch.num_rows() {
            rows.push((
                batch
                    .column(0)
                    .as_primitive::<TimestampMillisecondType>()
                    .value(index),
                batch.column(1).as_string::<i32>().value(index).to_owned(),
                batch.column(2).as_string::<i32>().value(index).to_owned(),
                batch
                    .column(3)
                    .as_primitive::<Float64Type>()
                    .value(index)
                    .to_bits(),
                batch
                    .column(4)
                    .as_primitive::<Float64Type>()
                    .value(index)
                    .to_bits(),
                batch.column(5).as_boolean().value(index),
            ));
        }
    }
    let text = fs::read_to_string(csv.path().join("readings.csv")).unwrap();
    let expected: Vec<_> = text
        .lines()
        .skip(1)
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            let number = |index: usize| cells[index].parse::<f64>().unwrap().to_bits();
            (
                cells[0].parse::<i64>().unwrap(),
                cells[1].to_owned(),
                cells[2].to_owned(),
                number(3),
                number(4),
                cells[5] == "1",
            )
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = simulated(SMALL);
    let before = files(folder.path());
    assert!(matches!(
        try_simulate(folder.path(), SMALL),
        Err(Error::NotEmpty { .. })
    ));
    assert_eq!(files(folder.path()), before);
}

#[test]
fn force_replaces_a_simulation_and_nothing_else() {
    let folder = simulated(&format!("{SMALL} --partition sensor"));
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    try_simulate(folder.path(), &format!("{SMALL} --format parquet --force")).unwrap();
    let names: Vec<String> = files(folder.path())
        .keys()
        .map(|path| path.display().to_string())
        .collect();
    let expected = [
        "anomalies.csv",
        "notes.txt",
        "readings.parquet",
        "run.yaml",
        "sensors.csv",
        "train.parquet",
        "train.yaml",
    ];
    assert_eq!(names, expected);
}

#[test]
fn tags_must_divide_the_sensors() {
    let folder = TempDir::new().unwrap();
    let error = try_simulate(folder.path(), "--sensors 7 --tags 5").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("--tags 5 does not divide --sensors 7"),
        "{error}"
    );
    assert_eq!(
        simulated("--sensors 7 --hours 0.1 --train-hours 0.1")
            .path()
            .read_dir()
            .unwrap()
            .count(),
        6
    );
}

#[test]
fn the_run_manifest_keeps_the_rules_of_the_api() {
    for (partition, input) in [
        ("none", "readings.csv"),
        ("hour", "readings/"),
        ("sensor", "readings/device={device}/tag={tag}/readings.csv"),
    ] {
        let folder = simulated(&format!("{SMALL} --partition {partition} --features 3"));
        let loaded = manifest::load(&folder.path().join("run.yaml"), &[]).unwrap();
        let Loaded::Run(manifest) = loaded else {
            panic!("not a run");
        };
        assert!(manifest.spec.input.location.ends_with(&format!("/{input}")));
        assert_eq!(
            manifest.spec.input.columns.features,
            ["Value1", "Value2", "Value3"]
        );
        assert_eq!(
            manifest.spec.input.columns.keys.is_empty(),
            partition == "sensor"
        );
        let window = manifest.spec.window.unwrap();
        assert_eq!(
            (window.end.as_second() - window.start.as_second()),
            2 * 3600
        );
        assert!(
            manifest
                .spec
                .sensors
                .manifest
                .unwrap()
                .ends_with("/sensors.csv")
        );
        let sensors = fs::read_to_string(folder.path().join("sensors.csv")).unwrap();
        assert_eq!(sensors, "device,tag\n1,1\n1,2\n1,3\n2,1\n2,2\n2,3\n");
    }
}
