use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use bytes::Bytes;
use fleetscore_crds::contract::{Gap, SegmentDocument, Verdict};
use fleetscore_crds::{ReadingStreamSpec, StorageSpec};
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use object_store::memory::InMemory;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader, RowGroupMetaData};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use tokio_util::sync::CancellationToken;

use super::segment::Sizes;
use super::*;
use crate::faults::{Calls, Fault, Faulty};
use crate::folder::{
    Claims, CommitError, FolderError, Owner, PartEntry, PartitionProgress, PublisherProgress,
    StreamFolder, part_name,
};
use crate::{Counts, Keys, Rows, Rules};

const PARTITIONS: i32 = 3;
const SMALL: Sizes = Sizes {
    chunk_rows: 50,
    file_rows: 150,
};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap()
}

/// The stream began within the first of three segments; in the second there are no readings.
fn segments() -> [Timestamp; 3] {
    [
        "2026-11-28T09:00:00Z",
        "2026-11-28T10:00:00Z",
        "2026-11-28T11:00:00Z",
    ]
    .map(time)
}

fn spec(has_windows: bool) -> ReadingStreamSpec {
    let mut spec = crate::folder::tests::spec("memory:///out/");
    spec.event = serde_json::from_value(serde_json::json!({
        "fields": {"ts": {"type": "Time"}, "tag": {}, "device": {}, "v": {"type": "Number"}},
        "columns": {"time": "ts", "keys": {"tag": "tag", "device": "device"}, "features": ["v"]},
    }))
    .unwrap();
    let functions = [
        "Avg", "Count", "Sum", "Min", "Max", "Range", "StdDev", "Var", "First", "Last",
    ];
    let aggregates = functions
        .map(|function| serde_json::json!({"column": function, "of": "v", "function": function}));
    spec.aggregates = serde_json::from_value(aggregates.to_vec().into()).unwrap();
    if !has_windows {
        spec.window = None;
        spec.aggregates = Vec::new();
    }
    spec
}

fn owner(pod: &str, nonce: u32) -> Owner {
    Owner {
        pod: pod.to_owned(),
        nonce: nonce.to_string(),
    }
}

async fn open(storage: &Storage, has_windows: bool) -> Result<StreamFolder, FolderError> {
    StreamFolder::open(
        storage,
        &spec(has_windows),
        "plant/pumps",
        time("2026-11-28T09:12:13Z"),
    )
    .await
}

fn over(objects: &Arc<InMemory>) -> Storage {
    Storage::over(Arc::clone(objects) as _, StorageOptions::default())
}

/// A sensor's readings of one window or time: time and value, in the order of the log.
type Readings = Vec<(i64, f64)>;

/// What a partition has read: by sensor (device, tag) and window.
type History = BTreeMap<([String; 2], i64), Readings>;

/// Readings of a segment for each partition: some sensors are in one partition, some in several.
fn histories(segment: Timestamp, seed: u64) -> Vec<History> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut histories = vec![History::new(); PARTITIONS as usize];
    let names = ["a", "a\0", "ab", "b", "", "é", "Z", "10", "9"];
    for device in names {
        for tag in ["x", "y"] {
            for minute in 0..20 {
                for history in &mut histories {
                    if random.random_ratio(1, 3) {
                        continue;
                    }
                    let window = nanoseconds(segment) + minute * 60_000_000_000;
                    let mut reading = || {
                        (
                            window + random.random_range(0..60) * 1_000_000_000,
                            f64::from(random.random_range(-999..999)) / 7.0,
                        )
                    };
                    let readings = (0..3).map(|_| reading()).collect();
                    history.insert(([device.to_owned(), tag.to_owned()], window), readings);
                }
            }
        }
    }
    histories
}

fn packed(key: &[String; 2]) -> Vec<u8> {
    let mut packed = Vec::new();
    for text in key {
        packed.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        packed.extend(text.as_bytes());
    }
    packed
}

/// The rows of a partition, in several parts, and not in order.
fn parts(history: &History, segment: Timestamp, rules: &Rules) -> Vec<Rows> {
    let mut rows: Vec<_> = history.iter().collect();
    rows.reverse();
    rows.chunks(150)
        .map(|chunk| {
            let mut part = Rows {
                segment: nanoseconds(segment),
                times: Vec::new(),
                keys: Keys::default(),
                sensors: Vec::new(),
                partials: rules.partials(),
            };
            let mut known = BTreeMap::new();
            for ((key, window), readings) in chunk {
                let sensor = *known.entry(key).or_insert_with(|| {
                    part.keys.push(&packed(key));
                    u32::try_from(part.keys.len() - 1).unwrap()
                });
                for (number, (time, value)) in readings.iter().enumerate() {
                    if number > 0 && rules.has_windows {
                        let row = part.partials.len() - 1;
                        part.partials.add(row, *time, &[*value]);
                        continue;
                    }
                    part.sensors.push(sensor);
                    part.times
                        .push(if rules.has_windows { *window } else { *time });
                    part.partials.push(*time, &[*value]);
                }
            }
            part
        })
        .collect()
}

/// Stores the parts of all partitions, as their owners do.
async fn store(folder: &StreamFolder, rules: &Rules) {
    for number in 0..PARTITIONS {
        let url = folder.partition(number).unwrap();
        let (mut held, _) = folder
            .claim::<PartitionProgress>(&url, None, &owner("w", 1))
            .await
            .unwrap()
            .unwrap();
        let mut progress = PartitionProgress {
            closed_through: Some(segments()[2] + SignedDuration::from_hours(1)),
            gaps: vec![Gap {
                partition: number,
                from_offset: 0,
                to_offset: 5,
                start: segments()[0],
                end: segments()[0] + SignedDuration::from_mins(1),
            }],
            ..PartitionProgress::default()
        };
        for segment in [segments()[0], segments()[2]] {
            let history = &histories(segment, nanoseconds(segment).unsigned_abs())
                [usize::try_from(number).unwrap()];
            let mut counts = Counts::default();
            history
                .values()
                .flatten()
                .for_each(|_| counts.add(Verdict::Accepted));
            progress.segments.insert(segment, counts);
            for rows in parts(history, segment, rules) {
                let name = part_name(number, 1, progress.parts.len() as u64);
                let part = store_part(folder, rules, name, &rows).await.unwrap();
                progress.parts.push(part);
            }
        }
        held.commit(folder, progress, Bytes::new(), true)
            .await
            .unwrap();
    }
}

/// A stream whose parts wait to be published.
async fn world(has_windows: bool) -> (Arc<InMemory>, Rules) {
    let objects = Arc::default();
    let rules = Rules::new(&spec(has_windows), 0).unwrap();
    let folder = open(&over(&objects), has_windows).await.unwrap();
    store(&folder, &rules).await;
    (objects, rules)
}

/// Publishes all that `publisher` can, undisturbed.
async fn publish_with(publisher: &mut Publisher<'_>, count: i32) -> Result<usize, CommitError> {
    let stop = CancellationToken::new();
    let mut never = stream::pending();
    publisher
        .publish(count, &mut never, &stop, &mut |_| {})
        .await
}

/// Publishes all that there is, as a process does that is started.
async fn publish(storage: &Storage, rules: &Rules, nonce: u32) -> Result<usize, CommitError> {
    let folder = open(storage, rules.has_windows).await?;
    let mut claims = Claims::new(owner("p", nonce), Duration::from_mins(2));
    let (is_free, _) = claims.look_at_publisher(&folder, Duration::ZERO).await?;
    assert!(is_free);
    let Some((held, commit)) = claims.claim_publisher(&folder).await? else {
        return Ok(0);
    };
    let mut publisher = Publisher::new(&folder, rules, held, commit.progress);
    publisher.sizes = SMALL;
    publish_with(&mut publisher, PARTITIONS).await
}

/// All that was published: names and bytes.
async fn published(objects: &Arc<InMemory>) -> BTreeMap<String, Bytes> {
    let storage = over(objects);
    let root = ObjectUrl::parse("memory:///out/").unwrap();
    let mut found = BTreeMap::new();
    let listed: Vec<_> = storage.list(&root).try_collect().await.unwrap();
    for info in listed {
        let name = info.url.relative_to(&root).unwrap().to_owned();
        if name.starts_with("date=") {
            found.insert(name, storage.get(&info.url, u64::MAX).await.unwrap());
        }
    }
    found
}

/// What is published where nothing happens.
async fn undisturbed(objects: &Arc<InMemory>, rules: &Rules) -> BTreeMap<String, Bytes> {
    let objects = Arc::new(objects.fork());
    assert_eq!(publish(&over(&objects), rules, 1).await.unwrap(), 3);
    published(&objects).await
}

/// A published row: key, time in microseconds, values.
type Row = ([String; 2], i64, Vec<Option<f64>>);

fn read(file: &Bytes) -> Vec<Row> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone())
        .unwrap()
        .build()
        .unwrap();
    let mut rows = Vec::new();
    for batch in reader.map(Result::unwrap) {
        let names: Vec<_> = batch
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        assert_eq!(names[..3], ["Time", "device", "tag"]);
        let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.timezone(), Some("UTC"));
        for row in 0..batch.num_rows() {
            let text = |column: usize| {
                batch
                    .column(column)
                    .as_string::<i32>()
                    .value(row)
                    .to_owned()
            };
            let values = batch.columns()[3..].iter().map(|column| {
                column
                    .as_primitive::<Float64Type>()
                    .iter()
                    .nth(row)
                    .unwrap()
            });
            rows.push(([text(1), text(2)], times.value(row), values.collect()));
        }
    }
    rows
}

/// The aggregates, in the order of the spec, of what several partitions have read, each by its definition.
fn aggregates(partitions: &[Readings]) -> Vec<f64> {
    let all: Readings = partitions.iter().flatten().copied().collect();
    let values = || all.iter().map(|(_, value)| *value);
    let count = all.len() as f64;
    // In the order of the log, then of partitions.
    let sums = partitions.iter().map(|readings| {
        readings
            .iter()
            .map(|(_, value)| *value)
            .reduce(|a, b| a + b)
            .unwrap()
    });
    let sum = sums.reduce(|a, b| a + b).unwrap();
    let (min, max) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let first = all.iter().rev().min_by_key(|(time, _)| *time).unwrap();
    let earliest = all.iter().find(|(time, _)| *time == first.0).unwrap();
    let latest_time = all.iter().map(|(time, _)| *time).max().unwrap();
    let latest = all.iter().rfind(|(time, _)| *time == latest_time).unwrap();
    vec![
        sum / count,
        count,
        sum,
        min,
        max,
        max - min,
        variance.sqrt(),
        variance,
        earliest.1,
        latest.1,
    ]
}

/// The published rows of a segment by the readings themselves.
fn expected(segment: Timestamp) -> Vec<Row> {
    let mut groups = BTreeMap::<_, Vec<Readings>>::new();
    for history in histories(segment, nanoseconds(segment).unsigned_abs()) {
        for (row, readings) in history {
            groups.entry(row).or_default().push(readings);
        }
    }
    let row = |((key, window), partitions): (([String; 2], i64), Vec<Readings>)| {
        (
            key,
            window / 1000,
            aggregates(&partitions).into_iter().map(Some).collect(),
        )
    };
    groups.into_iter().map(row).collect()
}

fn document(published: &BTreeMap<String, Bytes>, folder: &str) -> SegmentDocument {
    SegmentDocument::parse(&published[&format!("{folder}_SUCCESS")]).unwrap()
}

#[tokio::test]
async fn segments_hold_what_all_partitions_have_read() {
    let (objects, rules) = world(true).await;
    assert_eq!(publish(&over(&objects), &rules, 1).await.unwrap(), 3);
    let published = published(&objects).await;
    let mut listed = 0;
    for (segment, hour) in segments().into_iter().zip([9, 10, 11]) {
        let folder = format!("date=2026-11-28/time={hour:02}00/");
        let document = document(&published, &folder);
        assert_eq!(
            (document.segment, document.stream.as_str()),
            (segment, "plant/pumps")
        );
        assert_eq!(
            (document.partial, document.gaps.len()),
            if hour == 9 { (true, 3) } else { (false, 0) }
        );
        listed += document.files.len() + 1;
        if hour == 10 {
            assert!(document.files.is_empty());
            continue;
        }
        let expected = expected(segment);
        let accepted: f64 = expected.iter().map(|row| row.2[1].unwrap()).sum();
        assert_eq!(document.counts.accepted as f64, accepted);
        let mut rows = Vec::new();
        let mut last_key = None;
        assert!(document.files.len() > 2);
        for (number, file) in document.files.iter().enumerate() {
            assert!(
                file.name.starts_with(&format!("readings-r0-{number:03}-")),
                "{}",
                file.name
            );
            // Of other parts other names.
            assert!(
                hour == 9
                    || !published.contains_key(&format!("date=2026-11-28/time=0900/{}", file.name))
            );
            let bytes = &published[&format!("{folder}{}", file.name)];
            let read = read(bytes);
            assert_eq!(
                (file.rows, file.bytes),
                (read.len() as u64, bytes.len() as u64)
            );
            assert_eq!(file.first_key, read[0].0);
            assert_eq!(file.last_key, read[read.len() - 1].0);
            assert!(
                last_key < Some(file.first_key.clone()),
                "files share a sensor"
            );
            last_key = Some(file.last_key.clone());
            rows.extend(read);
        }
        assert_eq!(rows.len(), expected.len());
        for (row, wanted) in rows.iter().zip(&expected) {
            assert_eq!((&row.0, row.1), (&wanted.0, wanted.1));
            for (column, (value, wanted)) in row.2.iter().zip(&wanted.2).enumerate() {
                let (value, wanted) = (value.unwrap(), wanted.unwrap());
                // Variances are put together in another way here.
                let tolerance = if matches!(column, 6 | 7) {
                    1e-9 * wanted.abs()
                } else {
                    0.0
                };
                assert!(
                    (value - wanted).abs() <= tolerance,
                    "column {column}: {value} {wanted}"
                );
            }
        }
    }
    assert_eq!(published.len(), listed);
    // Nothing more is to be done.
    assert_eq!(publish(&over(&objects), &rules, 2).await.unwrap(), 0);
    let folder = open(&over(&objects), true).await.unwrap();
    let (_, progress) = folder
        .read_line::<PublisherProgress>(&folder.publisher().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        progress.complete_through,
        Some(segments()[2] + SignedDuration::from_hours(1))
    );
    assert_eq!(progress.last_segments.len(), 3);
}

#[tokio::test]
async fn without_windows_each_reading_is_a_row() {
    let (objects, rules) = world(false).await;
    publish(&over(&objects), &rules, 1).await.unwrap();
    let published = published(&objects).await;
    let segment = segments()[0];
    let mut wanted = Vec::new();
    for history in histories(segment, nanoseconds(segment).unsigned_abs()) {
        // Parts are made from the last row to the first, which is the order of this log.
        for ((key, _), readings) in history.into_iter().rev() {
            wanted.extend(
                readings
                    .into_iter()
                    .map(|(time, value)| (key.clone(), time / 1000, vec![Some(value)])),
            );
        }
    }
    // Equal ones stay in the order of partitions, and there of the log.
    wanted.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let folder = "date=2026-11-28/time=0900/";
    let files = document(&published, folder).files;
    let rows: Vec<Row> = files
        .iter()
        .flat_map(|file| read(&published[&format!("{folder}{}", file.name)]))
        .collect();
    assert!(rows == wanted);
}

/// Wherever the work ends, as a process is killed before a call of storage or while it waits for the answer: done again, the same is there.
#[tokio::test]
async fn killed_at_any_call_the_same_is_published() {
    let (objects, rules) = world(true).await;
    let wanted = undisturbed(&objects, &rules).await;
    let kills: [fn(usize) -> Fault; 2] = [Fault::KilledBefore, Fault::KilledAfter];
    for kill in kills {
        let mut at = 0;
        loop {
            let objects = Arc::new(objects.fork());
            let calls = Calls::new(kill(at));
            let storage = Faulty::storage(&objects, &calls);
            let ended = publish(&storage, &rules, 1).await;
            if !calls.is_struck() {
                assert_eq!(ended.unwrap(), 3);
                break;
            }
            // A second one is killed at the next call, and so on: it gets there all the same.
            let storage = Faulty::storage(&objects, &Calls::new(kill(at + 1)));
            let _ = publish(&storage, &rules, 2).await;
            publish(&over(&objects), &rules, 3).await.unwrap();
            assert!(published(&objects).await == wanted, "{:?}", kill(at));
            at += 1;
        }
        assert!(at > 40, "{at}");
    }
}

/// A process that lives on after an error of storage, whatever call it was at.
#[tokio::test]
async fn an_error_at_any_call_is_got_over() {
    let (objects, rules) = world(true).await;
    let wanted = undisturbed(&objects, &rules).await;
    let faults: [fn(usize) -> Fault; 3] = [Fault::Failed, Fault::Dropped, Fault::Outage];
    for fault in faults {
        let mut at = 0;
        loop {
            let objects = Arc::new(objects.fork());
            let folder = open(&over(&objects), true).await.unwrap();
            let mut claims = Claims::new(owner("p", 1), Duration::from_mins(2));
            claims
                .look_at_publisher(&folder, Duration::ZERO)
                .await
                .unwrap();
            let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
            let calls = Calls::new(fault(at));
            let storage = Faulty::storage(&objects, &calls);
            let folder = loop {
                if let Ok(folder) = open(&storage, true).await {
                    break folder;
                }
            };
            let mut publisher = Publisher::new(&folder, &rules, held, commit.progress);
            publisher.sizes = SMALL;
            while let Err(error) = publish_with(&mut publisher, PARTITIONS).await {
                assert!(
                    matches!(&error, CommitError::Folder(FolderError::Storage(error)) if error.is_temporary()),
                    "{:?}: {error}",
                    fault(at)
                );
            }
            while publisher.show(false).await.is_err() {}
            assert!(published(&objects).await == wanted, "{:?}", fault(at));
            if !calls.is_struck() {
                break;
            }
            at += 1;
        }
        assert!(at > 40, "{at}");
    }
}

#[tokio::test]
async fn who_was_claimed_from_publishes_nothing_else() {
    let (objects, rules) = world(true).await;
    let storage = over(&objects);
    let folder = open(&storage, true).await.unwrap();
    let mut claims = Claims::new(owner("zombie", 1), Duration::from_mins(2));
    claims
        .look_at_publisher(&folder, Duration::ZERO)
        .await
        .unwrap();
    let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
    let mut zombie = Publisher::new(&folder, &rules, held, commit.progress);
    zombie.sizes = SMALL;
    // Two minutes later another one claims it and publishes.
    let mut claims = Claims::new(owner("p", 1), Duration::from_mins(2));
    assert!(
        !claims
            .look_at_publisher(&folder, Duration::ZERO)
            .await
            .unwrap()
            .0
    );
    assert!(
        claims
            .look_at_publisher(&folder, Duration::from_mins(2))
            .await
            .unwrap()
            .0
    );
    let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
    let mut publisher = Publisher::new(&folder, &rules, held, commit.progress);
    publisher.sizes = SMALL;
    publish_with(&mut publisher, PARTITIONS).await.unwrap();
    let wanted = published(&objects).await;
    let error = publish_with(&mut zombie, PARTITIONS).await.unwrap_err();
    assert!(matches!(error, CommitError::Lost { .. }), "{error}");
    assert!(published(&objects).await == wanted);
}

#[tokio::test]
async fn a_segment_waits_for_all_partitions() {
    let (objects, rules) = world(true).await;
    let storage = over(&objects);
    let folder = open(&storage, true).await.unwrap();
    let mut claims = Claims::new(owner("p", 1), Duration::from_mins(2));
    claims
        .look_at_publisher(&folder, Duration::ZERO)
        .await
        .unwrap();
    let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
    let mut publisher = Publisher::new(&folder, &rules, held, commit.progress);
    // One partition more, which nobody has read.
    assert_eq!(
        publish_with(&mut publisher, PARTITIONS + 1).await.unwrap(),
        0
    );
    let url = folder.partition(PARTITIONS).unwrap();
    let (mut held, _) = folder
        .claim::<PartitionProgress>(&url, None, &owner("w", 1))
        .await
        .unwrap()
        .unwrap();
    for (closed, expected) in [
        (None, 0),
        (Some(segments()[1]), 1),
        (Some(segments()[1]), 0),
        (Some(segments()[2]), 1),
    ] {
        let progress = PartitionProgress {
            closed_through: closed,
            ..PartitionProgress::default()
        };
        held.commit(&folder, progress, Bytes::new(), true)
            .await
            .unwrap();
        let done = publish_with(&mut publisher, PARTITIONS + 1).await.unwrap();
        assert_eq!(done, expected, "{closed:?}");
    }
    assert_eq!(publisher.progress().complete_through, Some(segments()[2]));
}

/// Files are compared and written one after the other, the one that shows it too: neither may wait for the other for ever.
#[tokio::test]
async fn who_publishes_files_may_show_it_at_any_moment() {
    let (place, rules) = (
        tempfile::tempdir().unwrap(),
        Rules::new(&spec(true), 0).unwrap(),
    );
    let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
    let mut spec = spec(true);
    spec.output.location = format!("file://{}/", place.path().display());
    let folder = StreamFolder::open(&storage, &spec, "plant/pumps", segments()[0]);
    let folder = folder.await.unwrap();
    store(&folder, &rules).await;
    let mut claims = Claims::new(owner("p", 1), Duration::from_mins(2));
    let now = Duration::ZERO;
    claims.look_at_publisher(&folder, now).await.unwrap();
    let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
    let mut publisher = Publisher::new(&folder, &rules, held, commit.progress);
    publisher.sizes = SMALL;
    let stop = CancellationToken::new();
    let mut always = stream::repeat(());
    let mut tell = |_: &PublisherProgress| {};
    let published = publisher.publish(PARTITIONS, &mut always, &stop, &mut tell);
    let published = tokio::time::timeout(Duration::from_mins(1), published).await;
    assert_eq!(published.expect("it stands still").unwrap(), 3);
}

#[tokio::test]
async fn who_publishes_for_long_shows_it() {
    let (objects, rules) = world(true).await;
    let folder = open(&over(&objects), true).await.unwrap();
    let mut claims = Claims::new(owner("p", 1), Duration::from_mins(2));
    claims
        .look_at_publisher(&folder, Duration::ZERO)
        .await
        .unwrap();
    let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
    let mut publisher = Publisher::new(&folder, &rules, held, commit.progress);
    let mut ticks = stream::iter([(); 5]);
    assert_eq!(
        publisher
            .publish(
                PARTITIONS,
                &mut ticks,
                &CancellationToken::new(),
                &mut |_| {}
            )
            .await
            .unwrap(),
        3
    );
    let url = folder.publisher().unwrap();
    let (claim, _) = folder
        .read_line::<PublisherProgress>(&url)
        .await
        .unwrap()
        .unwrap();
    let shown = 5 - ticks.count().await as u64;
    assert!(shown > 0);
    assert_eq!(claim.sequence, 3 + shown);
}

#[tokio::test]
async fn what_is_no_part_is_refused() {
    let (objects, rules) = world(true).await;
    let storage = over(&objects);
    let folder = open(&storage, true).await.unwrap();
    let url = folder.part(segments()[0], &part_name(1, 1, 0)).unwrap();
    let part = storage.get(&url, u64::MAX).await.unwrap();
    let plain = Rules::new(&spec(false), 0).unwrap();
    let other = parts(&histories(segments()[0], 7)[0], segments()[0], &plain).remove(0);
    let name = "other".to_owned();
    let other = store_part(&folder, &plain, name, &other).await.unwrap();
    let other = folder.part(segments()[0], &other.name).unwrap();
    let other_part = storage.get(&other, u64::MAX).await.unwrap();
    for bytes in [
        Bytes::from_static(b"PAR1"),
        part.slice(..part.len() / 2),
        other_part,
    ] {
        storage.put(&url, bytes).await.unwrap();
        let error = publish(&storage, &rules, 1).await.unwrap_err();
        assert!(
            error.to_string().contains("00001-1-000000.parquet"),
            "{error}"
        );
        assert!(
            !published(&objects)
                .await
                .contains_key("date=2026-11-28/time=0900/_SUCCESS")
        );
    }
    storage.put(&url, part).await.unwrap();
    publish(&storage, &rules, 1).await.unwrap();
}

#[tokio::test]
async fn what_is_a_day_old_and_not_needed_is_deleted() {
    let (objects, rules) = world(true).await;
    let storage = over(&objects);
    let folder = open(&storage, true).await.unwrap();
    let put = |name: &'static str| {
        let (storage, url) = (storage.clone(), folder.location().join(name).unwrap());
        async move { storage.put(&url, &b"x"[..]).await.unwrap() }
    };
    // Left over by processes that were killed; and a part that waits.
    let left = [
        "date=2026-11-28/time=0900/readings-r0-000-00000000.parquet",
        "_stream/parts/20261128T0900/00000-9-000000.parquet",
        "_stream/parts/20261128T1300/00000-9-000001.parquet",
    ];
    let kept = [
        "date=2026-11-28/time=0900/notes.txt",
        "_stream/parts/20261128T1300/00000-1-000777.parquet",
        "_stream/parts/other/00000-1-000777.parquet",
    ];
    for name in left.into_iter().chain(kept) {
        put(name).await;
    }
    let url = folder.partition(0).unwrap();
    let (claim, mut progress) = folder
        .read_line::<PartitionProgress>(&url)
        .await
        .unwrap()
        .unwrap();
    let (mut held, _) = folder
        .claim::<PartitionProgress>(&url, Some(&claim), &owner("w", 2))
        .await
        .unwrap()
        .unwrap();
    progress.parts.push(PartEntry {
        segment: time("2026-11-28T13:00:00Z"),
        name: part_name(0, 1, 777),
        rows: 1,
    });
    held.commit(&folder, progress, Bytes::new(), true)
        .await
        .unwrap();
    publish(&storage, &rules, 1).await.unwrap();
    let mut wanted = published(&objects).await;
    assert!(wanted.remove(left[0]).is_some());
    let mut claims = Claims::new(owner("p", 2), Duration::from_mins(2));
    claims
        .look_at_publisher(&folder, Duration::ZERO)
        .await
        .unwrap();
    let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
    let publisher = Publisher::new(&folder, &rules, held, commit.progress);
    let now = Timestamp::now();
    let later = |hours| now + SignedDuration::from_hours(hours);
    assert_eq!(publisher.sweep(PARTITIONS, later(23)).await.unwrap(), 0);
    assert!(publisher.sweep(PARTITIONS, later(25)).await.unwrap() > 3);
    assert!(published(&objects).await == wanted);
    let parts = folder.parts().unwrap();
    let listed: Vec<_> = storage
        .list(&parts)
        .map_ok(|info| info.url.relative_to(&parts).unwrap().to_owned())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        listed,
        [
            "20261128T1300/00000-1-000777.parquet",
            "other/00000-1-000777.parquet"
        ]
    );
    assert_eq!(publisher.sweep(PARTITIONS, later(25)).await.unwrap(), 0);
}

/// Files, and Azurite where `FLEETSCORE_AZURITE_ENDPOINT` names it (`scripts/azurite.sh start`), hold the same as memory does.
#[tokio::test]
async fn every_store_holds_the_same() {
    let (objects, rules) = world(true).await;
    let wanted = undisturbed(&objects, &rules).await;
    let files = tempfile::tempdir().unwrap();
    let mut places = vec![(format!("file://{}/out/", files.path().display()), None)];
    match std::env::var("FLEETSCORE_AZURITE_ENDPOINT") {
        Ok(endpoint) => {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/azurite.sh");
            let made = std::process::Command::new(script)
                .args(["container", "ingest-tests"])
                .status();
            assert!(made.unwrap().success());
            let folder = format!("az://ingest-tests/{}/", std::process::id());
            places.push((folder, Some(endpoint)));
        }
        Err(_) => println!("skipped: FLEETSCORE_AZURITE_ENDPOINT absent"),
    }
    for (location, endpoint) in places {
        let azure = endpoint.map(|endpoint| {
            let azure = serde_json::json!({"account": "devstoreaccount1", "endpoint": endpoint, "auth": "Emulator"});
            serde_json::from_value(azure).unwrap()
        });
        let storage = Storage::new(
            &StorageSpec {
                azure,
                ..StorageSpec::default()
            },
            StorageOptions::default(),
        )
        .unwrap();
        let mut spec = spec(true);
        spec.output.location = location;
        let begun = time("2026-11-28T09:12:13Z");
        let folder = StreamFolder::open(&storage, &spec, "plant/pumps", begun)
            .await
            .unwrap();
        store(&folder, &rules).await;
        let mut claims = Claims::new(owner("p", 1), Duration::from_mins(2));
        assert!(
            claims
                .look_at_publisher(&folder, Duration::ZERO)
                .await
                .unwrap()
                .0
        );
        let (held, commit) = claims.claim_publisher(&folder).await.unwrap().unwrap();
        let mut publisher = Publisher::new(&folder, &rules, held, commit.progress);
        publisher.sizes = SMALL;
        let published = publish_with(&mut publisher, PARTITIONS).await;
        assert_eq!(published.unwrap(), 3);
        let listed: Vec<_> = storage.list(folder.location()).try_collect().await.unwrap();
        let mut found = BTreeMap::new();
        for info in listed {
            let name = info.url.relative_to(folder.location()).unwrap();
            if name.starts_with("date=") {
                found.insert(
                    name.to_owned(),
                    storage.get(&info.url, u64::MAX).await.unwrap(),
                );
            }
        }
        assert!(found == wanted);
        let later = Timestamp::now() + SignedDuration::from_hours(25);
        assert!(publisher.sweep(PARTITIONS, later).await.unwrap() > 0);
        let parts = storage.list(&folder.parts().unwrap()).count().await;
        assert_eq!(parts, 0);
        publisher.show(false).await.unwrap();
    }
}

/// What reading one sensor of a large file costs depends on it.
#[tokio::test]
async fn large_files_have_groups_and_pages_with_an_index() {
    let rules = Rules::new(&spec(false), 0).unwrap();
    let objects = Arc::default();
    let folder = open(&over(&objects), false).await.unwrap();
    let segment = segments()[0];
    let rows = 150_000;
    let mut part = Rows {
        segment: nanoseconds(segment),
        times: Vec::new(),
        keys: Keys::default(),
        sensors: vec![0; rows],
        partials: rules.partials(),
    };
    part.keys.push(&packed(&["d".to_owned(), "t".to_owned()]));
    for row in 0..rows {
        let time = nanoseconds(segment) + i64::try_from(row).unwrap() * 1000;
        part.times.push(time);
        part.partials.push(time, &[row as f64]);
    }
    let name = part_name(0, 1, 0);
    let entry = store_part(&folder, &rules, name, &part).await.unwrap();
    let sizes = Sizes::default();
    let files = super::segment::write_files(&folder, &rules, segment, &[&entry], sizes)
        .await
        .unwrap();
    let [file] = &files[..] else {
        panic!("{files:?}")
    };
    let bytes = &published(&objects).await[&format!("date=2026-11-28/time=0900/{}", file.name)];
    let metadata = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = metadata.parse_and_finish(bytes).unwrap();
    let groups: Vec<_> = metadata
        .row_groups()
        .iter()
        .map(RowGroupMetaData::num_rows)
        .collect();
    assert_eq!(groups, [131_072, 150_000 - 131_072]);
    let index = metadata.page_index().unwrap();
    for (number, rows) in groups.iter().enumerate() {
        for column in 0..4 {
            let pages = index.offset_index(number, column).unwrap().page_locations();
            let mut starts: Vec<_> = pages.iter().map(|page| page.first_row_index).collect();
            starts.push(*rows);
            let lengths = starts.windows(2).map(|pair| pair[1] - pair[0]);
            assert!(
                lengths.clone().all(|rows| (1..=4096).contains(&rows)),
                "{starts:?}"
            );
            assert!(index.column_index(number, column).is_some());
        }
    }
}
