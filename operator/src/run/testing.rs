//! What the tests of this module share.

use fleetscore_crds::{
    Condition, ConditionStatus, Phase, PodCounts, ScoringRun, ScoringRunStatus, SensorCounts, Step,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use serde_json::json;

use super::build::{
    GENERATION_ANNOTATION, PART_LABEL, Part, RUN_LABEL, SCORER_ANNOTATION, STEP_LABEL,
    WIDENED_ANNOTATION, job_name, step_name,
};
use super::job_view::{JobOutcome, JobView};
use super::snapshot::RunSnapshot;
use crate::config::Config;

/// The second score Job of a run.
pub const PART: Part = Part {
    index: 1,
    offset: 10_000,
    shards: 5,
    parallelism: 2,
};

/// The moment at which the tests' runs begin.
pub fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// So many seconds after [`start`].
pub fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// An operator's configuration.
pub fn config() -> Config {
    serde_json::from_value(json!({"scorer": {"image": "scorer:test"}})).unwrap()
}

/// A run named `pumps` that has just been created.
pub fn snapshot() -> RunSnapshot {
    RunSnapshot {
        name: "pumps".to_owned(),
        namespace: "plant".to_owned(),
        uid: "run-uid".to_owned(),
        created: start(),
        generation: 1,
        resource_version: Some("7".to_owned()),
        labels: std::collections::BTreeMap::new(),
        deleting: false,
        spec: serde_json::from_value(json!({
            "model": {"location": "file:///m/{device}"},
            "input": {"location": "file:///i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
            "output": {"location": "file:///o/", "file": "{device}.csv"},
        }))
        .unwrap(),
        status: ScoringRunStatus::default(),
    }
}

/// The same after its plan: so many sensors, one a pod.
pub fn planned(pods: u32) -> RunSnapshot {
    let mut run = snapshot();
    run.status = ScoringRunStatus {
        phase: Phase::Scoring,
        observed_generation: Some(1),
        sensors: Some(SensorCounts {
            total: pods.into(),
            ..SensorCounts::default()
        }),
        pods: Some(PodCounts {
            total: pods,
            ..PodCounts::default()
        }),
        start_time: Some(start()),
        conditions: vec![Condition {
            kind: "Planned".to_owned(),
            status: ConditionStatus::True,
            observed_generation: Some(1),
            last_transition_time: start(),
            reason: "Planned".to_owned(),
            message: String::new(),
        }],
        ..ScoringRunStatus::default()
    };
    run
}

/// A Job of the run that has just begun.
pub fn job(step: Step, part: u32) -> JobView {
    let name = job_name("pumps", step, part);
    JobView {
        uid: format!("uid-{name}"),
        name,
        step,
        part,
        generation: Some(1),
        scorer: None,
        created: start(),
        started: Some(start()),
        ended: None,
        completions: 1,
        parallelism: 1,
        widened: None,
        suspended: false,
        queued: false,
        deleting: false,
        outcome: None,
        active: 1,
        ready: 1,
        terminating: 0,
        succeeded: 0,
        failed_indexes: 0,
    }
}

/// The Job, ended well.
pub fn complete(mut job: JobView) -> JobView {
    job.outcome = Some(JobOutcome::Complete);
    job.ended = Some(at(10));
    (job.active, job.ready) = (0, 0);
    job
}

/// The Job, failed for `reason`.
pub fn failed(mut job: JobView, reason: &str) -> JobView {
    job.outcome = Some(JobOutcome::Failed {
        reason: reason.to_owned(),
        message: format!("{reason}: told by the Job controller"),
    });
    job.ended = Some(at(10));
    (job.active, job.ready) = (0, 0);
    job
}

/// The run as the API server holds it.
pub fn stored_run(run: &RunSnapshot) -> ScoringRun {
    serde_json::from_value(json!({
        "apiVersion": fleetscore_crds::API_VERSION,
        "kind": "ScoringRun",
        "metadata": {
            "name": run.name, "namespace": run.namespace, "uid": run.uid,
            "generation": run.generation, "resourceVersion": run.resource_version,
            "creationTimestamp": run.created, "labels": run.labels,
            "deletionTimestamp": run.deleting.then(start),
        },
        "spec": run.spec,
        "status": run.status,
    }))
    .unwrap()
}

/// The Job as the API server holds it, where it is seen like this.
pub fn stored_job(job: &JobView) -> Job {
    let (kind, reason, message) = match &job.outcome {
        None => ("", "", ""),
        Some(JobOutcome::Complete) => ("Complete", "CompletionsReached", ""),
        Some(JobOutcome::Failed { reason, message }) => {
            ("Failed", reason.as_str(), message.as_str())
        }
    };
    let conditions = json!([
        {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": job.ended},
    ]);
    let failed = job.failed_indexes.checked_sub(1);
    let mut annotations =
        json!({GENERATION_ANNOTATION: job.generation.map(|generation| generation.to_string())});
    if let Some(scorer) = &job.scorer {
        annotations[SCORER_ANNOTATION] = json!(json!(scorer).to_string());
    }
    if let Some(widened) = &job.widened {
        annotations[WIDENED_ANNOTATION] = json!(widened.to_string());
    }
    serde_json::from_value(json!({
        "metadata": {
            "name": job.name, "namespace": "plant", "uid": job.uid, "creationTimestamp": job.created,
            "deletionTimestamp": job.deleting.then_some(job.created),
            "labels": {RUN_LABEL: "pumps", STEP_LABEL: step_name(job.step), PART_LABEL: job.part.to_string()},
            "annotations": annotations,
            "ownerReferences": [snapshot().owner()],
        },
        "spec": {
            "suspend": job.suspended, "completions": job.completions, "parallelism": job.parallelism, "template": {},
        },
        "status": {
            "startTime": job.started, "conditions": if kind.is_empty() { json!([]) } else { conditions },
            "active": job.active, "ready": job.ready, "succeeded": job.succeeded, "terminating": job.terminating,
            "failedIndexes": failed.map(|last| format!("0-{last}")),
        },
    }))
    .unwrap()
}
