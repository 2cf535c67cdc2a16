//! Whole workers over a hub and storage in memory, in virtual time.

mod kills;
mod process;
mod sharing;
mod silence;
mod topic;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use fleetscore_crds::ReadingStreamSpec;
use fleetscore_crds::contract::{SUCCESS, SegmentDocument};
use fleetscore_storage::ObjectUrl;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::faults::{Calls, Fault, Faulty, FaultyHub};
use crate::folder::Owner;
use crate::{Counts, Hub, MemoryHub, MemoryRecord};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
/// 2026-11-28T09:00:00Z, when the stream begins and all clocks start.
const NINE: i64 = 1_795_856_400 * SECOND;

fn spec() -> ReadingStreamSpec {
    serde_json::from_value(json!({
        "source": {
            "kafka": {"bootstrapServers": ["b:9092"], "topic": "t"},
            "startAt": "2026-11-28T09:00:00Z",
        },
        "event": {
            "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
            "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
        },
        "filter": "v > -50.0",
        "window": {"sizeSeconds": 60},
        "aggregates": [
            {"column": "Value", "of": "v"},
            {"column": "Readings", "of": "v", "function": "Count"},
        ],
        "lateness": {"toleranceSeconds": 30, "earlySeconds": 60, "idleSeconds": 60},
        "output": {"location": "memory:///out/", "segmentSeconds": 300},
        "checkpointSeconds": 5,
    }))
    .unwrap()
}

/// A clock that shows nine o'clock, and whatever was added, when it is made, and goes with virtual time.
struct VirtualClock {
    begun: Instant,
    at: i64,
}

impl Clock for VirtualClock {
    fn now(&self) -> i64 {
        self.at + i64::try_from(self.begun.elapsed().as_nanos()).unwrap()
    }
}

fn options(pod: &str, until: Until, at: i64) -> Options {
    Options {
        id: "plant/pumps".to_owned(),
        spec: spec(),
        owner: Owner {
            pod: pod.to_owned(),
            nonce: format!("{pod}-{at}"),
        },
        threads: 0,
        until,
        close: true,
        clock: Arc::new(VirtualClock {
            begun: Instant::now(),
            at,
        }),
    }
}

/// One reading of the history: partition, device, time, value, arrival.
type Sent = (i32, String, i64, f64, i64);

/// A hub with readings of 20 minutes: disordered by up to some seconds, some filtered, early, late and broken ones among them.
fn history(seed: u64, partitions: i32) -> (MemoryHub, Vec<Sent>) {
    let mut random = StdRng::seed_from_u64(seed);
    let hub = MemoryHub::new(usize::try_from(partitions).unwrap());
    let mut sent = Vec::new();
    for step in 0..1200 {
        let arrival = NINE + step * SECOND;
        let device = format!("d{}", random.random_range(0..7));
        let partition = random.random_range(0..partitions);
        let delay = match random.random_range(0..100) {
            0 => random.random_range(120..900) * SECOND,
            1 => -90 * SECOND,
            _ => random.random_range(0..20) * SECOND,
        };
        let (time, value) = (
            arrival - delay,
            f64::from(random.random_range(-60..60)) / 4.0 * 4.0,
        );
        let seconds = time as f64 / SECOND as f64;
        let body = if random.random_ratio(1, 50) {
            "{\"device\":".to_owned()
        } else {
            sent.push((partition, device.clone(), time, value, arrival));
            format!("{{\"ts\":{seconds},\"device\":\"{device}\",\"v\":{value}}}")
        };
        hub.append(partition, MemoryRecord::new(arrival, body))
            .unwrap();
    }
    (hub, sent)
}

/// What must come of it, reckoned from all readings by the rules: rows by device and window with mean and count, and what is left out.
fn expected(sent: &[Sent]) -> (BTreeMap<(String, i64), (f64, f64)>, Counts) {
    let mut watermarks: BTreeMap<i32, i64> = BTreeMap::new();
    let mut windows: BTreeMap<(String, i64), BTreeMap<i32, (f64, u32)>> = BTreeMap::new();
    let mut counts = Counts::default();
    for (partition, device, time, value, arrival) in sent {
        let window = time - time.rem_euclid(MINUTE);
        let watermark = watermarks.entry(*partition).or_insert(i64::MIN);
        if *time > arrival + MINUTE {
            counts.early += 1;
        } else if window < NINE {
            counts.before_start += 1;
        } else if window + MINUTE <= *watermark {
            counts.late += 1;
        } else {
            *watermark = (*watermark).max(time - 30 * SECOND);
            if *value > -50.0 {
                counts.accepted += 1;
                let of = windows.entry((device.clone(), window)).or_default();
                let of = of.entry(*partition).or_insert((0.0, 0));
                *of = (of.0 + value, of.1 + 1);
            } else {
                counts.filtered += 1;
            }
        }
    }
    let rows = windows.into_iter().map(|(key, partitions)| {
        // In each partition in the log's order, then by partition.
        let (sum, count) = partitions
            .into_values()
            .reduce(|one, next| (one.0 + next.0, one.1 + next.1))
            .unwrap();
        (key, (sum / f64::from(count), f64::from(count)))
    });
    (rows.collect(), counts)
}

/// All published rows, and the sum of the segments' counts.
async fn published(
    objects: &Arc<InMemory>,
) -> (BTreeMap<(String, i64), (f64, f64)>, Counts, usize) {
    let storage = Faulty::storage(objects, &Calls::new(Fault::Never));
    let root = ObjectUrl::parse("memory:///out/").unwrap();
    let all: Vec<_> = storage.list(&root).try_collect().await.unwrap();
    let (mut rows, mut counts, mut segments) = (BTreeMap::new(), Counts::default(), 0);
    for object in all
        .iter()
        .filter(|object| object.url.file_name() == Some(SUCCESS))
    {
        let bytes = storage.get(&object.url, 1 << 20).await.unwrap();
        let document = SegmentDocument::parse(&bytes).unwrap();
        segments += 1;
        counts += &document.counts;
        for file in &document.files {
            let path = object.url.to_string().replace("memory:///", "");
            let path = path.replace(SUCCESS, &file.name);
            let found = objects
                .get(&Path::from(path))
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(found).unwrap();
            for batch in reader.build().unwrap() {
                let batch = batch.unwrap();
                let column = |name: &str| batch.column_by_name(name).unwrap();
                let times = column("Time").as_primitive::<TimestampMicrosecondType>();
                let devices = column("device").as_string::<i32>();
                let value =
                    |name: &str, row: usize| column(name).as_primitive::<Float64Type>().value(row);
                for row in 0..batch.num_rows() {
                    let key = (devices.value(row).to_owned(), times.value(row) * 1000);
                    let numbers = (value("Value", row), value("Readings", row));
                    assert_eq!(rows.insert(key, numbers), None, "a row is there once");
                }
            }
        }
    }
    (rows, counts, segments)
}

/// What a process is disturbed by.
#[derive(Clone, Copy, Debug)]
enum Struck {
    Storage(Fault),
    Hub(Fault),
}

const NEVER: Struck = Struck::Storage(Fault::Never);

/// How a process has ended.
struct Ended {
    /// Whether it came to its end; else it was killed, or said that it cannot go on.
    is_done: bool,
    /// Whether the fault has struck.
    is_struck: bool,
}

/// Works, as the process `nonce` of a pod, until the end or until it is killed.
async fn run(
    hub: &MemoryHub,
    objects: &Arc<InMemory>,
    struck: Struck,
    pod: &str,
    nonce: usize,
) -> Ended {
    let (of_storage, of_hub) = match struck {
        Struck::Storage(fault) => (fault, Fault::Never),
        Struck::Hub(fault) => (Fault::Never, fault),
    };
    let storage_calls = Calls::new(of_storage);
    let hub_calls = storage_calls.beside(of_hub);
    let storage = Faulty::storage(objects, &storage_calls);
    let hub = FaultyHub::new(hub, &hub_calls);
    let mut options = options(pod, Until::Latest, AFTER);
    options.owner.nonce = nonce.to_string();
    let done = work(
        Arc::new(hub),
        &storage,
        options,
        Watch::default(),
        CancellationToken::new(),
    );
    let is_done = tokio::select! {
        done = done => {
            let is_struck = storage_calls.is_struck() || hub_calls.is_struck();
            assert!(is_struck || done.is_ok(), "{done:?}");
            done.is_ok()
        }
        () = storage_calls.killed() => false,
    };
    Ended {
        is_done,
        is_struck: storage_calls.is_struck() || hub_calls.is_struck(),
    }
}

/// In a runtime of its own, with which everything ends that was begun in it.
fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

const AFTER: i64 = NINE + 25 * MINUTE;

#[test]
fn each_reading_is_counted_once_and_rows_are_those_of_all_readings() {
    let (hub, sent) = history(1, 3);
    let objects = Arc::new(InMemory::new());
    assert!(in_virtual_time(run(&hub, &objects, NEVER, "a", 0)).is_done);
    let (rows, counts, segments) = in_virtual_time(published(&objects));
    let (right, of_readings) = expected(&sent);
    assert_eq!(rows, right);
    assert_eq!(segments, 4, "20 minutes in segments of five");
    // Early ones, those before the start and those of closed segments are of no segment.
    assert_eq!(
        (counts.accepted, counts.filtered),
        (of_readings.accepted, of_readings.filtered)
    );
}

fn reading(device: &str, time: i64, arrival: i64) -> MemoryRecord {
    let seconds = time / SECOND;
    MemoryRecord::new(
        arrival,
        format!("{{\"ts\":{seconds},\"device\":\"{device}\",\"v\":1}}"),
    )
}

/// A reading at each of these minutes after nine.
fn read_every_minute(hub: &MemoryHub, minutes: std::ops::Range<i64>) {
    for time in minutes.map(|minute| NINE + minute * MINUTE) {
        hub.append(0, reading("a", time, time));
    }
}

async fn segment(objects: &Arc<InMemory>, time: &str) -> Option<SegmentDocument> {
    let path = Path::from(format!("out/date=2026-11-28/time={time}/{SUCCESS}"));
    let found = objects.get(&path).await.ok()?;
    SegmentDocument::parse(&found.bytes().await.unwrap()).ok()
}

/// Parts of segments that were published a day ago are gone.
#[test]
fn old_parts_are_deleted() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let hub = MemoryHub::new(1);
        // Storage in memory dates what it holds by the machine's clock; two days later all of it is old.
        let day = 86_400 * SECOND;
        let now = SystemClock.now() + 2 * day;
        let clock = Arc::new(VirtualClock {
            begun: Instant::now(),
            at: now,
        });
        for minute in 0..20 {
            let time = now + minute * MINUTE;
            hub.append(0, reading("a", time, time));
        }
        let process = process::Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_mins(90)).await;
        let (rows, ..) = published(&objects).await;
        assert_eq!(rows.len(), 20);
        let parts = Path::from("out/_stream/parts");
        let left: Vec<_> = objects.list(Some(&parts)).try_collect().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        process.end().await;
    });
}
