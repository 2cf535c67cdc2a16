//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{Phase, ScoringRun};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Config, Error, applier, trigger_owners, trigger_self};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use tokio::sync::watch;

use super::build::RUN_LABEL;
use super::{Context, RunError, error_policy, reconcile};
use crate::config;
use crate::metrics::Metrics;
use crate::server::Health;

/// Changes that come in such a burst are looked at once.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// Passes at the same time.
const CONCURRENCY: u16 = 16;
/// How often the controller shows that it is alive.
const BEAT: Duration = Duration::from_secs(10);

/// Whether a cache has been filled. Any number may wait for it; a store's own future wakes only the last one that does.
pub(super) type Filled = watch::Receiver<bool>;

/// Notes in `filled` that everything has been listed, once the cache before it has it.
fn note_filled<K>(filled: watch::Sender<bool>) -> impl FnMut(&watcher::Event<K>) {
    move |event| {
        if matches!(event, watcher::Event::InitDone) {
            filled.send_replace(true);
        }
    }
}

/// The runs that one controller sees.
#[derive(Clone)]
pub struct Runs {
    runs: Store<DeserializeGuard<ScoringRun>>,
    filled: [Filled; 2],
}

impl Runs {
    /// Resolves once everything has been listed.
    pub async fn wait_until_ready(&self) -> bool {
        let [mut runs, mut jobs] = self.filled.clone();
        runs.wait_for(|filled| *filled).await.is_ok()
            && jobs.wait_for(|filled| *filled).await.is_ok()
    }

    /// The phase of every run.
    pub fn phases(&self) -> Vec<Phase> {
        let phase = |run: &ScoringRun| {
            run.status
                .as_ref()
                .map_or(Phase::Pending, |status| status.phase)
        };
        self.runs
            .state()
            .iter()
            .filter_map(|run| run.0.as_ref().ok().map(phase))
            .collect()
    }
}

/// Runs the controller for a namespace, or all, until `stop`; then the passes that have begun are finished.
///
/// Gives what it sees at once, and the work as a future.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the work outlives what the name is borrowed from"
)]
pub fn run(
    client: Client,
    config: config::Config,
    namespace: Option<String>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Runs, impl Future<Output = ()> + Send) {
    let (runs_sender, runs_filled) = watch::channel(false);
    let (jobs_sender, jobs_filled) = watch::channel(false);
    let (run_store, run_writer) = store();
    let (job_store, job_writer) = store();
    let runs = watcher(
        scoped(&client, namespace.as_deref()),
        watcher::Config::default(),
    )
    .default_backoff()
    .modify(|run: &mut DeserializeGuard<ScoringRun>| run.managed_fields_mut().clear())
    .reflect(run_writer)
    .inspect_ok(note_filled(runs_sender))
    .applied_objects();
    let jobs = watcher(
        scoped(&client, namespace.as_deref()),
        watcher::Config::default().labels(RUN_LABEL),
    )
    .default_backoff()
    .modify(trim)
    .reflect(job_writer)
    .inspect_ok(note_filled(jobs_sender))
    .touched_objects();
    let requests = stream::select(trigger_self(runs, ()), trigger_owners(jobs, (), ()));
    let seen = Runs {
        filled: [runs_filled, jobs_filled.clone()],
        runs: run_store,
    };
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter()),
        client,
        config,
        jobs: job_store,
        jobs_filled,
        metrics,
        memories: super::Memories::default(),
    });
    let work = applier(
        |run, context| reconcile(run, context).boxed(),
        error_policy,
        context.clone(),
        seen.runs.clone(),
        requests.take_until(stop),
        Config::default()
            .debounce(DEBOUNCE)
            .concurrency(CONCURRENCY),
    );
    (seen.clone(), drive(work, context, seen, health))
}

/// Does the work, and shows that it is alive.
async fn drive<T>(
    work: impl Stream<Item = Result<T, Error<RunError, watcher::Error>>>,
    context: Arc<Context>,
    seen: Runs,
    health: Arc<Health>,
) {
    let mut work = std::pin::pin!(work);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            item = work.next() => match item {
                Some(result) => note(result.map(|_| ())),
                None => break,
            },
            _ = beat.tick() => {
                health.beat();
                forget(&context, &seen);
            }
        }
    }
}

fn note(result: Result<(), Error<RunError, watcher::Error>>) {
    match result {
        // A failed pass has been told by the error policy.
        Ok(()) | Err(Error::ObjectNotFound(_) | Error::ReconcilerFailed(..)) => {}
        Err(Error::QueueError(error)) => tracing::warn!("cannot watch: {error}"),
        Err(error) => tracing::error!("{error}"),
    }
}

/// Forgets the runs that are gone.
fn forget(context: &Context, seen: &Runs) {
    let known: std::collections::HashSet<_> = seen
        .runs
        .state()
        .iter()
        .filter_map(|run| run.uid())
        .collect();
    context.memories.retain(|uid| known.contains(uid));
}

fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// What the cache need not hold: the pod template alone is most of a Job.
fn trim(job: &mut Job) {
    job.metadata.managed_fields = None;
    if let Some(spec) = &mut job.spec {
        spec.template = PodTemplateSpec::default();
        spec.pod_failure_policy = None;
    }
    if let Some(status) = &mut job.status {
        status.completed_indexes = None;
        status.uncounted_terminated_pods = None;
    }
}

fn reporter() -> Reporter {
    Reporter {
        controller: crate::api::FIELD_MANAGER.to_owned(),
        instance: std::env::var("POD_NAME").ok(),
    }
}
