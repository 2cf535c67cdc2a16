//! A simulated plant as events: what is sent is what is scored, in the disorder that was asked for. The tests that send need a broker:
//! `scripts/broker.sh start` prints `FLEETSCORE_KAFKA`; without that variable they are skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use fleetscore_cli::simulate::{self, Error, SimulateArgs, Summary};
use indicatif::ProgressBar;
use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;
use tempfile::TempDir;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: SimulateArgs,
}

const SMALL: &str = "--sensors 60 --tags 3 --hours 3 --train-hours 1 --interval-seconds 60";
const IN_ORDER: &str = "--delay-seconds 0 --late-devices 0 --early-devices 0 --duplicate-rate 0";

fn try_simulate(folder: &Path, options: &str) -> Result<Summary, Error> {
    let out = folder.join("plant");
    let words = ["simulate", "--out", out.to_str().unwrap()]
        .into_iter()
        .chain(options.split_whitespace());
    simulate::run(&Command::parse_from(words).args, &ProgressBar::hidden())
}

/// An event of the file, with its line.
#[derive(Clone, Debug)]
struct Event {
    arrival: i64,
    partition: i64,
    time: i64,
    device: String,
    tag: String,
    value: f64,
    line: String,
}

fn millis(value: &Value) -> i64 {
    let time: Timestamp = value.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

fn events(options: &str) -> (Vec<Event>, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("events.jsonl");
    let options = format!("{SMALL} {options} --events-out {}", file.display());
    let summary = try_simulate(folder.path(), &options).unwrap();
    let text = fs::read_to_string(file).unwrap();
    let events: Vec<Event> = text.lines().map(event).collect();
    assert_eq!(summary.events, events.len() as u64);
    (events, folder)
}

fn event(line: &str) -> Event {
    let envelope: Value = serde_json::from_str(line).unwrap();
    let event = &envelope["event"];
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    Event {
        arrival: millis(&envelope["arrival"]),
        partition: envelope["partition"].as_i64().unwrap(),
        time: millis(&event["ts"]),
        device: text("device"),
        tag: text("tag"),
        value: event["value"].as_f64().unwrap(),
        line: line.to_owned(),
    }
}

/// Time, device, tag and value of the readings to score, sorted.
fn readings(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("plant/readings.csv")).unwrap();
    let mut rows: Vec<String> = text
        .lines()
        .skip(1)
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned())
        .collect();
    rows.sort();
    rows
}

fn row(event: &Event, ahead: i64) -> String {
    let time = Timestamp::from_millisecond(event.time - ahead).unwrap();
    format!("{time},{},{},{:.4}", event.device, event.tag, event.value)
}

#[test]
fn without_disorder_the_events_are_the_readings() {
    let (events, folder) = events(IN_ORDER);
    let mut rows: Vec<String> = events.iter().map(|event| row(event, 0)).collect();
    assert!(events.iter().all(|event| event.arrival == event.time));
    rows.sort();
    assert_eq!(rows, readings(folder.path()));
}

#[test]
fn all_readings_arrive_in_the_disorder_that_was_asked_for() {
    let (events, folder) = events(
        "--late-devices 0.2 --late-seconds 3600 --early-devices 0.2 --early-seconds 7200 --duplicate-rate 0.1 --partitions 3",
    );
    assert!(events.is_sorted_by_key(|event| event.arrival));
    let devices: BTreeSet<&str> = events.iter().map(|event| event.device.as_str()).collect();
    let longest = |device: &str| {
        let of = events.iter().filter(|event| event.device == device);
        of.map(|event| event.arrival - event.time).max().unwrap()
    };
    let of_kind = |is: &dyn Fn(i64) -> bool| -> BTreeSet<&str> {
        let found = devices.iter().filter(|device| is(longest(device)));
        found.copied().collect()
    };
    // A device of both kinds is up to an hour later than its clock, which is two hours ahead.
    let early = of_kind(&|longest| longest < 0);
    let late = of_kind(&|longest| longest > 5000);
    let rest = of_kind(&|longest| (0..=5000).contains(&longest));
    assert_eq!(early.len() + late.len() + rest.len(), 20);
    assert!((1..10).contains(&early.len()), "{early:?}");
    assert!((1..10).contains(&late.len()), "{late:?}");
    assert!(events.windows(2).any(|pair| pair[0].time > pair[1].time));

    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for event in &events {
        let ahead = if early.contains(event.device.as_str()) {
            7_200_000
        } else {
            0
        };
        *counts.entry(row(event, ahead)).or_default() += 1;
        let device: i64 = event.device.parse().unwrap();
        assert_eq!(event.partition, (device - 1) % 3);
    }
    let rows: Vec<String> = counts.keys().cloned().collect();
    assert_eq!(rows, readings(folder.path()));
    let doubled = counts.values().filter(|count| **count == 2).count();
    assert!(counts.values().all(|count| (1..=2).contains(count)));
    let share = doubled as f64 / counts.len() as f64;
    assert!((0.08..0.12).contains(&share), "{share}");
}

#[test]
fn the_same_options_give_the_same_events_and_no_option_disturbs_another() {
    let lines = |options| -> Vec<String> {
        let (events, _) = events(options);
        events.into_iter().map(|event| event.line).collect()
    };
    let plain = lines("");
    assert_eq!(plain, lines("--partition hour --format parquet"));
    assert_ne!(plain, lines("--seed 2"));
    let single = lines("--duplicate-rate 0");
    let once: BTreeSet<&String> = single.iter().collect();
    assert!(single.len() < plain.len());
    assert!(once.is_subset(&plain.iter().collect()));
}

#[test]
fn a_file_that_is_there_is_only_replaced_by_force() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("events.jsonl");
    fs::write(&file, "mine").unwrap();
    let options = format!("{SMALL} --events-out {}", file.display());
    let error = try_simulate(folder.path(), &options).unwrap_err();
    assert!(error.to_string().contains("events.jsonl"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    try_simulate(folder.path(), &format!("{options} --force")).unwrap();
    assert_ne!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_topic_gets_what_the_file_gets() {
    let Ok(broker) = std::env::var("FLEETSCORE_KAFKA") else {
        println!("skipped: FLEETSCORE_KAFKA is absent; run scripts/broker.sh start");
        return;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let topic = format!("events-{}", now.as_nanos());
    let (events, folder) = events(&format!("--to-kafka {broker}/{topic} --partitions 3"));
    let mut expected: BTreeMap<i32, Vec<(i64, String)>> = BTreeMap::new();
    for event in &events {
        let envelope: Value = serde_json::from_str(&event.line).unwrap();
        expected
            .entry(i32::try_from(event.partition).unwrap())
            .or_default()
            .push((event.arrival, envelope["event"].to_string()));
    }
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &broker)
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..3 {
        list.add_partition_offset(&topic, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut found: BTreeMap<i32, Vec<(i64, String)>> = BTreeMap::new();
    for _ in 0..events.len() {
        let message = loop {
            assert!(Instant::now() < deadline);
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                break message.unwrap();
            }
        };
        let body: Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        assert_eq!(
            message.key().unwrap(),
            body["device"].as_str().unwrap().as_bytes()
        );
        found
            .entry(message.partition())
            .or_default()
            .push((message.timestamp().to_millis().unwrap(), body.to_string()));
    }
    assert_eq!(found, expected);

    let options = format!("{SMALL} --force --to-kafka {broker}/{topic} --partitions 4");
    let error = try_simulate(folder.path(), &options).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("it has 3 partitions; set --partitions 3"),
        "{error}"
    );
}
