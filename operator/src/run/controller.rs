//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{Phase, ScoringRun};
use futures::StreamExt;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Config as ControllerConfig, Controller, Error as ControllerError};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};

use super::build::RUN_LABEL;
use super::{Context, RunError, error_policy, reconcile};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::server::Health;

/// Changes that come in such a burst are looked at once.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// Passes at the same time.
const CONCURRENCY: u16 = 16;
/// How often the controller shows that it is alive.
const BEAT: Duration = Duration::from_secs(10);

/// The runs that one controller sees.
#[derive(Clone)]
pub struct Runs {
    runs: Store<DeserializeGuard<ScoringRun>>,
    jobs: Store<Job>,
}

impl Runs {
    /// Resolves once everything has been listed.
    pub async fn wait_until_ready(&self) -> bool {
        self.runs.wait_until_ready().await.is_ok() && self.jobs.wait_until_ready().await.is_ok()
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
pub fn run(
    client: Client,
    config: Config,
    namespace: Option<&str>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) -> (Runs, impl Future<Output = ()> + Send) {
    let runs: Api<DeserializeGuard<ScoringRun>> = scoped(&client, namespace);
    let jobs: Api<Job> = scoped(&client, namespace);
    let (job_store, writer) = store();
    let job_events = watcher(jobs, watcher::Config::default().labels(RUN_LABEL))
        .default_backoff()
        .modify(trim)
        .reflect(writer)
        .touched_objects();
    let controller = Controller::new(runs, watcher::Config::default())
        .with_config(
            ControllerConfig::default()
                .debounce(DEBOUNCE)
                .concurrency(CONCURRENCY),
        )
        .owns_stream(job_events)
        .graceful_shutdown_on(stop);
    let seen = Runs {
        runs: controller.store(),
        jobs: job_store.clone(),
    };
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter()),
        client,
        config,
        jobs: job_store,
        metrics,
        memories: super::Memories::default(),
    });
    (seen.clone(), drive(controller, context, seen, health))
}

async fn drive(
    controller: Controller<DeserializeGuard<ScoringRun>>,
    context: Arc<Context>,
    seen: Runs,
    health: Arc<Health>,
) {
    let stream = controller.run(reconcile, error_policy, context.clone());
    let mut stream = std::pin::pin!(stream);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            item = stream.next() => match item {
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

fn note(result: Result<(), ControllerError<RunError, watcher::Error>>) {
    match result {
        // A failed pass has been told by the error policy.
        Ok(())
        | Err(ControllerError::ObjectNotFound(_) | ControllerError::ReconcilerFailed(..)) => {}
        Err(ControllerError::QueueError(error)) => tracing::warn!("cannot watch: {error}"),
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
        controller: super::FIELD_MANAGER.to_owned(),
        instance: std::env::var("POD_NAME").ok(),
    }
}
