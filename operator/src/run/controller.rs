//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{LAST_APPLIED_ANNOTATION, Phase, PodTemplate, ScoringRun};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt;
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
use crate::stored::Stored;
use crate::unreadable::UNREADABLE;
use crate::watches::{
    Cache, Filled, all_filled, drive, note_filled, note_unreadable, reporter, scoped,
};

/// Changes that come in such a burst are looked at once.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// Passes at the same time.
const CONCURRENCY: u16 = 16;
/// The runs that one controller sees.
#[derive(Clone)]
pub struct Runs {
    runs: Store<Stored<ScoringRun>>,
    caches: [Cache; 2],
}

impl Runs {
    /// Resolves once everything has been listed.
    pub async fn wait_until_ready(&self) -> bool {
        all_filled(self.caches.clone().map(|cache| cache.filled)).await
    }

    /// Resolves once it is known whether everything can be read: with true once it is listed.
    pub async fn is_readable(&self) -> bool {
        let [runs, jobs] = &self.caches;
        runs.is_readable().await && jobs.is_readable().await
    }

    /// Whether the runs have been listed.
    pub(crate) fn listed(&self) -> Filled {
        let [runs, _] = &self.caches;
        runs.filled.clone()
    }

    /// The phase of every run, or that it cannot be read.
    pub fn phases(&self) -> Vec<String> {
        let phase = |run: &Stored<ScoringRun>| match &run.0 {
            Ok(run) => {
                let status = run.status.as_ref();
                format!("{:?}", status.map_or(Phase::Pending, |status| status.phase))
            }
            Err(_) => UNREADABLE.to_owned(),
        };
        let runs = self.runs.state();
        runs.iter().map(|run| phase(run)).collect()
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
    let (runs_refused, runs_unreadable) = watch::channel(false);
    let (jobs_refused, jobs_unreadable) = watch::channel(false);
    let mut places = shared.places.scope(config.clone());
    let (planned, unreadable) = (places.jobs(), [places.unreadable(), places.unreadable()]);
    let [no_runs, no_jobs] = unreadable;
    let (run_store, run_writer) = store();
    let (job_store, job_writer) = store();
    let runs = watcher(
        scoped(&shared.client, namespace.as_deref()),
        watcher::Config::default(),
    )
    .default_backoff()
    .modify(trim_run)
    .reflect(run_writer)
    .inspect_ok(move |event| children.note(event))
    .inspect_ok(move |event| places.note(event))
    .inspect_ok(note_filled(runs_sender))
    .inspect_err(note_unreadable(runs_refused, no_runs))
    .applied_objects();
    let jobs = watcher(
        scoped(&shared.client, namespace.as_deref()),
        watcher::Config::default().labels(RUN_LABEL),
    )
    .default_backoff()
    .modify(trim)
    .reflect(job_writer)
    .inspect_ok(planned)
    .inspect_ok(note_filled(jobs_sender))
    .inspect_err(note_unreadable(jobs_refused, no_jobs))
    .touched_objects();
    let requests = stream::select(trigger_self(runs, ()), trigger_owners(jobs, (), ()));
    let seen = Runs {
        caches: [
            Cache {
                filled: runs_filled,
                unreadable: runs_unreadable,
            },
            Cache {
                filled: jobs_filled.clone(),
                unreadable: jobs_unreadable,
            },
        ],
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
        places: shared.places,
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
    context.places.forget();
}

/// What the cache need not hold of a run. Of one that has ended, nobody reads what its pods were or which sensors it listed, and that is
/// most of it.
fn trim_run(run: &mut Stored<ScoringRun>) {
    run.managed_fields_mut().clear();
    run.annotations_mut().remove(LAST_APPLIED_ANNOTATION);
    let Ok(run) = &mut run.0 else {
        return;
    };
    if run
        .status
        .as_ref()
        .is_some_and(|status| status.phase.is_end())
    {
        run.spec.pod_template = PodTemplate::default();
        run.spec.coordinator_template = PodTemplate::default();
        run.spec.sensors.list = None;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{stored_run, subject};
    use serde_json::json;

    #[test]
    fn of_an_ended_run_the_cache_keeps_what_is_looked_at() {
        let mut run = subject();
        let template = json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}});
        run.spec.pod_template = serde_json::from_value(template.clone()).unwrap();
        run.spec.coordinator_template = run.spec.pod_template.clone();
        run.spec.sensors.list = Some(vec![[("device", "1")].into_iter().collect(); 1000]);
        run.spec.ttl_seconds_after_finished = Some(60);
        let mut object = stored_run(&run);
        object.metadata.managed_fields = Some(Vec::new());
        object.metadata.annotations =
            Some([(LAST_APPLIED_ANNOTATION.to_owned(), "{}".to_owned())].into());
        for (phase, kept) in [(Phase::Scoring, true), (Phase::Failed, false)] {
            object.status.as_mut().unwrap().phase = phase;
            let mut stored = Stored(Ok(object.clone()));
            trim_run(&mut stored);
            let trimmed = stored.0.unwrap();
            let spec = &trimmed.spec;
            assert_eq!(!spec.pod_template.spec.is_empty(), kept, "{phase:?}");
            assert_eq!(
                !spec.coordinator_template.spec.is_empty(),
                kept,
                "{phase:?}"
            );
            assert_eq!(spec.sensors.list.is_some(), kept, "{phase:?}");
            assert_eq!(spec.ttl_seconds_after_finished, Some(60));
            assert!(trimmed.annotations().is_empty());
        }
    }
}
