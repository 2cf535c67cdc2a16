//! Retries in place: what they may touch, and what is left when they are killed at any write.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fleetscore_crds::Phase;
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use serde_json::{Value, json};

use super::{MODEL, manifest, step_of};
use crate::history::SensorTable;
use crate::ledger::SensorState;
use crate::report::Report;
use crate::steps::{self, Context, StepError};

/// A store that does so many writes and deletions, and then never answers again.
#[derive(Clone)]
struct Mortal {
    inner: Arc<InMemory>,
    left: Arc<AtomicUsize>,
}

impl Mortal {
    async fn spend(&self) {
        let spent = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if spent.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Mortal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Mortal")
    }
}

impl fmt::Display for Mortal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Mortal")
    }
}

#[async_trait]
impl ObjectStore for Mortal {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.spend().await;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.spend().await;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let spent = locations.and_then(move |path| {
            let this = this.clone();
            async move {
                this.spend().await;
                Ok(path)
            }
        });
        self.inner.delete_stream(Box::pin(spent))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.spend().await;
        self.inner.copy_opts(from, to, options).await
    }
}

/// A place with models of five sensors. Of `0` and `1` there are readings from the beginning, `2` has them later, `3` has one that cannot
/// be scored, `4` never has any.
struct World {
    store: Arc<InMemory>,
}

impl World {
    async fn new() -> Self {
        let world = Self {
            store: Arc::default(),
        };
        for sensor in 0..5 {
            let model = Path::from(format!("models/{sensor}"));
            world.store.put(&model, MODEL.into()).await.unwrap();
        }
        for (sensor, value) in [(0, "1"), (1, "2"), (3, "?")] {
            world.add_readings(sensor, value).await;
        }
        world
    }

    /// The same after the run `first` and with the readings of `2`.
    async fn after_first() -> Self {
        let world = Self::new().await;
        let report = world.run(&first()).await.unwrap();
        assert_eq!((report.sensors.succeeded, report.sensors.failed), (2, 3));
        world.add_readings(2, "3").await;
        world
    }

    async fn add_readings(&self, sensor: usize, value: &str) {
        let csv = format!("Time,Value\n2018-08-29T00:00:00Z,{value}\n");
        let readings = Path::from(format!("in/{sensor}.csv"));
        self.store.put(&readings, csv.into()).await.unwrap();
    }

    fn storage(&self, writes: usize) -> Storage {
        let store = Mortal {
            inner: Arc::clone(&self.store),
            left: Arc::new(AtomicUsize::new(writes)),
        };
        Storage::over(Arc::new(store), StorageOptions::default())
    }

    fn context(&self, manifest: &Value, writes: usize) -> Context {
        step_of(manifest.clone(), &self.storage(writes), None)
    }

    /// Does all of a run, as pods do it.
    async fn run(&self, manifest: &Value) -> std::result::Result<Report, StepError> {
        run_in(&self.context(manifest, usize::MAX)).await
    }

    /// Everything in the place and the records, but for the claims.
    async fn objects(&self) -> BTreeMap<String, Bytes> {
        let mut objects = BTreeMap::new();
        let list: Vec<_> = self
            .store
            .list(Some(&Path::from("out")))
            .try_collect()
            .await
            .unwrap();
        for object in list {
            let path = object.location.to_string();
            if !path.contains("/_run/owner/") {
                let bytes = self.store.get(&object.location).await.unwrap();
                objects.insert(path, bytes.bytes().await.unwrap());
            }
        }
        objects
    }

    async fn has(&self, path: &str) -> bool {
        self.store.head(&Path::from(path)).await.is_ok()
    }

    async fn json(&self, path: &str) -> Value {
        let found = self.store.get(&Path::from(path)).await.unwrap();
        serde_json::from_slice(&found.bytes().await.unwrap()).unwrap()
    }

    /// The sensors in a list of failed ones.
    async fn failed(&self, path: &str) -> Vec<String> {
        let found = self.store.get(&Path::from(path)).await.unwrap();
        let text = String::from_utf8(found.bytes().await.unwrap().to_vec()).unwrap();
        let lines = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["key"]["sensor"].as_str().unwrap().to_owned()
        });
        lines.collect()
    }
}

async fn run_in(context: &Context) -> std::result::Result<Report, StepError> {
    match steps::plan(context, |_| 1).await {
        Ok(plan) => {
            for shard in 0..u32::try_from(plan.shards).unwrap() {
                steps::score(context, shard).await?;
            }
        }
        Err(error) => {
            if error.exit_code() == 64 {
                context.place.release().await.ok();
            }
            return Err(error);
        }
    }
    let report = steps::collect(context).await?;
    context.place.release().await?;
    Ok(report)
}

fn first() -> Value {
    named("first", None, &[], 0)
}

/// A run that scores what failed in another one, for some reasons.
fn retry(name: &str, of: &str, reasons: &[&str], limit: u32) -> Value {
    named(name, Some(of), reasons, limit)
}

fn named(name: &str, of: Option<&str>, reasons: &[&str], limit: u32) -> Value {
    let mut manifest = manifest(name);
    manifest["metadata"]["name"] = json!(name);
    let spec = &mut manifest["spec"];
    spec["window"] = json!({"start": "2018-08-29T00:00:00Z", "end": "2018-08-29T01:00:00Z"});
    spec["output"]["location"] = json!("memory:///out/{window.start:%Y}/");
    spec["failurePolicy"] = json!({"maxFailedSensors": limit});
    if let Some(of) = of {
        spec["sensors"] = json!({"failedIn": {"run": of, "reasons": reasons}});
    }
    manifest
}

/// Where the record of a run lies.
fn record(run: &str) -> String {
    format!("out/_runs/2018/08/29/{run}-20180829T000000Z-20180829T010000Z.json")
}

/// Objects that are not the retries', nor differ by what a retry may do.
fn of_others(objects: &BTreeMap<String, Bytes>, also: &str) -> BTreeMap<String, Bytes> {
    let others = objects.iter().filter(|(path, _)| {
        !path.contains("/_run/retry/")
            && !path.contains("/_runs/")
            && !path.ends_with("_SUCCESS")
            && *path != also
    });
    others
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_retry_scores_what_failed_and_touches_nothing_else() {
    let world = World::after_first().await;
    let before = world.objects().await;
    assert!(!before.contains_key("out/2018/_SUCCESS"));
    let report = world.run(&retry("again", "first", &[], 2)).await.unwrap();
    let after = world.objects().await;
    assert_eq!(
        of_others(&after, "out/2018/2.csv"),
        of_others(&before, ""),
        "the earlier run's own files and predictions"
    );
    assert!(after.contains_key("out/2018/2.csv") && after.contains_key("out/2018/_SUCCESS"));
    let left = report.left.unwrap();
    assert_eq!(
        (left.total, left.failed, left.limit, left.complete),
        (5, 2, 2, true)
    );
    assert_eq!(report.run.retries.as_deref(), Some("first"));
    let own = "out/2018/_run/retry/again";
    assert_eq!(
        world.failed(&format!("{own}/failed.jsonl")).await,
        ["3", "4"]
    );
    for run in ["first", "again"] {
        let record = world.json(&record(run)).await;
        let is_retry = record["run"]["name"] == "again";
        assert_eq!(record["sensors"]["total"], if is_retry { 3 } else { 5 });
        assert_eq!(
            record["run"]["retries"],
            if is_retry {
                json!("first")
            } else {
                Value::Null
            }
        );
    }
    let table = ObjectUrl::parse(&format!("memory:///{own}/sensors.parquet")).unwrap();
    let table = SensorTable::open(&world.storage(0), &table).await.unwrap();
    assert_eq!(table.info().retries.as_deref(), Some("first"));
    let rows = table.read_all().await.unwrap();
    let states: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.key.get("sensor").unwrap(),
                row.state == SensorState::Succeeded,
                row.reason.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("2", true, None),
            ("3", false, Some("InvalidReading")),
            ("4", false, Some("ReadingsNotFound")),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_a_retry_knows_what_is_left_and_reasons_are_kept_apart() {
    let world = World::after_first().await;
    let report = world
        .run(&retry("b", "first", &["InvalidReading"], 0))
        .await
        .unwrap();
    let left = report.left.unwrap();
    assert_eq!(
        (report.sensors.total, left.failed, left.complete),
        (1, 3, false)
    );
    assert!(!world.has("out/2018/_SUCCESS").await);
    let own = "out/2018/_run/retry";
    assert_eq!(
        world.failed(&format!("{own}/b/failed.jsonl")).await,
        ["2", "3", "4"]
    );

    let stale = world.run(&retry("c", "first", &[], 0)).await.unwrap_err();
    assert_eq!(stale.reason(), "RetryNotLast", "{stale}");
    assert!(stale.to_string().contains("run `b`"), "{stale}");

    world.add_readings(3, "4").await;
    let report = world.run(&retry("c", "b", &[], 1)).await.unwrap();
    let left = report.left.unwrap();
    assert_eq!(
        (report.sensors.total, left.total, left.failed, left.complete),
        (3, 5, 1, true)
    );
    assert!(world.has("out/2018/_SUCCESS").await);
    // What is left is within the limit of an earlier retry: this one leaves `_SUCCESS` where it is.
    let report = world.run(&retry("d", "c", &[], 0)).await.unwrap();
    assert!(report.left.unwrap().complete && world.has("out/2018/_SUCCESS").await);
    let nothing = world
        .run(&retry("e", "d", &["ModelNotFound"], 0))
        .await
        .unwrap_err();
    assert!(
        nothing
            .to_string()
            .contains("none of them for one of the reasons"),
        "{nothing}"
    );
    // A run of all sensors begins anew.
    world.run(&first()).await.unwrap();
    let objects = world.objects().await;
    assert!(
        !objects.keys().any(|path| path.contains("/_run/retry/")),
        "{:?}",
        objects.keys()
    );
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_leaves_too_many_others_has_not_wholly_succeeded() {
    for (limit, phase) in [(0, Phase::PartiallySucceeded), (2, Phase::Succeeded)] {
        let world = World::after_first().await;
        world.add_readings(3, "4").await;
        let manifest = retry("b", "first", &["InvalidReading"], limit);
        let report = world.run(&manifest).await.unwrap();
        assert_eq!((report.sensors.total, report.sensors.failed), (1, 0));
        assert_eq!(report.phase, phase);
        assert_eq!(
            world.has("out/2018/_SUCCESS").await,
            phase == Phase::Succeeded
        );
        let totals = steps::totals(&world.context(&manifest, usize::MAX), &report);
        let left = totals
            .left
            .map(|left| (left.total, left.failed, left.limit));
        assert_eq!(left, (limit == 0).then_some((5, 2, 0)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_or_is_not_there_cannot_be_retried() {
    let world = World::new().await;
    let again = retry("again", "first", &[], 0);
    let error = world.run(&again).await.unwrap_err();
    assert!(
        error.to_string().contains("has left nothing there"),
        "{error}"
    );
    let context = world.context(&first(), usize::MAX);
    let plan = steps::plan(&context, |_| 1).await.unwrap();
    for shard in 0..u32::try_from(plan.shards).unwrap() {
        steps::score(&context, shard).await.unwrap();
    }
    assert!(world.run(&again).await.is_err(), "before the report");
    steps::collect(&context).await.unwrap();
    context.place.release().await.unwrap();
    world.run(&again).await.unwrap();
    // Where the folder is shared by name alone, the report tells another run.
    let other = world
        .run(&retry("later", "second", &[], 0))
        .await
        .unwrap_err();
    assert!(other.to_string().contains("that of run `first`"), "{other}");
}

/// The sensors of one place have the readings of one window.
#[tokio::test(start_paused = true)]
async fn a_retry_over_another_window_is_refused() {
    let world = World::after_first().await;
    let before = world.objects().await;
    let mut again = retry("again", "first", &[], 5);
    again["spec"]["window"]["end"] = json!("2018-08-29T02:00:00Z");
    let error = world.run(&again).await.unwrap_err();
    assert!(error.to_string().contains("another window"), "{error}");
    assert_eq!(
        of_others(&world.objects().await, ""),
        of_others(&before, "")
    );
}

/// The run ended within its limit, and was killed before it could say so.
#[tokio::test(start_paused = true)]
async fn a_retry_puts_the_success_that_is_absent() {
    let world = World::new().await;
    world.run(&named("first", None, &[], 3)).await.unwrap();
    let success = Path::from("out/2018/_SUCCESS");
    world.store.delete(&success).await.unwrap();
    world.run(&retry("again", "first", &[], 3)).await.unwrap();
    assert!(world.has("out/2018/_SUCCESS").await);
}

/// Does all of a run but for saying that it has ended.
async fn without_end(world: &World, manifest: &Value) {
    let context = world.context(manifest, usize::MAX);
    let plan = steps::plan(&context, |_| 1).await.unwrap();
    for shard in 0..u32::try_from(plan.shards).unwrap() {
        steps::score(&context, shard).await.unwrap();
    }
    steps::collect(&context).await.unwrap();
}

/// Killed between its last file and the end of its claim. With `_SUCCESS`, without it, and a retry.
#[tokio::test(start_paused = true)]
async fn a_run_that_came_to_its_last_file_can_be_retried_though_it_never_said_so() {
    for limit in [0, 3] {
        let world = World::new().await;
        without_end(&world, &named("first", None, &[], limit)).await;
        assert_eq!(world.has("out/2018/_SUCCESS").await, limit == 3);
        world.add_readings(2, "3").await;
        without_end(&world, &retry("again", "first", &[], 2)).await;
        assert!(world.has("out/2018/2.csv").await);
        world.add_readings(3, "4").await;
        let (one, two) = (retry("one", "again", &[], 5), retry("two", "again", &[], 5));
        let (one, two) = tokio::join!(world.run(&one), world.run(&two));
        assert_eq!([&one, &two].iter().filter(|ended| ended.is_ok()).count(), 1);
        assert!(world.has("out/2018/3.csv").await && world.has("out/2018/_SUCCESS").await);
    }
}

/// Its last file does not count any more once the run is begun again, under the same claim.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_begun_again_has_not_ended() {
    let world = World::new().await;
    let again = retry("again", "first", &[], 5);
    without_end(&world, &first()).await;
    steps::plan(&world.context(&first(), usize::MAX), |_| 1)
        .await
        .unwrap();
    let error = world.run(&again).await.unwrap_err();
    assert_eq!(error.reason(), "RetryNotEnded", "{error}");
    without_end(&world, &first()).await;
    steps::score(&world.context(&first(), usize::MAX), 0)
        .await
        .unwrap();
    let error = world.run(&again).await.unwrap_err();
    assert_eq!(error.reason(), "RetryNotEnded", "{error}");
}

/// Killed before `_SUCCESS`, which it was to put.
#[tokio::test(start_paused = true)]
async fn a_run_that_did_not_come_to_its_last_file_has_not_ended() {
    let world = World::new().await;
    without_end(&world, &named("first", None, &[], 3)).await;
    let success = Path::from("out/2018/_SUCCESS");
    world.store.delete(&success).await.unwrap();
    let error = world
        .run(&retry("again", "first", &[], 5))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "RetryNotEnded", "{error}");
}

/// A note that was cut off, as a disk leaves it that lost its power, says nothing: `_SUCCESS` may still have been to come.
#[tokio::test(start_paused = true)]
async fn a_note_that_is_cut_off_is_none() {
    for rest in ["", "_SUCC"] {
        let world = World::new().await;
        without_end(&world, &named("first", None, &[], 3)).await;
        let owner = Path::from("out/2018/_run/owner/");
        let found: Vec<_> = world.store.list(Some(&owner)).try_collect().await.unwrap();
        let note = found
            .iter()
            .find(|it| it.location.extension() == Some("summed"));
        let note = note.unwrap().location.clone();
        world.store.put(&note, rest.into()).await.unwrap();
        let success = Path::from("out/2018/_SUCCESS");
        world.store.delete(&success).await.unwrap();
        let again = world.run(&retry("again", "first", &[], 5)).await;
        assert_eq!(again.unwrap_err().reason(), "RetryNotEnded", "{rest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_retries_at_once_one_is_refused() {
    let world = World::after_first().await;
    let (one, two) = (retry("one", "first", &[], 5), retry("two", "first", &[], 5));
    let (one, two) = tokio::join!(world.run(&one), world.run(&two));
    let refused = [&one, &two].into_iter().filter(|ended| ended.is_err());
    assert_eq!(refused.count(), 1, "{one:?} {two:?}");
    assert!(world.has("out/2018/2.csv").await && world.has("out/2018/_SUCCESS").await);
}

/// Another name for the files would put one sensor's predictions over another's.
#[tokio::test(start_paused = true)]
async fn predictions_that_are_there_are_never_replaced() {
    let world = World::after_first().await;
    let before = world.objects().await;
    let mut again = retry("again", "first", &["ReadingsNotFound"], 5);
    again["spec"]["output"]["file"] = json!("0.csv");
    again["spec"]["sensors"]["failedIn"]["reasons"] = json!(["InvalidReading"]);
    world.add_readings(3, "4").await;
    let report = world.run(&again).await.unwrap();
    assert_eq!(report.sensors.succeeded, 0);
    assert_eq!(
        format!("{:?}", report.failures[0].reason),
        "OutputCollision"
    );
    assert_eq!(
        of_others(&world.objects().await, ""),
        of_others(&before, "")
    );
}

/// Killed after any number of writes: nothing of the earlier run is touched, `_SUCCESS` is there only beside what it promises, and the next
/// try, or another retry, comes to the result of one that lives.
#[tokio::test(start_paused = true)]
async fn a_retry_that_is_killed_at_any_write_is_repaired() {
    let again = retry("again", "first", &[], 2);
    let clean = World::after_first().await;
    let before = clean.objects().await;
    let whole = clean.run(&again).await.unwrap();
    for writes in 0.. {
        let world = World::after_first().await;
        let context = world.context(&again, writes);
        let lived = tokio::time::timeout(Duration::from_hours(1), run_in(&context)).await;
        let killed = world.objects().await;
        assert_eq!(
            of_others(&killed, "out/2018/2.csv")
                .keys()
                .collect::<Vec<_>>(),
            of_others(&before, "").keys().collect::<Vec<_>>(),
            "{writes} writes"
        );
        if killed.contains_key("out/2018/_SUCCESS") {
            assert!(killed.contains_key("out/2018/2.csv"), "{writes} writes");
            assert!(
                killed.contains_key("out/2018/_run/retry/again/failed.jsonl"),
                "{writes} writes"
            );
        }
        // With another UID, as a process has it that is begun again.
        let mut anew = again.clone();
        if writes % 2 == 1 {
            anew["metadata"]["uid"] = json!("another");
        }
        let report = world.run(&anew).await.unwrap();
        assert_eq!(report.left, whole.left, "{writes} writes");
        let repaired = world.objects().await;
        assert_eq!(
            repaired.keys().collect::<Vec<_>>(),
            clean.objects().await.keys().collect::<Vec<_>>(),
            "{writes} writes"
        );
        if matches!(lived, Ok(Ok(_))) {
            assert!(writes > 10, "{writes}");
            break;
        }
    }
}

/// Summing up twice gives one record with the same content.
#[tokio::test(start_paused = true)]
async fn a_record_is_written_once() {
    let world = World::new().await;
    let context = world.context(&first(), usize::MAX);
    steps::plan(&context, |_| 10).await.unwrap();
    steps::score(&context, 0).await.unwrap();
    steps::collect(&context).await.unwrap();
    let path = record("first");
    let record = || world.json(&path);
    let once = record().await;
    steps::collect(&context).await.unwrap();
    assert_eq!(record().await, once);
    assert_eq!(once["phase"], "Failed");
    assert_eq!(
        once["failures"],
        json!([{"reason": "ReadingsNotFound", "count": 2}, {"reason": "InvalidReading", "count": 1}])
    );
    let size = serde_json::to_string_pretty(&once).unwrap().len();
    assert!((500..2500).contains(&size), "{size}");
}
