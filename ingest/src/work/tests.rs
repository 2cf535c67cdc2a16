//! Whole workers over a hub and storage in memory, in virtual time.

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
use crate::faults::{Fault, Faulty};
use crate::folder::Owner;
use crate::{Counts, MemoryHub, MemoryRecord};

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
    let (storage, _) = Faulty::storage(objects, Fault::Never);
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

/// Works, as the process `nonce` of a pod, until the end or until `fault` has struck; whether it came to the end.
async fn run(
    hub: &MemoryHub,
    objects: &Arc<InMemory>,
    fault: Fault,
    pod: &str,
    nonce: usize,
) -> bool {
    let (storage, faulty) = Faulty::storage(objects, fault);
    let mut options = options(pod, Until::Latest, AFTER);
    options.owner.nonce = nonce.to_string();
    let done = work(
        Arc::new(hub.clone()),
        &storage,
        options,
        Watch::default(),
        CancellationToken::new(),
    );
    let killed = async {
        let (Fault::KilledBefore(at) | Fault::KilledAfter(at)) = fault else {
            return std::future::pending().await;
        };
        while faulty.calls() <= at {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        done = done => {
            let is_killed = faulty.calls() > 0 && !matches!(fault, Fault::Never);
            assert!(is_killed || done.is_ok(), "{done:?}");
            done.is_ok()
        }
        () = killed => false,
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
    assert!(in_virtual_time(run(&hub, &objects, Fault::Never, "a", 0)));
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

/// A process is killed before or after each of its calls to storage, and begun again, in the same pod or in another one.
#[test]
fn a_process_may_be_killed_at_any_call() {
    let (hub, sent) = history(2, 2);
    let (right, _) = expected(&sent);
    let (mut points, mut ended) = (0, false);
    while !ended {
        for (fault, pod) in [
            (Fault::KilledBefore(points), "a"),
            (Fault::KilledAfter(points), "b"),
        ] {
            let objects = Arc::new(InMemory::new());
            ended = in_virtual_time(run(&hub, &objects, fault, "a", 0));
            assert!(in_virtual_time(run(&hub, &objects, Fault::Never, pod, 1)));
            let (rows, _, segments) = in_virtual_time(published(&objects));
            let wrong: Vec<_> = right
                .iter()
                .filter(|(key, row)| rows.get(key) != Some(row))
                .take(5)
                .map(|(key, row)| (key, row, rows.get(key)))
                .collect();
            assert!(
                rows == right,
                "{fault:?} {} of {} rows: {wrong:?}",
                rows.len(),
                right.len()
            );
            assert_eq!(segments, 4, "{fault:?}");
        }
        points += 1;
    }
    assert!(points > 40, "{points}");
}

/// A process that works on and on, in this runtime.
struct Process {
    stop: CancellationToken,
    watch: Watch,
    done: tokio::task::JoinHandle<Result<(), WorkerError>>,
}

impl Process {
    fn begin(hub: &MemoryHub, objects: &Arc<InMemory>, fault: Fault, options: Options) -> Self {
        let (storage, _) = Faulty::storage(objects, fault);
        let (stop, watch) = (CancellationToken::new(), Watch::default());
        let (hub, seen, stopped) = (hub.clone(), watch.clone(), stop.clone());
        let done = tokio::spawn(async move {
            Box::pin(work(Arc::new(hub), &storage, options, seen, stopped)).await
        });
        Self { stop, watch, done }
    }

    fn at_work(
        hub: &MemoryHub,
        objects: &Arc<InMemory>,
        fault: Fault,
        pod: &str,
        clock: &Arc<VirtualClock>,
    ) -> Self {
        let mut options = options(pod, Until::Stopped, 0);
        options.clock = Arc::clone(clock) as _;
        Self::begin(hub, objects, fault, options)
    }

    async fn end(self) {
        self.stop.cancel();
        self.done.await.unwrap().unwrap();
    }
}

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock {
        begun: Instant::now(),
        at: NINE,
    })
}

/// Sends each of the records of `history` at its time of arrival.
async fn feed(hub: MemoryHub, history: Vec<(i32, MemoryRecord)>, clock: Arc<VirtualClock>) {
    for (partition, record) in history {
        while clock.now() < record.arrival {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        hub.append(partition, record);
    }
}

/// The history's records, in their order of arrival.
fn records(hub: &MemoryHub, partitions: i32) -> Vec<(i32, MemoryRecord)> {
    let mut source = crate::Hub::open(hub).unwrap();
    for partition in 0..partitions {
        source.assign(partition, crate::Place::at(0)).unwrap();
    }
    let mut all = Vec::new();
    let mut each = |event: crate::Event<'_>| {
        if let crate::Event::Record { record, .. } = event {
            let body = record.body.unwrap_or_default().to_vec();
            all.push((record.partition, MemoryRecord::new(record.arrival, body)));
        }
        std::ops::ControlFlow::Continue(())
    };
    while source.poll(1000, Duration::ZERO, &mut each).unwrap() > 0 {}
    all.sort_by_key(|(_, record)| record.arrival);
    all
}

/// Processes come and go while events come, one of them cut off from storage for good: the rows are those of one that was never disturbed.
#[test]
fn processes_share_the_partitions_and_take_over_from_each_other() {
    for cut in [20, 57, 91] {
        let (sent_hub, sent) = history(3, 4);
        let all = records(&sent_hub, 4);
        let (right, _) = expected(&sent);
        let objects = Arc::new(InMemory::new());
        in_virtual_time(async {
            let (hub, clock) = (MemoryHub::new(4), clock());
            let fed = tokio::spawn(feed(hub.clone(), all, Arc::clone(&clock)));
            let minutes = |minutes: u64| tokio::time::sleep(Duration::from_mins(minutes));
            // It is cut off from storage after so many calls, and works on.
            let zombie = Process::at_work(&hub, &objects, Fault::KilledBefore(cut), "a", &clock);
            minutes(2).await;
            let second = Process::at_work(&hub, &objects, Fault::Never, "b", &clock);
            let third = Process::at_work(&hub, &objects, Fault::Never, "c", &clock);
            minutes(7).await;
            let seen = [&second, &third].map(|process| process.watch.state().seen.len());
            assert_eq!(seen, [2, 2], "each has its share");
            third.end().await;
            minutes(16).await;
            fed.await.unwrap();
            assert_eq!(second.watch.state().seen.len(), 4);
            second.end().await;
            zombie.stop.cancel();
            zombie.done.abort();
        });
        assert!(in_virtual_time(run(
            &sent_hub,
            &objects,
            Fault::Never,
            "d",
            9
        )));
        let (rows, _, segments) = in_virtual_time(published(&objects));
        assert_eq!(rows, right, "cut off after {cut} calls");
        assert!(segments >= 4);
    }
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

/// A hub that falls silent keeps nothing back: the clock closes what is open.
#[test]
fn a_silent_hub_s_segments_are_published_by_the_clock() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(2), clock());
        hub.append(0, reading("a", NINE + SECOND, NINE + SECOND));
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(
            segment(&objects, "0900").await,
            None,
            "its end is not reached"
        );
        tokio::time::sleep(Duration::from_mins(3)).await;
        let found = segment(&objects, "0900").await.unwrap();
        assert_eq!(found.counts.accepted, 1);
        process.end().await;
    });
}

/// While the hub cannot be asked, nothing is closed by the clock: there may be more.
#[test]
fn nothing_is_closed_by_the_clock_while_the_hub_is_away() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(1), clock());
        hub.append(0, reading("a", NINE + SECOND, NINE + SECOND));
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_secs(30)).await;
        hub.fail(Some(crate::SourceError::SourceUnavailable {
            reason: "away".to_owned(),
        }));
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert_eq!(segment(&objects, "0900").await, None);
        assert!(process.watch.state().seen[&0].error.is_some());
        hub.append(0, reading("b", NINE + 2 * SECOND, NINE + 3 * SECOND));
        hub.fail(None);
        tokio::time::sleep(Duration::from_mins(3)).await;
        assert_eq!(segment(&objects, "0900").await.unwrap().counts.accepted, 2);
        process.end().await;
    });
}

/// What the hub deleted before it was read is a gap of the segments that may lack it.
#[test]
fn events_that_were_deleted_before_they_were_read_are_a_gap() {
    let (hub, objects) = (MemoryHub::new(1), Arc::new(InMemory::new()));
    read_every_minute(&hub, 0..4);
    in_virtual_time(async {
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock());
        tokio::time::sleep(Duration::from_secs(20)).await;
        process.end().await;
    });
    read_every_minute(&hub, 4..20);
    hub.truncate(0, 8);
    assert!(in_virtual_time(run(&hub, &objects, Fault::Never, "b", 1)));
    in_virtual_time(async {
        let gaps = segment(&objects, "0905").await.unwrap().gaps;
        assert_eq!((gaps[0].from_offset, gaps[0].to_offset), (4, 8));
        assert_eq!(segment(&objects, "0915").await.unwrap().gaps, []);
    });
}

/// Another topic of the same name is not read on from an offset of the first.
#[test]
fn a_topic_that_was_made_anew_stops_the_partition() {
    let (hub, objects) = (MemoryHub::new(1), Arc::new(InMemory::new()));
    read_every_minute(&hub, 0..4);
    in_virtual_time(async {
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock());
        tokio::time::sleep(Duration::from_secs(20)).await;
        process.end().await;
        hub.recreate();
        hub.append(0, reading("x", NINE, NINE));
        let process = Process::at_work(&hub, &objects, Fault::Never, "b", &clock());
        tokio::time::sleep(Duration::from_mins(2)).await;
        let stall = process.watch.state().seen[&0].stall.clone().unwrap();
        assert!(stall.message.contains("made anew"), "{stall:?}");
        process.end().await;
        let kept = objects
            .get(&Path::from("out/_stream/partitions/00000"))
            .await
            .unwrap();
        let kept = String::from_utf8_lossy(&kept.bytes().await.unwrap()).into_owned();
        assert!(kept.contains("\"nextOffset\":4"), "{kept}");
    });
}

/// A path that is wrong does not eat the hub: the partition stops, and goes on once that is mended.
#[test]
fn events_that_mostly_cannot_be_used_stop_the_partition() {
    let (hub, objects) = (MemoryHub::new(1), Arc::new(InMemory::new()));
    for second in 0..3000 {
        let time = NINE + second * SECOND / 10;
        hub.append(0, MemoryRecord::new(time, "{\"time\": 1}"));
    }
    in_virtual_time(async {
        let (storage, _) = Faulty::storage(&objects, Fault::Never);
        let (options, stop) = (options("a", Until::Latest, AFTER), CancellationToken::new());
        let hub = Arc::new(hub.clone());
        let ended = Box::pin(work(hub, &storage, options, Watch::default(), stop)).await;
        let error = ended.unwrap_err().to_string();
        for part in [
            "of the last 1000 events",
            "FieldMissing",
            "limits.maxInvalid",
        ] {
            assert!(error.contains(part), "{error}");
        }
    });
}

/// A partition that is added later is read from its beginning, and publishing waits for it from then on.
#[test]
fn partitions_that_are_added_are_read() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(1), clock());
        hub.append(0, reading("a", NINE + SECOND, NINE + SECOND));
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_mins(8)).await;
        assert!(segment(&objects, "0900").await.is_some());
        hub.add_partitions(1);
        let now = clock.now();
        hub.append(1, reading("b", NINE + SECOND, now));
        hub.append(1, reading("b", now, now));
        tokio::time::sleep(Duration::from_mins(12)).await;
        process.end().await;
        let found = segment(&objects, "0905").await.unwrap();
        assert_eq!(found.counts.accepted, 1);
    });
    let (rows, ..) = in_virtual_time(published(&objects));
    // What is published takes nothing more.
    assert_eq!(rows.len(), 2, "{rows:?}");
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
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_mins(90)).await;
        let (rows, ..) = published(&objects).await;
        assert_eq!(rows.len(), 20);
        let parts = Path::from("out/_stream/parts");
        let left: Vec<_> = objects.list(Some(&parts)).try_collect().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        process.end().await;
    });
}
