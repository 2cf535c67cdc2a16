//! What goes on in a cluster: its runs, schedules and streams as they change, and on demand Jobs, pods, nodes, logs and manifests.
//!
//! [`Live`] follows objects with the login that it was given, and never writes. What it knows at one moment is a [`Snapshot`].

mod capacity;
mod snapshot;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetscore_cluster::view::{TreeView, tree};
use fleetscore_cluster::{
    Cluster, ClusterError, Followed, Object, Run, Schedule, Scope, Seen, Stream,
};
use fleetscore_crds::{PodTemplate, ScoringRun};
use futures::future::select_all;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use crate::history::Trouble;

use capacity::Capacity;

pub use snapshot::Snapshot;

/// After a failure the API server is asked so often whether it is back.
const AGAIN: Duration = Duration::from_secs(2);
/// Lines of a log that are shown.
const LOG_LINES: u32 = 400;

/// The objects of a cluster, kept up to date.
pub struct Live {
    cluster: Cluster,
    scopes: Vec<Scope>,
    /// Whether logs of pods may be shown.
    logs: bool,
    state: Mutex<State>,
    /// Nodes and pods as they were asked for last.
    capacity: tokio::sync::Mutex<Option<Arc<Capacity>>>,
    changed: watch::Sender<u64>,
}

/// What is known, a scope each.
struct State {
    runs: Vec<Followed<Run>>,
    schedules: Vec<Followed<Schedule>>,
    streams: Vec<Followed<Stream>>,
    /// What cannot be followed, by scope and kind, and whether it may pass.
    troubles: BTreeMap<(usize, &'static str), (Trouble, bool)>,
    version: u64,
    snapshot: Option<Arc<Snapshot>>,
}

impl Live {
    /// Will follow the objects in `scopes`, of which none is asked for yet. `logs`: pods' logs may be shown, too.
    pub fn new(cluster: Cluster, scopes: Vec<Scope>, logs: bool) -> Self {
        let count = scopes.len();
        Self {
            cluster,
            scopes,
            logs,
            state: Mutex::new(State {
                runs: vec![Followed::default(); count],
                schedules: vec![Followed::default(); count],
                streams: vec![Followed::default(); count],
                troubles: BTreeMap::new(),
                version: 0,
                snapshot: None,
            }),
            capacity: tokio::sync::Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    /// The cluster that is asked.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Whether logs of pods may be shown.
    pub fn has_logs(&self) -> bool {
        self.logs
    }

    /// Tells a number whenever something has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What is known now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let mut state = self.lock();
        if let Some(known) = &state.snapshot {
            return Arc::clone(known);
        }
        let made = Arc::new(Snapshot::new(&state));
        state.snapshot = Some(Arc::clone(&made));
        made
    }

    /// Follows the objects for ever.
    pub async fn follow(&self) {
        let mut all = vec![self.ask_again().boxed()];
        for (place, scope) in self.scopes.iter().enumerate() {
            let runs = self.follow_kind(
                place,
                scope,
                "runs",
                |state| &mut state.runs,
                |run| {
                    if let Ok(spec) = &mut run.spec {
                        spec.pod_template = PodTemplate::default();
                    }
                },
            );
            let schedules = self.follow_kind(
                place,
                scope,
                "schedules",
                |state| &mut state.schedules,
                |schedule| {
                    if let Ok(spec) = &mut schedule.spec {
                        spec.run_template.spec.pod_template = PodTemplate::default();
                    }
                },
            );
            let streams =
                self.follow_kind(place, scope, STREAMS, |state| &mut state.streams, |_| {});
            all.extend([runs.boxed(), schedules.boxed(), streams.boxed()]);
        }
        select_all(all).await;
    }

    async fn follow_kind<S, T>(
        &self,
        place: usize,
        scope: &Scope,
        kind: &'static str,
        of: fn(&mut State) -> &mut Vec<Followed<Object<S, T>>>,
        trim: fn(&mut Object<S, T>),
    ) where
        Object<S, T>: Seen + Debug + Send + 'static,
    {
        let mut changes = Box::pin(self.cluster.follow_objects::<S, T>(scope));
        while let Some(change) = changes.next().await {
            let mut state = self.lock();
            match change {
                Ok(mut change) => {
                    if let Some(object) = change.object_mut() {
                        object.metadata.managed_fields = None;
                        trim(object);
                    }
                    let is_seen = change.is_seen();
                    if let Some(known) = of(&mut state).get_mut(place) {
                        known.take(change);
                    }
                    if is_seen {
                        state.troubles.remove(&(place, kind));
                        self.tell(state);
                    }
                }
                // An older cluster has no streams.
                Err(error) if kind == STREAMS && error.is_missing() => {}
                Err(error) => {
                    let may_pass = error.may_pass();
                    let known = state.troubles.get(&(place, kind));
                    let message = error.to_string();
                    if known.is_none_or(|(known, _)| known.message != message) {
                        tracing::warn!("{kind}: {message}");
                    }
                    let trouble = Trouble {
                        message,
                        since: known.map_or_else(Timestamp::now, |(known, _)| known.since),
                    };
                    state.troubles.insert((place, kind), (trouble, may_pass));
                    self.tell(state);
                }
            }
        }
    }

    /// A watch that goes on where it was cut says nothing before the next change: so the server itself is asked whether it is back.
    async fn ask_again(&self) {
        loop {
            tokio::time::sleep(AGAIN).await;
            let is_away = self.lock().troubles.values().any(|(_, may_pass)| *may_pass);
            if is_away && self.cluster.version().await.is_ok() {
                let mut state = self.lock();
                state.troubles.retain(|_, (_, may_pass)| !*may_pass);
                self.tell(state);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, mut state: MutexGuard<'_, State>) {
        state.version += 1;
        state.snapshot = None;
        let version = state.version;
        drop(state);
        self.changed.send_replace(version);
    }

    /// A run's Jobs and pods.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn tree(&self, run: &Run) -> Result<TreeView, ClusterError> {
        let (jobs, pods, more) = self.cluster.children(run).await?;
        Ok(tree(run, &jobs, &pods, more, Timestamp::now()))
    }

    /// The end of the log of a run's pod.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn log(&self, namespace: &str, pod: &str) -> Result<String, ClusterError> {
        self.cluster.log(namespace, pod, Some(LOG_LINES)).await
    }

    /// A run's manifest with all its fields, but for what the server notes of who wrote them.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn manifest(&self, namespace: &str, run: &str) -> Result<Value, ClusterError> {
        let mut object = self.cluster.raw::<ScoringRun>(namespace, run).await?;
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        Ok(object)
    }
}

const STREAMS: &str = "streams";
