use fleetscore_crds::{JobState, ScorerVersion, Step};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobCondition};

use super::build::{
    GENERATION_ANNOTATION, PART_LABEL, QUEUE_LABEL, SCORER_ANNOTATION, STEP_LABEL,
    WIDENED_ANNOTATION,
};

/// What the controller looks at in a Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// What it does.
    pub step: Step,
    /// Which of the score Jobs it is, counted from 0.
    pub part: u32,
    /// The generation of the run's spec that it was created for.
    pub generation: Option<i64>,
    /// What its pods run, where the operator that created it has written that down.
    pub scorer: Option<ScorerVersion>,
    /// When it was created.
    pub created: Timestamp,
    /// When the Job controller began with it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Indexes, or pods, that it has in all.
    pub completions: u32,
    /// Pods that it may have at the same time.
    pub parallelism: u32,
    /// How many of its indexes had ended when it was given more pods than it began with, if it was.
    pub widened: Option<u32>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether it is Kueue's to say when it runs. Kueue also puts Jobs that name no queue into a namespace's default queue.
    pub queued: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// How it ended.
    pub outcome: Option<JobOutcome>,
    /// Pods that are pending or running.
    pub active: u32,
    /// Pods that run.
    pub ready: u32,
    /// Pods that were told to end and have not.
    pub terminating: u32,
    /// Indexes, or pods, that succeeded.
    pub succeeded: u32,
    /// Indexes that failed for good.
    pub failed_indexes: u32,
}

/// How a Job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// All of it succeeded.
    Complete,
    /// It failed.
    Failed {
        /// The Job controller's word for why.
        reason: String,
        /// The Job controller's sentence.
        message: String,
    },
}

impl JobView {
    /// The view of a Job that the run with this UID controls.
    pub fn of(job: &Job, owner: &str) -> Option<Self> {
        let meta = &job.metadata;
        let owned = meta
            .owner_references
            .iter()
            .flatten()
            .any(|reference| reference.uid == owner && reference.controller == Some(true));
        let labels = meta.labels.as_ref()?;
        let step = step(labels.get(STEP_LABEL)?)?;
        let spec = job.spec.as_ref()?;
        let status = job.status.clone().unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let (outcome, ended) = ending(&conditions);
        let annotation = |name: &str| meta.annotations.as_ref()?.get(name);
        let view = Self {
            name: meta.name.clone()?,
            uid: meta.uid.clone()?,
            step,
            part: labels
                .get(PART_LABEL)
                .map_or(Some(0), |part| part.parse().ok())?,
            generation: annotation(GENERATION_ANNOTATION).and_then(|text| text.parse().ok()),
            scorer: annotation(SCORER_ANNOTATION).and_then(|text| serde_json::from_str(text).ok()),
            created: meta.creation_timestamp.as_ref()?.0,
            started: status.start_time.map(|time| time.0),
            ended: status.completion_time.map(|time| time.0).or(ended),
            completions: spec.completions.map_or(1, |number| count(Some(number))),
            parallelism: spec.parallelism.map_or(1, |number| count(Some(number))),
            widened: annotation(WIDENED_ANNOTATION).and_then(|text| text.parse().ok()),
            suspended: spec.suspend == Some(true),
            queued: labels.contains_key(QUEUE_LABEL),
            deleting: meta.deletion_timestamp.is_some(),
            outcome,
            active: count(status.active),
            ready: count(status.ready),
            terminating: count(status.terminating),
            succeeded: count(status.succeeded),
            failed_indexes: status.failed_indexes.as_deref().map_or(0, indexes),
        };
        owned.then_some(view)
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.outcome.is_some()
    }

    /// Whether it has ended and stays: none of its pods runs any more.
    pub fn is_done(&self) -> bool {
        self.has_ended() && !self.deleting && self.terminating == 0
    }

    /// Whether it was failed by a pod's exit code that says: nothing can succeed.
    pub fn is_refused(&self) -> bool {
        matches!(&self.outcome, Some(JobOutcome::Failed { reason, .. }) if reason == "PodFailurePolicy")
    }

    /// Indexes that will have no other pod.
    pub fn over(&self) -> u32 {
        self.succeeded.saturating_add(self.failed_indexes)
    }

    /// Where it stands, for the status.
    pub fn state(&self) -> JobState {
        match &self.outcome {
            Some(JobOutcome::Complete) => JobState::Succeeded,
            Some(JobOutcome::Failed { .. }) => JobState::Failed,
            None if self.suspended => JobState::Suspended,
            None if self.ready > 0 || self.succeeded > 0 || self.failed_indexes > 0 => {
                JobState::Running
            }
            None => JobState::Waiting,
        }
    }
}

/// The outcome in a Job's conditions, and since when it stands.
fn ending(conditions: &[JobCondition]) -> (Option<JobOutcome>, Option<Timestamp>) {
    let found = conditions.iter().find(|condition| {
        condition.status == "True" && matches!(condition.type_.as_str(), "Complete" | "Failed")
    });
    let Some(condition) = found else {
        return (None, None);
    };
    let outcome = if condition.type_ == "Complete" {
        JobOutcome::Complete
    } else {
        JobOutcome::Failed {
            reason: condition.reason.clone().unwrap_or_default(),
            message: condition.message.clone().unwrap_or_default(),
        }
    };
    let ended = condition.last_transition_time.as_ref().map(|time| time.0);
    (Some(outcome), ended)
}

fn step(label: &str) -> Option<Step> {
    [Step::Plan, Step::Score, Step::Collect]
        .into_iter()
        .find(|step| super::build::step_name(*step) == label)
}

fn count(number: Option<i32>) -> u32 {
    number.map_or(0, |number| u32::try_from(number).unwrap_or(0))
}

/// How many indexes a Job's list such as `1,3-5,7` names. What is not a list counts as nothing.
fn indexes(list: &str) -> u32 {
    list.split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
            last.checked_sub(first)?.checked_add(1)
        })
        .fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn job(status: &Value) -> Job {
        serde_json::from_value(json!({
            "metadata": {
                "name": "r-score-2", "uid": "j", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"scoring.fleetscore.io/step": "score", "scoring.fleetscore.io/part": "2"},
                "annotations": {"scoring.fleetscore.io/generation": "3"},
                "ownerReferences": [{"apiVersion": "v", "kind": "ScoringRun", "name": "r", "uid": "u", "controller": true}],
            },
            "spec": {"template": {}},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn lists_of_indexes_are_counted() {
        for (list, expected) in [
            ("", 0),
            ("7", 1),
            ("1,3-5,7", 5),
            ("0-9999", 10_000),
            ("5-3,x,-", 0),
            ("0-4294967295,0-4294967295", 0),
        ] {
            assert_eq!(indexes(list), expected, "{list}");
        }
    }

    #[test]
    fn a_job_is_seen_with_its_counts_and_its_end() {
        let status = json!({"active": 3, "ready": 2, "terminating": 1, "succeeded": 4, "failedIndexes": "1,5-6", "startTime": "2026-01-01T00:00:01Z"});
        let mut job_of = job(&status);
        let view = JobView::of(&job_of, "u").unwrap();
        assert_eq!((view.part, view.generation), (2, Some(3)));
        assert_eq!(
            (view.completions, view.parallelism, view.widened),
            (1, 1, None)
        );
        let spec = job_of.spec.as_mut().unwrap();
        (spec.completions, spec.parallelism) = (Some(20), Some(4));
        let annotations = job_of.metadata.annotations.as_mut().unwrap();
        annotations.insert(WIDENED_ANNOTATION.to_owned(), "6".to_owned());
        let view = JobView::of(&job_of, "u").unwrap();
        assert_eq!(
            (view.completions, view.parallelism, view.widened),
            (20, 4, Some(6))
        );
        assert_eq!(view.over(), 7);
        assert_eq!(
            (view.active, view.ready, view.succeeded, view.failed_indexes),
            (3, 2, 4, 3)
        );
        assert_eq!(view.terminating, 1);
        assert_eq!(
            (view.outcome.as_ref(), view.state()),
            (None, JobState::Running)
        );

        let failed = json!({"conditions": [
            {"type": "FailureTarget", "status": "True", "reason": "PodFailurePolicy"},
            {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": "m", "lastTransitionTime": "2026-01-01T00:00:09Z"},
        ]});
        let view = JobView::of(&job(&failed), "u").unwrap();
        assert!(view.is_refused() && view.has_ended());
        assert_eq!(view.ended, Some("2026-01-01T00:00:09Z".parse().unwrap()));

        // It is known how it will end, while pods still run.
        for target in ["FailureTarget", "SuccessCriteriaMet"] {
            let status = json!({"active": 1, "ready": 1, "conditions": [{"type": target, "status": "True", "reason": "Why"}]});
            let view = JobView::of(&job(&status), "u").unwrap();
            assert!(!view.has_ended() && !view.is_done(), "{target}");
            assert_eq!(view.state(), JobState::Running, "{target}");
        }
    }

    #[test]
    fn a_job_is_kueues_by_its_label() {
        let mut job = job(&json!({}));
        assert!(!JobView::of(&job, "u").unwrap().queued);
        let labels = job.metadata.labels.as_mut().unwrap();
        labels.insert("kueue.x-k8s.io/queue-name".to_owned(), "default".to_owned());
        assert!(JobView::of(&job, "u").unwrap().queued);
    }

    #[test]
    fn another_owners_job_is_not_seen() {
        assert_eq!(JobView::of(&job(&json!({})), "other"), None);
    }
}
