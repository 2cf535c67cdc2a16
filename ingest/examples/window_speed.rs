//! Readings a second of one processor, memory for each open window of a sensor, and how long a checkpoint holds a partition up, all in time on the
//! processor.
//!
//! `cargo run --release -p fleetscore-ingest --example window_speed`

use std::error::Error;
use std::fs::read_to_string;
use std::process::Command;

use fleetscore_ingest::{Partition, Reading, Rules};
use serde_json::json;

const SECOND: i64 = 1_000_000_000;
/// 2026-11-28T09:00:00Z.
const BASE: i64 = 1_795_856_400 * SECOND;
const MINUTES: i64 = 7;

fn main() -> Result<(), Box<dyn Error>> {
    if let [_, sensors, aggregates] = &std::env::args().collect::<Vec<_>>()[..] {
        return measure(sensors.parse()?, &ALL[..aggregates.parse()?]);
    }
    println!(
        "sensors  aggregates  ns/reading  readings/s  B/open window  MiB  parts ms  copy ms (most)  encode ms  MiB stored  load ms"
    );
    for aggregates in ["1", "10"] {
        for sensors in ["1000", "100000"] {
            // Each in a process of its own, so that memory is its own.
            let program = std::env::current_exe()?;
            Command::new(program).args([sensors, aggregates]).status()?;
        }
    }
    Ok(())
}

const ALL: [&str; 10] = [
    "Avg", "Count", "Sum", "Min", "Max", "Range", "StdDev", "Var", "First", "Last",
];

fn rules(functions: &[&str]) -> Result<Rules, Box<dyn Error>> {
    let aggregate = |function: &&str| json!({"column": function, "of": "v", "function": function});
    let aggregates: Vec<_> = functions.iter().map(aggregate).collect();
    let spec = json!({
        "source": {"kafka": {"bootstrapServers": ["b:9092"], "topic": "t"}},
        "event": {
            "fields": {"t": {"type": "Time"}, "device": {}, "tag": {}, "v": {"type": "Number"}},
            "columns": {"time": "t", "keys": {"device": "device", "tag": "tag"}, "features": ["v"]},
        },
        "window": {"sizeSeconds": 60},
        "aggregates": aggregates,
        "lateness": {"toleranceSeconds": MINUTES * 60},
        "output": {"location": "memory:///out/"},
    });
    Ok(Rules::new(&serde_json::from_value(spec)?, i64::MIN)?)
}

const KEY: &[u8] = b"\x12\0plant-7/pump-00000\x06\0temp-0";

/// Writes a sensor's number into its packed key.
fn number(key: &mut [u8], mut sensor: usize) {
    for place in [27, 19, 18, 17, 16, 15] {
        key[place] = b"0123456789"[sensor % 10];
        sensor /= 10;
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<f64, Box<dyn Error>> {
    let pages = read_to_string("/proc/self/statm")?;
    let pages: f64 = pages.split(' ').nth(1).unwrap_or("0").parse()?;
    Ok(pages * 4096.0)
}

/// How long this thread has been on a processor, in seconds: other programs do not count.
fn clock() -> Result<f64, Box<dyn Error>> {
    let times = read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = times.split(' ').next().unwrap_or("0").parse()?;
    Ok(nanoseconds / 1e9)
}

fn measure(sensors: usize, functions: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut key = KEY.to_vec();
    let before = resident()?;
    let mut partition = Partition::new(rules(functions)?);
    let readings = 12_000_000usize;
    let per_minute = readings / usize::try_from(3 * MINUTES)?;
    let mut state = 1u64;
    let mut rows = 0;
    let (mut parts, mut copies) = (Vec::new(), Vec::new());
    let mut paused = 0.0;
    let start = clock()?;
    for count in 0..readings {
        // Sensors in a random order (Knuth's generator); up to five seconds of disorder.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let sensor = usize::try_from(state >> 33)? % sensors;
        number(&mut key, sensor);
        let arrival = BASE + i64::try_from(count)? * 60 * SECOND / i64::try_from(per_minute)?;
        let time = arrival - i64::try_from(state >> 20 & 0xff)? * SECOND / 50;
        let value = (state >> 40) as f64;
        let reading = Reading {
            time,
            key: &key,
            is_selected: true,
            features: Ok(&[value]),
        };
        partition.add(arrival, &reading)?;
        if count % (per_minute / 2) == per_minute / 2 - 1 {
            let pause = clock()?;
            while let Some(part) = partition.take_rows(65_536) {
                rows += part.len();
            }
            parts.push((clock()? - pause) * 1e3);
            let copy = clock()?;
            let snapshot = partition.snapshot();
            copies.push((clock()? - copy) * 1e3);
            drop(snapshot);
            paused += clock()? - pause;
        }
    }
    let elapsed = (clock()? - start) - paused;
    let memory = resident()? - before;
    let open = partition.open_rows();
    let encoding = clock()?;
    let saved = partition.save()?;
    let encoding = (clock()? - encoding) * 1e3;
    let loading = clock()?;
    drop(Partition::load(&saved, partition.rules().clone())?);
    let loading = (clock()? - loading) * 1e3;
    parts.sort_by(f64::total_cmp);
    copies.sort_by(f64::total_cmp);
    println!(
        "{sensors:7}  {:10}  {:10.0}  {:10.2e}  {:13.0}  {:3.0}  {:8.1}  {:7.1} {:6.1}  {encoding:9.1}  {:10.1}  {loading:7.1}",
        functions.len(),
        elapsed / readings as f64 * 1e9,
        readings as f64 / elapsed,
        memory / open as f64,
        memory / f64::from(1 << 20),
        parts[parts.len() - 1],
        copies[copies.len() / 2],
        copies[copies.len() - 1],
        saved.len() as f64 / f64::from(1 << 20),
    );
    println!("         {open} open windows of sensors, {rows} rows in parts");
    Ok(())
}
