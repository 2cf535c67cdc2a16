//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;

use fleetscore_crds::{LAST_APPLIED_ANNOTATION, Phase, PodTemplate, ScoringRun};
use futures::future::BoxFuture;
use futures::{FutureExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt;
use kube::runtime::controller::{trigger_owners, trigger_self};
use kube::runtime::{WatchStreamExt, watcher};

use super::build::RUN_LABEL;
use super::places::Places;
use super::{Memories, RunReconciler};
use crate::config::Config;
use crate::controller::{Seen, Shared, Tools, operate, scoped, watch};
use crate::published::Published;
use crate::stored::Stored;

/// Runs the controller for a namespace, or all, until `stop`; then the passes that have begun are finished.
///
/// Gives what it sees at once, and the work as a future. What happens to runs is told to `note`, too, before they count as listed.
pub fn run(
    shared: Shared,
    config: Config,
    places: Places,
    published: Published,
    namespace: Option<&str>,
    mut note: impl FnMut(&watcher::Event<Stored<ScoringRun>>) + Send + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Seen<ScoringRun>, BoxFuture<'static, ()>) {
    let mut scope = places.scope(config.clone());
    let (planned, no_runs, no_jobs) = (scope.jobs(), scope.unreadable(), scope.unreadable());
    let note = move |event: &watcher::Event<Stored<ScoringRun>>| {
        note(event);
        scope.note(event);
    };
    let api = scoped(&shared.client, namespace);
    let (runs, objects, own) = watch(api, watcher::Config::default(), trim_run, note, no_runs);
    let labelled = watcher::Config::default().labels(RUN_LABEL);
    let api = scoped(&shared.client, namespace);
    let (jobs, job_store, job_cache) = watch(api, labelled, trim_job, planned, no_jobs);
    let requests = stream::select(
        trigger_self(runs.applied_objects(), ()),
        trigger_owners(jobs.touched_objects(), (), ()),
    );
    let context = RunReconciler {
        tools: Tools::new(shared),
        config,
        jobs: job_store,
        jobs_filled: job_cache.filled.clone(),
        memories: Memories::default(),
        places,
        published,
    };
    let seen = Seen {
        objects,
        own,
        others: vec![job_cache],
        state: phase,
    };
    let work = operate(Arc::new(context), seen.clone(), requests, stop);
    (seen, work.boxed())
}

fn phase(run: &ScoringRun) -> String {
    let status = run.status.as_ref();
    format!("{:?}", status.map_or(Phase::Pending, |status| status.phase))
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
fn trim_job(job: &mut Job) {
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
    use crate::run::testing::{snapshot, stored_run};
    use serde_json::json;

    #[test]
    fn of_an_ended_run_the_cache_keeps_what_is_looked_at() {
        let mut run = snapshot();
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
