//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{Phase, ScoringRun};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Config, applier, trigger_owners, trigger_self};
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;

use super::build::RUN_LABEL;
use super::{Context, error_policy, reconcile};
use crate::config;

use crate::schedule::Children;
use crate::shared::Shared;
use crate::watches::{Filled, all_filled, drive, note_filled, reporter, scoped};

/// Changes that come in such a burst are looked at once.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// Passes at the same time.
const CONCURRENCY: u16 = 16;
/// The runs that one controller sees.
#[derive(Clone)]
pub struct Runs {
    runs: Store<DeserializeGuard<ScoringRun>>,
    filled: [Filled; 2],
}

impl Runs {
    /// Resolves once everything has been listed.
    pub async fn wait_until_ready(&self) -> bool {
        all_filled(self.filled.clone()).await
    }

    /// Whether the runs have been listed.
    pub(crate) fn listed(&self) -> Filled {
        let [runs, _] = &self.filled;
        runs.clone()
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
/// Gives what it sees at once, and the work as a future. The runs that schedules own go into `children`, too.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the work outlives what the name is borrowed from"
)]
pub fn run(
    shared: Shared,
    config: config::Config,
    namespace: Option<String>,
    children: Children,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Runs, impl Future<Output = ()> + Send) {
    let (runs_sender, runs_filled) = watch::channel(false);
    let (jobs_sender, jobs_filled) = watch::channel(false);
    let (run_store, run_writer) = store();
    let (job_store, job_writer) = store();
    let runs = watcher(
        scoped(&shared.client, namespace.as_deref()),
        watcher::Config::default(),
    )
    .default_backoff()
    .modify(|run: &mut DeserializeGuard<ScoringRun>| run.managed_fields_mut().clear())
    .reflect(run_writer)
    .inspect_ok(move |event| children.note(event))
    .inspect_ok(note_filled(runs_sender))
    .applied_objects();
    let jobs = watcher(
        scoped(&shared.client, namespace.as_deref()),
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
        recorder: Recorder::new(shared.client.clone(), reporter()),
        client: shared.client,
        config,
        jobs: job_store,
        jobs_filled,
        metrics: shared.metrics,
        memories: super::Memories::default(),
        rush: shared.rush,
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
    let known = seen.clone();
    let beat = move || {
        shared.health.beat();
        forget(&context, &known);
    };
    (seen, drive(work, beat))
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
