use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetscore_crds::Manifest;
use fleetscore_storage::{Storage, StorageOptions};
use futures::{FutureExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde_json::{Value, json};

use super::actor::{Actor, End, Habits};
use super::store::{Slow, Witness};
use super::world::MODEL;
use crate::run::Run;

/// The values of the readings of the run and of its retry, sensor by sensor: the third has none at first.
const VALUES: [[&str; 3]; 2] = [["1", "2", ""], ["1", "2", "5"]];

/// What both runs have written and deleted: run, verb, path.
type Effects = Arc<Mutex<Vec<(usize, &'static str, String)>>>;

/// Plays a run and a retry of it in its place, which begin at any time, and checks what they do. Returns whether the retry was done.
pub async fn play(seed: u64, habits: [Habits; 2]) -> bool {
    let store = Arc::new(InMemory::new());
    for sensor in 0..3 {
        let model = Path::from(format!("models/{sensor}"));
        store.put(&model, MODEL.into()).await.unwrap();
        for (run, values) in VALUES.iter().enumerate() {
            let mut csv = "Time,Value\n".to_owned();
            if !values[sensor].is_empty() {
                csv.extend(["2018-08-29T00:00:00Z,", values[sensor], "\n"]);
            }
            let readings = Path::from(format!("in/{run}/{sensor}.csv"));
            store.put(&readings, csv.into()).await.unwrap();
        }
    }
    let effects = Effects::default();
    let act = |run: usize| {
        let witness = witness(&store, &effects);
        let storage = Arc::new(Slow::new(run, seed, &store, &witness));
        let storage = Storage::over(storage, StorageOptions::default());
        let manifest: Manifest = serde_json::from_value(manifest(run)).unwrap();
        Actor::new(Run::fill(manifest).unwrap(), storage, habits[run].clone()).act()
    };
    let ends: [End; 2] = tokio::join!(act(0), act(1)).into();
    // What is still on its way.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let objects = objects(&store).await;
    let effects = effects.lock().unwrap();
    if let End::Done(report) = &ends[1] {
        let left = report.left.unwrap();
        let complete = objects.contains_key("out/_SUCCESS");
        assert_eq!((left.total, left.complete), (3, complete), "{effects:?}");
    }
    let mut scored = 0;
    for (sensor, value) in VALUES[1].iter().enumerate() {
        if let Some(text) = objects.get(&format!("out/{sensor}.csv")) {
            assert!(text.contains(&format!(",{value}")), "{text}\n{effects:?}");
            scored += 1;
        }
    }
    // One may be without predictions.
    let complete = objects.contains_key("out/_SUCCESS");
    assert!(!complete || scored >= 2, "{effects:?}");
    ends[1].succeeded()
}

/// Looks at every write and deletion: the retry touches nothing of the run, and the run nothing once the retry has the place.
fn witness(store: &Arc<InMemory>, effects: &Effects) -> Witness {
    let (store, effects) = (Arc::clone(store), Arc::clone(effects));
    Arc::new(move |run, verb, path| {
        let path = path.as_ref();
        let mut effects = effects.lock().unwrap();
        let is_claim = |path: &str| path.contains("/_run/owner/");
        let has_claimed = |effects: &[(usize, &str, String)]| {
            let mut claims = effects.iter().filter(|(_, verb, path)| {
                *verb == "put" && is_claim(path) && path.split('.').next_back() == Some("json")
            });
            claims.any(|(run, ..)| *run == 1)
        };
        if run == 1 && !is_claim(path) {
            let mine = path.starts_with("out/_run/retry/run-1/")
                || path == "out/_SUCCESS"
                || has_failed(&store, path)
                || (path.starts_with("out/_runs/") && path.ends_with("/run-1.json"));
            assert!(mine, "the retry: {verb} {path}\n{effects:?}");
            assert!(has_claimed(&effects), "{verb} {path}\n{effects:?}");
        }
        if run == 0 && !is_claim(path) {
            assert!(
                !has_claimed(&effects),
                "the run: {verb} {path}\n{effects:?}"
            );
        }
        effects.push((run, verb, path.to_owned()));
    })
}

/// Whether these are predictions of a sensor that the run has listed as failed.
fn has_failed(store: &InMemory, path: &str) -> bool {
    let sensor = path
        .strip_prefix("out/")
        .and_then(|path| path.strip_suffix(".csv"));
    // Nothing in the memory waits.
    let objects = objects(store).now_or_never().unwrap();
    let failed = objects.get("out/_run/failed.jsonl");
    failed
        .zip(sensor)
        .is_some_and(|(failed, sensor)| failed.contains(&format!("\"sensor\":\"{sensor}\"")))
}

async fn objects(store: &InMemory) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    let list: Vec<_> = store
        .list(Some(&Path::from("out")))
        .try_collect()
        .await
        .unwrap();
    for object in list {
        let bytes = store.get(&object.location).await.unwrap().bytes().await;
        let text = String::from_utf8_lossy(&bytes.unwrap()).into_owned();
        objects.insert(object.location.to_string(), text);
    }
    objects
}

fn manifest(run: usize) -> Value {
    let sensors = if run == 0 {
        json!({})
    } else {
        json!({"failedIn": {"run": "run-0"}})
    };
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1",
        "kind": "ScoringRun",
        "metadata": {"name": format!("run-{run}"), "uid": format!("uid-{run}"), "generation": 1},
        "spec": {
            "sensors": sensors,
            "model": {"location": "memory:///models/{sensor}"},
            "input": {
                "location": format!("memory:///in/{run}/{{sensor}}.csv"),
                "columns": {"time": "Time", "features": ["Value"]},
            },
            "output": {"location": "memory:///out/", "file": "{sensor}.csv"},
            "failurePolicy": {"maxFailedSensors": 1},
        },
    })
}
