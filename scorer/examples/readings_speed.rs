//! Measures how fast readings are read and predictions written: `readings_speed [FILE]`.
//!
//! FILE has the columns TS, Device, Tag and Value (devices 1 to 3, tags 1 to 5). Without it, a CSV file of a million rows is
//! made in memory.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use fleetscore_crds::{Columns, OnInvalidReading, PredictionFormat, ReadingFormat, SensorKey};
use fleetscore_readings::{KeyIndex, ObjectSource, ReadRequest, SensorRows, read};
use fleetscore_scorer::models::{Kind, Labels, Verdicts};
use fleetscore_scorer::predictions::{PredictionLayout, PredictionWriter};
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, path::Path as ObjectPath};

const ROWS: u32 = 1_000_000;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let source = match std::env::args().nth(1) {
        Some(file) => file_source(Path::new(&file), &runtime)?,
        None => made_source(&runtime)?,
    };
    let request = request()?;
    let mut chunks = Vec::new();
    let started = Instant::now();
    let stats = read(&source, &request, &mut |chunk| {
        chunks.extend(chunk.rows);
        ControlFlow::Continue(())
    })?;
    report("read", stats.rows, stats.bytes, started);
    for format in [
        PredictionFormat::Csv,
        PredictionFormat::JsonLines,
        PredictionFormat::Parquet,
    ] {
        let started = Instant::now();
        let bytes = write(format, &chunks)?;
        report(&format!("write {format:?}"), stats.rows, bytes, started);
    }
    Ok(())
}

fn report(what: &str, rows: u64, bytes: u64, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let (rows, megabytes) = (rows as f64 / 1e6, bytes as f64 / 1e6);
    println!(
        "{what}: {:.2} M rows/s, {:.0} MB/s, {seconds:.3} s",
        rows / seconds,
        megabytes / seconds
    );
}

fn request() -> anyhow::Result<ReadRequest> {
    let names = vec!["device".to_owned(), "tag".to_owned()];
    let key = |device: u32, tag: u32| {
        SensorKey::from_iter([("device", device.to_string()), ("tag", tag.to_string())])
    };
    let sensors: Vec<SensorKey> = (1..=3)
        .flat_map(|device| (1..=5).map(move |tag| key(device, tag)))
        .collect();
    Ok(ReadRequest {
        format: ReadingFormat::Auto,
        columns: Columns {
            time: "TS".to_owned(),
            keys: [("device", "Device"), ("tag", "Tag")]
                .map(|(key, column)| (key.to_owned(), column.to_owned()))
                .into(),
            features: vec!["Value".to_owned()],
            label: None,
            time_zone: "Etc/UTC".to_owned(),
        },
        sensors: KeyIndex::new(&sensors, &names)?,
        key_names: names,
        window: None,
        on_invalid: OnInvalidReading::Fail,
        memory: 64 << 20,
        pool: None,
    })
}

fn file_source(file: &Path, runtime: &tokio::runtime::Runtime) -> anyhow::Result<ObjectSource> {
    let file = file.canonicalize()?;
    let folder = file.parent().context("the file has no folder")?;
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .context("the file's name is no text")?;
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder)?;
    let meta = runtime.block_on(store.head(&ObjectPath::from(name)))?;
    Ok(
        ObjectSource::new(Arc::new(store), meta, name, runtime.handle().clone())
            .with_file(file.clone()),
    )
}

fn made_source(runtime: &tokio::runtime::Runtime) -> anyhow::Result<ObjectSource> {
    let mut text = String::from("TS,Device,Tag,Value\n");
    for row in 0..ROWS {
        let (minute, second) = (row / 60 % 60, row % 60);
        let value = f64::from(row.wrapping_mul(2_654_435_761) % 10_000) / 100.0;
        writeln!(
            text,
            "2018-08-28 23:{minute:02}:{second:02}.000,{},{},{value}",
            row % 3 + 1,
            row % 5 + 1
        )?;
    }
    let (store, path) = (InMemory::new(), ObjectPath::from("made.csv"));
    let meta = runtime.block_on(async {
        store.put(&path, text.into()).await?;
        store.head(&path).await
    })?;
    Ok(ObjectSource::new(
        Arc::new(store),
        meta,
        "made.csv",
        runtime.handle().clone(),
    ))
}

fn write(format: PredictionFormat, chunks: &[SensorRows]) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for sensor in 0..15_u32 {
        let keys = [("Device", sensor / 5 + 1), ("Tag", sensor % 5 + 1)]
            .map(|(name, value)| (name.to_owned(), value.to_string()));
        let layout = PredictionLayout::new("TS", &keys, &["Value".to_owned()], None, Kind::Anomaly);
        let mut writer = PredictionWriter::new(format, &layout, &Labels::default());
        let (mut out, mut packed) = (Vec::new(), Vec::new());
        for rows in chunks.iter().filter(|rows| rows.sensor == sensor) {
            let scores = rows.features.iter().map(|value| (value / 7.0).sin());
            let verdicts: Verdicts = scores.map(|score| (score, score <= 0.0)).collect();
            match writer.group_bytes() {
                None => writer.append(rows, &verdicts, &mut out)?,
                Some(group) => {
                    writer.append(rows, &verdicts, &mut packed)?;
                    if packed.len() >= group {
                        let rest = packed.split_off(group);
                        writer.write_group(&packed, &mut out)?;
                        packed = rest;
                    }
                }
            }
        }
        writer.finish(&packed, &mut out)?;
        bytes += out.len() as u64;
    }
    Ok(bytes)
}
