//! Runs that read what a stream has published.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use fleetscore_crds::contract::{
    Counts, Gap, STREAM, SUCCESS, SegmentDocument, SegmentFile, StreamColumns, StreamDocument,
    segment_folder,
};
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use jiff::Timestamp;
use object_store::memory::InMemory;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{MODEL, manifest, step_of};
use crate::ledger::WarningReason;
use crate::outputs;
use crate::report::Report;
use crate::steps::{self, Context, Progress, StepError};

const STREAM_ID: &str = "plant/pumps";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Storage with a stream that has published nothing yet, and a model for each of the sensors.
async fn storage(sensors: &[&str]) -> Storage {
    let storage = Storage::over(Arc::new(InMemory::new()), StorageOptions::default());
    for sensor in sensors {
        put(&storage, &format!("models/{sensor}"), MODEL).await;
    }
    let columns = StreamColumns {
        time: "Time".to_owned(),
        keys: vec!["sensor".to_owned()],
        features: vec!["Value".to_owned()],
    };
    let document = StreamDocument::new(
        STREAM_ID.to_owned(),
        "a hub".to_owned(),
        "0".to_owned(),
        time("2026-11-28T08:30:00Z"),
        Some(time("2026-11-28T08:30:00Z")),
        3600,
        columns,
    );
    put(&storage, &format!("in/{STREAM}"), &document.to_bytes()).await;
    storage
}

async fn put(storage: &Storage, path: &str, bytes: &[u8]) {
    let url = ObjectUrl::parse(&format!("memory:///{path}")).unwrap();
    storage.put(&url, bytes.to_vec()).await.unwrap();
}

/// Writes a file of a segment, with two readings of each of the sensors.
async fn file(storage: &Storage, start: Timestamp, name: &str, sensors: &[&str]) -> SegmentFile {
    let rows: Vec<(&str, i64)> = sensors
        .iter()
        .flat_map(|sensor| (0..2).map(move |minute| (*sensor, minute)))
        .collect();
    let times = rows
        .iter()
        .map(|(_, minute)| start.as_microsecond() + minute * 60_000_000);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let keys = StringArray::from_iter_values(rows.iter().map(|(sensor, _)| *sensor));
    let values = Float64Array::from_iter_values(rows.iter().map(|(_, minute)| *minute as f64));
    let batch = RecordBatch::try_from_iter([
        ("Time", Arc::new(times) as ArrayRef),
        ("sensor", Arc::new(keys) as ArrayRef),
        ("Value", Arc::new(values) as ArrayRef),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    put(
        storage,
        &format!("in/{}{name}", segment_folder(start)),
        &bytes,
    )
    .await;
    let key = |sensor: Option<&&str>| vec![(*sensor.unwrap()).to_owned()];
    SegmentFile {
        name: name.to_owned(),
        rows: rows.len() as u64,
        bytes: bytes.len() as u64,
        first_key: key(sensors.first()),
        last_key: key(sensors.last()),
    }
}

/// Completes a segment.
async fn complete(storage: &Storage, start: Timestamp, files: Vec<SegmentFile>, gaps: Vec<Gap>) {
    let id = STREAM_ID.to_owned();
    let document = SegmentDocument::new(id, start, files, gaps, false, Counts::default());
    let path = format!("in/{}{SUCCESS}", segment_folder(start));
    put(storage, &path, &document.to_bytes()).await;
}

/// Publishes a segment with two files: sensors `a` to `c`, and `d`.
async fn publish(storage: &Storage, start: Timestamp) {
    let files = vec![
        file(
            storage,
            start,
            "readings-r0-000-0a.parquet",
            &["a", "b", "c"],
        )
        .await,
        file(storage, start, "readings-r0-001-0b.parquet", &["d"]).await,
    ];
    complete(storage, start, files, Vec::new()).await;
}

/// A run over the two hours from nine o'clock.
fn run(input: &Value) -> Value {
    let mut manifest = manifest("1");
    let spec = &mut manifest["spec"];
    spec["window"] = json!({"start": "2026-11-28T09:00:00Z", "end": "2026-11-28T11:00:00Z"});
    spec["input"] = json!({
        "location": "memory:///in/",
        "columns": {"time": "Time", "keys": {"sensor": "sensor"}, "features": ["Value"]},
    });
    for (field, value) in input.as_object().unwrap() {
        spec["input"][field] = value.clone();
    }
    manifest
}

/// Does all of a run, one sensor a shard.
async fn whole(context: &Context) -> Report {
    let plan = steps::plan(context, |_| 1).await.unwrap();
    for shard in 0..u32::try_from(plan.shards).unwrap() {
        steps::score(context, shard).await.unwrap();
    }
    steps::collect(context).await.unwrap()
}

const NINE: &str = "2026-11-28T09:00:00Z";
const TEN: &str = "2026-11-28T10:00:00Z";
const ELEVEN: &str = "2026-11-28T11:00:00Z";

#[tokio::test(start_paused = true)]
async fn each_reading_of_the_window_is_scored_once() {
    let storage = storage(&["a", "b", "c", "d"]).await;
    for start in ["2026-11-28T08:00:00Z", NINE, TEN, ELEVEN] {
        publish(&storage, time(start)).await;
    }
    // Left over: no document lists it.
    file(
        &storage,
        time(NINE),
        "readings-r0-000-ff.parquet",
        &["a", "d"],
    )
    .await;
    let begun = Instant::now();
    let report = whole(&step_of(run(&json!({})), &storage, None)).await;
    assert_eq!(report.sensors.succeeded, 4);
    assert_eq!(report.rows, 4 * 2 * 2);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "nothing is waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_shard_reads_the_files_of_its_sensors_alone() {
    let storage = storage(&["a", "b", "c", "d"]).await;
    for start in [NINE, TEN] {
        publish(&storage, time(start)).await;
    }
    let planning = step_of(run(&json!({})), &storage, None);
    steps::plan(&planning, |_| 1).await.unwrap();
    // The last sensor is in the second file of each segment; the first one's file is away.
    for start in [NINE, TEN] {
        let folder = segment_folder(time(start));
        let url = format!("memory:///in/{folder}readings-r0-000-0a.parquet");
        storage
            .delete(&ObjectUrl::parse(&url).unwrap())
            .await
            .unwrap();
    }
    let context = step_of(run(&json!({})), &storage, None);
    let summary = steps::score(&context, 3).await.unwrap();
    assert_eq!((summary.failed, summary.rows), (0, 4));
    let summary = steps::score(&context, 0).await.unwrap();
    assert_eq!((summary.failed, summary.rows), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_a_segment_and_reads_what_its_plan_has_found() {
    let storage = storage(&["a", "d"]).await;
    publish(&storage, time(NINE)).await;
    let context = step_of(run(&json!({"format": "Stream"})), &storage, None);
    let begun = Instant::now();
    let late = async {
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert!(
            context.progress.waiting().contains(TEN),
            "{}",
            context.progress.waiting()
        );
        publish(&storage, time(TEN)).await;
    };
    let (plan, ()) = tokio::join!(steps::plan(&context, |_| 1), late);
    assert_eq!(plan.unwrap().shards, 2);
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    assert_eq!(context.progress.waiting(), "");
    // What is published later is another run's.
    let more = file(
        &storage,
        time(TEN),
        "readings-r1-000-0c.parquet",
        &["a", "d"],
    )
    .await;
    complete(&storage, time(TEN), vec![more.clone(), more], Vec::new()).await;
    for shard in 0..2 {
        let summary = steps::score(&context, shard).await.unwrap();
        assert_eq!((summary.failed, summary.rows), (0, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_in_vain_fails_and_claims_nothing() {
    let storage = storage(&["a", "d"]).await;
    publish(&storage, time(NINE)).await;
    let context = step_of(
        run(&json!({"waitFor": {"timeoutSeconds": 95}})),
        &storage,
        None,
    );
    let begun = Instant::now();
    let error = steps::plan(&context, |_| 1).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(95));
    assert_eq!(
        (error.exit_code(), error.reason()),
        (64, "ReadingsIncomplete")
    );
    let message = error.to_string();
    for part in [STREAM_ID, TEN, "95 seconds", "onTimeout"] {
        assert!(message.contains(part), "{message}");
    }
    let plan = context.run.output.join(outputs::PLAN).unwrap();
    assert!(!storage.exists(&plan).await.unwrap());
    let owners = context.run.output.join("_run/owner/000001.json").unwrap();
    assert!(!storage.exists(&owners).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_scored_with_a_warning_where_the_run_says_so() {
    let storage = storage(&["a", "d"]).await;
    publish(&storage, time(NINE)).await;
    let wait = json!({"waitFor": {"timeoutSeconds": 20, "onTimeout": "Score"}});
    let report = whole(&step_of(run(&wait), &storage, None)).await;
    assert_eq!((report.sensors.succeeded, report.rows), (2, 4));
    let warned = report
        .warnings
        .iter()
        .find(|group| group.reason == WarningReason::ReadingsIncomplete);
    let warned = format!("{warned:?}");
    assert!(
        warned.contains("count: 2") && warned.contains(TEN),
        "{warned}"
    );
}

#[tokio::test(start_paused = true)]
async fn lost_events_are_warned_of() {
    let storage = storage(&["a", "d"]).await;
    publish(&storage, time(NINE)).await;
    let files = vec![
        file(
            &storage,
            time(TEN),
            "readings-r0-000-0a.parquet",
            &["a", "d"],
        )
        .await,
    ];
    let gap = Gap {
        partition: 3,
        from_offset: 10,
        to_offset: 90,
        start: time(TEN),
        end: time(ELEVEN),
    };
    complete(&storage, time(TEN), files, vec![gap]).await;
    let report = whole(&step_of(run(&json!({})), &storage, None)).await;
    let warned = format!("{:?}", report.warnings);
    assert!(
        warned.contains("lost events") && warned.contains(TEN),
        "{warned}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_another_stream_has_put_there_is_refused() {
    let storage = storage(&["a", "d"]).await;
    publish(&storage, time(NINE)).await;
    let other = SegmentDocument::new(
        "plant/fans".to_owned(),
        time(TEN),
        Vec::new(),
        Vec::new(),
        false,
        Counts::default(),
    );
    let path = format!("in/{}{SUCCESS}", segment_folder(time(TEN)));
    put(&storage, &path, &other.to_bytes()).await;
    let context = step_of(run(&json!({})), &storage, None);
    let error = steps::plan(&context, |_| 1).await.unwrap_err();
    assert!(matches!(error, StepError::Readings { .. }), "{error:?}");
    assert!(error.to_string().contains("plant/fans"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_there_was_before_the_stream_is_not_waited_for() {
    let storage = storage(&["a", "d"]).await;
    publish(&storage, time("2026-11-28T08:00:00Z")).await;
    let mut manifest = run(&json!({}));
    manifest["spec"]["window"] =
        json!({"start": "2026-11-28T06:00:00Z", "end": "2026-11-28T09:00:00Z"});
    let report = whole(&step_of(manifest, &storage, None)).await;
    assert_eq!((report.sensors.succeeded, report.rows), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_the_object_of_another_engine() {
    let storage = storage(&["a"]).await;
    put(
        &storage,
        "lake/readings.csv",
        b"Time,sensor,Value\n2026-11-28T09:30:00Z,a,1\n",
    )
    .await;
    let input = json!({
        "location": "memory:///lake/",
        "waitFor": {"object": "memory:///lake/{window.start:%Y/%m/%d/%H}/_SUCCESS"},
    });
    let context = step_of(run(&input), &storage, None);
    let late = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        put(&storage, "lake/2026/11/28/09/_SUCCESS", b"ok").await;
    };
    let begun = Instant::now();
    let (report, ()) = tokio::join!(whole(&context), late);
    assert_eq!((report.sensors.succeeded, report.rows), (1, 1));
    assert_eq!(begun.elapsed(), Duration::from_secs(20));
}

/// A dry run waits for nothing and says what a run would wait for.
#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_is_missing() {
    let storage = storage(&["a", "d"]).await;
    publish(&storage, time(NINE)).await;
    let survey = steps::survey(&step_of(run(&json!({})), &storage, None)).await;
    let survey = survey.unwrap();
    assert_eq!((survey.sensors, survey.input_objects), (2, 2));
    assert!(
        survey
            .incomplete
            .is_some_and(|missing| missing.contains(TEN))
    );
    assert!(survey.failing.is_empty());
}

/// Without a window all that is complete is read.
#[tokio::test(start_paused = true)]
async fn without_a_window_all_complete_segments_are_read() {
    let storage = storage(&["a", "d"]).await;
    for start in [NINE, ELEVEN] {
        publish(&storage, time(start)).await;
    }
    let mut manifest = run(&json!({}));
    manifest["spec"]["window"].take();
    let context = step_of(manifest, &storage, None);
    let report = whole(&context).await;
    assert_eq!((report.sensors.succeeded, report.rows), (2, 8));
    assert_eq!(Progress::get(&context.progress.rows), 8);
}

/// Files that no document lists lie in a stream's folder, too: it is never read file by file, whatever the format and the folder say.
#[tokio::test(start_paused = true)]
async fn a_stream_s_folder_is_not_read_file_by_file() {
    let storage = storage(&["a", "d"]).await;
    for start in [NINE, TEN] {
        publish(&storage, time(start)).await;
    }
    file(
        &storage,
        time(NINE),
        "readings-r0-000-ff.parquet",
        &["a", "d"],
    )
    .await;
    for input in [
        json!({"format": "Parquet"}),
        json!({"location": "memory:///in/date=2026-11-28/"}),
        json!({"location": "memory:///in/date=2026-11-28/", "format": "Parquet"}),
    ] {
        let context = step_of(run(&input), &storage, None);
        let error = steps::plan(&context, |_| 1).await.unwrap_err().to_string();
        for part in ["memory:///in/", "ReadingStream", "format: Stream"] {
            assert!(error.contains(part), "{input}: {error}");
        }
    }
}
