use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fleetscore_crds::Manifest;
use futures::{FutureExt as _, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde_json::{Value, json};

use super::actor::{Actor, End, Habits, Kind};
use super::store::{Slow, Witness};
use crate::run::Run;
use fleetscore_storage::{Storage, StorageOptions};

pub const MODEL: &[u8] =
    include_bytes!("../../../tests/fixtures/models/standard_rbf_d1_sk191.p5.pkl");
/// The readings' values of the two runs, sensor by sensor: each has one sensor without readings, so without predictions.
const VALUES: [[&str; 3]; 2] = [["1", "2", ""], ["3", "", "4"]];

/// Two runs, the place that both write to, and what must hold.
pub struct World {
    seed: u64,
    store: Arc<InMemory>,
    history: Arc<Mutex<History>>,
}

/// What has happened at the place.
#[derive(Default)]
struct History {
    /// Effects in their order: run, verb, path.
    effects: Vec<(usize, &'static str, String)>,
    /// Runs in the order of their claims.
    claims: Vec<usize>,
    /// The run that wrote an object last, and how many claims there were by then, by its path.
    writers: BTreeMap<String, (usize, usize)>,
}

impl World {
    pub async fn new(seed: u64) -> Self {
        let store = Arc::new(InMemory::new());
        for sensor in 0..3 {
            let model = Path::from(format!("models/{sensor}"));
            store.put(&model, MODEL.into()).await.unwrap();
        }
        for (run, values) in VALUES.iter().enumerate() {
            for (sensor, value) in values.iter().enumerate() {
                let mut csv = "Time,Value\n".to_owned();
                if !value.is_empty() {
                    writeln!(csv, "2018-08-29T00:00:00Z,{value}").unwrap();
                }
                let readings = Path::from(format!("in/{run}/{sensor}.csv"));
                store.put(&readings, csv.into()).await.unwrap();
            }
        }
        Self {
            seed,
            store,
            history: Arc::default(),
        }
    }

    /// Plays both runs to their ends, and returns a hash of the order of what they wrote and deleted.
    pub async fn play(&self, habits: [Habits; 2]) -> u64 {
        let act = |run: usize| {
            let actor = self.actor(run, habits[run].clone());
            async move {
                let end = actor.act().await;
                self.check_end(run, &end);
                end
            }
        };
        let ends: [End; 2] = tokio::join!(act(0), act(1)).into();
        // What is still on its way.
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        let history = self.history.lock().unwrap();
        assert_whole(&self.objects(), &history);
        Self::check_progress(&habits, &ends, &history);
        let mut hasher = DefaultHasher::new();
        history.effects.hash(&mut hasher);
        hasher.finish()
    }

    fn actor(&self, run: usize, habits: Habits) -> Actor {
        let witness = self.witness();
        let store = Arc::new(Slow::new(run, self.seed, &self.store, &witness));
        let storage = Storage::over(store, StorageOptions::default());
        let manifest: Manifest = serde_json::from_value(manifest(run)).unwrap();
        Actor::new(Run::fill(manifest).unwrap(), storage, habits)
    }

    /// Looks at the place after every write and every deletion.
    fn witness(&self) -> Witness {
        let (store, history) = (Arc::clone(&self.store), Arc::clone(&self.history));
        Arc::new(move |run, verb, path| {
            let path = path.as_ref();
            let mut history = history.lock().unwrap();
            history.effects.push((run, verb, path.to_owned()));
            if path.contains("/_run/owner/") {
                if verb == "put" && path.split('.').next_back() == Some("json") {
                    history.claims.push(run);
                }
            } else {
                check_effect(&history, run, verb, path);
                if verb == "put" {
                    let claims = history.claims.len();
                    history.writers.insert(path.to_owned(), (run, claims));
                } else {
                    history.writers.remove(path);
                }
            }
            assert_whole(&objects(&store), &history);
        })
    }

    fn objects(&self) -> BTreeMap<String, Bytes> {
        objects(&self.store)
    }

    /// What a run says at its end is true at that moment.
    fn check_end(&self, run: usize, end: &End) {
        let history = self.history.lock().unwrap();
        match end {
            End::Refused(error) => {
                let other = format!("run `{}`", name(1 - run));
                let text = error.to_string();
                // A plan that is another run's, or a place: both say whose.
                assert!(
                    text.contains(&other) || text.contains(&uid(1 - run)),
                    "run {run}: {text}\n{:?}",
                    history.effects
                );
            }
            End::Done(_) if end.succeeded() && history.claims.last() == Some(&run) => {
                let objects = self.objects();
                assert!(
                    objects.contains_key("out/_SUCCESS"),
                    "run {run}: {:?}",
                    objects.keys()
                );
                assert_eq!(reporter(&objects), run);
            }
            End::Done(_) | End::Dead => {}
        }
    }

    /// The run that claims last gets its results, unless it dies; and nobody is refused without a reason.
    fn check_progress(habits: &[Habits; 2], ends: &[End], history: &History) {
        let Some(&last) = history.claims.last() else {
            return;
        };
        if !matches!(ends[last], End::Dead) {
            assert!(
                ends[last].succeeded(),
                "the last owner: {:?}\n{:?}",
                ends[last],
                history.effects
            );
        }
        // Whoever is refused a place has found a process at work there.
        for (run, end) in ends.iter().enumerate() {
            if matches!(end, End::Refused(_)) && !history.claims.contains(&run) {
                assert_eq!(habits[1 - run].kind, Kind::Process, "{end:?}");
            }
        }
    }
}

/// Nothing that the owner has written since its claim is overwritten or deleted by another run.
fn check_effect(history: &History, run: usize, verb: &str, path: &str) {
    let writer = history.writers.get(path);
    let (Some(&(writer, claims)), Some(&owner)) = (writer, history.claims.last()) else {
        return;
    };
    assert!(
        owner == run || writer != owner || claims < history.claims.len(),
        "run {run}: {verb} {path}, which run {writer} has written and run {owner} owns\n{:?}",
        history.effects
    );
}

/// Under `_SUCCESS` all predictions are those of the run in the report, and none of its sensors' is missing.
fn assert_whole(objects: &BTreeMap<String, Bytes>, history: &History) {
    if !objects.contains_key("out/_SUCCESS") {
        return;
    }
    let run = reporter(objects);
    for (sensor, value) in VALUES[run].iter().enumerate() {
        let path = format!("out/{sensor}.csv");
        let found = objects.get(&path);
        assert_eq!(
            found.is_some(),
            !value.is_empty(),
            "{path} of run {run}\n{:?}",
            history.effects
        );
        let Some(bytes) = found else { continue };
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(
            text.contains(&format!(",{value}"))
                && history.writers.get(&path).map(|writer| writer.0) == Some(run),
            "{path} is not that of run {run}: {text}\n{:?}",
            history.effects
        );
    }
}

/// The run whose report is there.
fn reporter(objects: &BTreeMap<String, Bytes>) -> usize {
    let report: Value = serde_json::from_slice(&objects["out/_run/report.json"]).unwrap();
    (0..2)
        .find(|run| report["run"]["uid"] == uid(*run).as_str())
        .unwrap()
}

fn objects(store: &InMemory) -> BTreeMap<String, Bytes> {
    let found = async {
        let mut objects = BTreeMap::new();
        let mut list = store.list(Some(&Path::from("out")));
        while let Some(object) = list.next().await {
            let path = object.unwrap().location;
            let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
            objects.insert(path.to_string(), bytes);
        }
        objects
    };
    // Nothing in the memory waits.
    found.now_or_never().unwrap()
}

fn name(run: usize) -> String {
    format!("run-{run}")
}

fn uid(run: usize) -> String {
    format!("uid-{run}")
}

fn manifest(run: usize) -> Value {
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1",
        "kind": "ScoringRun",
        "metadata": {"name": name(run), "uid": uid(run), "generation": 1},
        "spec": {
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
