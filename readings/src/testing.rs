use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use fleetscore_crds::{Columns, OnInvalidReading, ReadingFormat, SensorKey};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::runtime::Runtime;

use crate::{
    Chunk, InvalidReading, KeyIndex, ObjectSource, ReadRequest, ReadStats, Result, RowNumbers,
    SensorRows, read,
};

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// An object in memory.
pub fn object(name: &str, bytes: impl Into<PutPayload>) -> ObjectSource {
    let (store, path) = (InMemory::new(), Path::from(name));
    let meta = RUNTIME.block_on(async {
        store.put(&path, bytes.into()).await.unwrap();
        store.head(&path).await.unwrap()
    });
    ObjectSource::new(
        Arc::new(store),
        meta,
        format!("memory:///{name}"),
        RUNTIME.handle().clone(),
    )
}

pub fn fixture_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/readings")
        .join(name)
}

pub fn fixture_bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture_path(name)).unwrap()
}

pub fn fixture(name: &str) -> ObjectSource {
    object(name, fixture_bytes(name))
}

pub fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A request without keys: every row belongs to the one sensor.
pub fn request(time: &str, features: &[&str]) -> ReadRequest {
    ReadRequest {
        format: ReadingFormat::Auto,
        columns: Columns {
            time: time.to_owned(),
            keys: BTreeMap::new(),
            features: strings(features),
            label: None,
            time_zone: "Etc/UTC".to_owned(),
        },
        key_names: Vec::new(),
        sensors: KeyIndex::single(),
        window: None,
        on_invalid: OnInvalidReading::Fail,
        memory: 64 << 20,
        pool: None,
    }
}

/// The same with keys: (key, column) pairs, and the values of the wanted sensors.
pub fn keyed(mut request: ReadRequest, keys: &[(&str, &str)], sensors: &[&[&str]]) -> ReadRequest {
    request.columns.keys = keys
        .iter()
        .map(|(key, column)| (key.to_string(), column.to_string()))
        .collect();
    request.key_names = keys.iter().map(|(key, _)| key.to_string()).collect();
    let names = || keys.iter().map(|(key, _)| *key);
    let sensors: Vec<SensorKey> = sensors
        .iter()
        .map(|values| names().zip(values.iter().copied()).collect())
        .collect();
    request.sensors = KeyIndex::new(&sensors, &request.key_names).unwrap();
    request
}

/// All rows of a read by sensor, without their numbers, which depend on the format, and the sensors that failed.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub rows: BTreeMap<u32, SensorRows>,
    pub failed: BTreeMap<u32, InvalidReading>,
    pub stats: ReadStats,
}

impl Outcome {
    pub fn nanos(&self, sensor: u32) -> &[i64] {
        self.rows.get(&sensor).map_or(&[], |rows| &rows.times.nanos)
    }

    pub fn features(&self, sensor: u32) -> &[f64] {
        self.rows.get(&sensor).map_or(&[], |rows| &rows.features)
    }
}

pub fn outcome(object: &ObjectSource, request: &ReadRequest) -> Result<Outcome> {
    let mut all = Outcome::default();
    all.stats = read(object, request, &mut |chunk: Chunk| {
        for rows in &chunk.rows {
            let empty = SensorRows {
                sensor: rows.sensor,
                ..SensorRows::default()
            };
            all.rows.entry(rows.sensor).or_insert(empty).append(rows);
        }
        for failure in chunk.failed {
            all.rows.remove(&failure.sensor);
            let twice = all.failed.insert(failure.sensor, failure.error);
            assert_eq!(twice, None, "a sensor fails once");
        }
        ControlFlow::Continue(())
    })?;
    for rows in all.rows.values_mut() {
        rows.numbers = RowNumbers::default();
    }
    assert!(
        all.failed
            .keys()
            .all(|failed| !all.rows.contains_key(failed)),
        "a failed sensor has no more rows"
    );
    Ok(all)
}
