//! The steps of a run in virtual time, in which every request takes a second.

mod folders;
mod retry;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::Manifest;
use object_store::ObjectStoreExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::outputs;
use crate::place::{Process, Times};
use crate::run::Run;
use crate::steps::{self, Compute, Context, Limits, Progress};
use fleetscore_storage::{Storage, StorageOptions};

const MODEL: &[u8] = include_bytes!("../../tests/fixtures/models/standard_rbf_d1_sk191.p5.pkl");
const SENSORS: u64 = 60;

/// Storage with a model and a file of readings for each of [`SENSORS`] sensors.
async fn storage() -> Storage {
    let store = InMemory::new();
    for sensor in 0..SENSORS {
        let model = Path::from(format!("models/{sensor}"));
        store.put(&model, MODEL.into()).await.unwrap();
        let readings = Path::from(format!("in/{sensor}.csv"));
        let csv = "Time,Value\n2018-08-29T00:00:00Z,1\n";
        store.put(&readings, csv.into()).await.unwrap();
    }
    let second = Duration::from_secs(1);
    let late = ThrottleConfig {
        wait_get_per_call: second,
        wait_put_per_call: second,
        wait_delete_per_call: second,
        wait_list_per_call: second,
        ..ThrottleConfig::default()
    };
    Storage::over(
        Arc::new(ThrottledStore::new(store, late)),
        StorageOptions::default(),
    )
}

/// A step of the run with this UID, which scores all sensors on one thread.
fn context(storage: &Storage, uid: &str, process: Option<Process>) -> Context {
    step_of(manifest(uid), storage, process)
}

fn manifest(uid: &str) -> Value {
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1",
        "kind": "ScoringRun",
        "metadata": {"name": "late", "uid": uid, "generation": 1},
        "spec": {
            "model": {"location": "memory:///models/{sensor}"},
            "input": {
                "location": "memory:///in/{sensor}.csv",
                "columns": {"time": "Time", "features": ["Value"]},
            },
            "output": {"location": "memory:///out/", "file": "{sensor}.csv"},
        },
    })
}

fn step_of(manifest: Value, storage: &Storage, process: Option<Process>) -> Context {
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    let run = Run::fill(manifest).unwrap();
    let limits = Limits {
        threads: 1,
        ..Limits::default()
    };
    Context {
        place: run.place(storage, process, Times::default()),
        run: Arc::new(run),
        storage: storage.clone(),
        limits,
        compute: Compute::new(&limits),
        progress: Arc::new(Progress::default()),
        kept: None,
        stop: CancellationToken::new(),
    }
}

/// Does all of a run; how long its three steps take.
async fn whole_run(context: &Context) -> [Duration; 3] {
    let begun = Instant::now();
    steps::plan(context, |_| 1000).await.unwrap();
    let planned = Instant::now();
    let summary = steps::score(context, 0).await.unwrap();
    let scored = Instant::now();
    let report = steps::collect(context).await.unwrap();
    let collected = scored.elapsed();
    assert_eq!(
        (summary.sensors, summary.failed, summary.rows),
        (SENSORS, 0, SENSORS)
    );
    assert_eq!(report.sensors.succeeded, SENSORS);
    [
        planned.duration_since(begun),
        scored.duration_since(planned),
        collected,
    ]
}

/// With one thread, too, the sensors' requests wait at the same time: each kind takes some seconds for all of them.
#[tokio::test(start_paused = true)]
async fn requests_of_all_sensors_wait_at_the_same_time() {
    let [planned, scored, collected] = whole_run(&context(&storage().await, "1", None)).await;
    // The plan's; the first model, the others, the readings, the predictions; the ledger's.
    assert!(scored <= Duration::from_secs(7), "{scored:?}");
    assert!(planned <= Duration::from_secs(7), "{planned:?}");
    assert!(collected <= Duration::from_secs(7), "{collected:?}");
}

/// A process that does all of a run does not read back what it knows.
#[tokio::test(start_paused = true)]
async fn a_process_that_does_all_of_a_run_knows_its_plan() {
    let context = Context {
        kept: Some(Arc::default()),
        ..context(&storage().await, "1", Some(Process::current()))
    };
    let [_, scored, collected] = whole_run(&context).await;
    // The first model, the others, the readings, the predictions; the ledger's.
    assert!(scored <= Duration::from_secs(5), "{scored:?}");
    // A look at who owns the place, as ten seconds have passed; the ledger, the report, its page, a note that all is there,
    // `_SUCCESS`.
    assert!(collected <= Duration::from_secs(6), "{collected:?}");
}

/// No sensor's predictions take the place of the run's own files, where the store tells upper from lower case too.
#[tokio::test(start_paused = true)]
async fn no_sensor_has_the_name_of_the_runs_own_files() {
    let storage = storage().await;
    for (key, reserved) in [("_SUCCESS", true), ("_run", true), ("_success", false)] {
        let mut manifest = manifest("1");
        let spec = &mut manifest["spec"];
        spec["output"]["file"] = json!(if key == "_run" {
            "{sensor}/x.csv"
        } else {
            "{sensor}"
        });
        spec["output"]["format"] = json!("Csv");
        spec["sensors"] = json!({"list": [{"sensor": key}]});
        spec["model"]["location"] = json!("memory:///models/0");
        let survey = steps::survey(&step_of(manifest, &storage, None)).await;
        let survey = survey.unwrap();
        let collides = survey.failing.iter().any(|failing| {
            let failure = format!("{failing:?}");
            failure.contains("OutputCollision") && failure.contains("belongs to the run itself")
        });
        assert_eq!(collides, reserved, "{survey:?}");
    }
}

/// A dry run asks for what there is at the same time, and then reads the models.
#[tokio::test(start_paused = true)]
async fn a_dry_run_asks_for_all_at_the_same_time() {
    let context = context(&storage().await, "1", None);
    let begun = Instant::now();
    let survey = steps::survey(&context).await.unwrap();
    let surveyed = begun.elapsed();
    assert_eq!((survey.sensors, survey.input_objects), (SENSORS, SENSORS));
    assert!(survey.failing.is_empty(), "{survey:?}");
    assert!(surveyed <= Duration::from_secs(2), "{surveyed:?}");
}

/// A plan that is equal to the one found there means that the attempt goes on, but not where another run has had the place in between.
#[tokio::test(start_paused = true)]
async fn a_plan_is_new_where_another_run_has_written_since() {
    let storage = storage().await;
    let first = context(&storage, "1", None);
    steps::plan(&first, |_| 1000).await.unwrap();
    let elsewhere = Process {
        host: "elsewhere".to_owned(),
        pid: 1,
        scope: None,
    };
    let second = context(&storage, "2", Some(elsewhere));
    // It waits for what the first may still write, and has written nothing when the first tries again.
    let other = async {
        steps::plan(&second, |_| 1000).await.unwrap();
        steps::score(&second, 0).await.unwrap();
        steps::collect(&second).await.unwrap();
    };
    let retry = async {
        tokio::time::sleep(Times::default().settle()).await;
        let retry = context(&storage, "1", None);
        steps::plan(&retry, |_| 1000).await.unwrap();
    };
    tokio::join!(other, retry);
    let again = context(&storage, "1", None);
    let success = again.run.output.join(outputs::SUCCESS).unwrap();
    assert!(!storage.exists(&success).await.unwrap(), "the other run's");
}
