//! Everything that is read: the run's Jobs from the watch's cache, and the few pods and events that a decision rests on.
//!
//! Pods are never listed as a whole. Which are looked at is asked for by [`questions`], which is pure; each question is one call.

use std::collections::BTreeMap;

use fleetscore_crds::Step;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Event, Pod};
use kube::api::{Api, ListParams, ObjectList, Request};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use super::build::CONTAINER;
use super::build::{RUN_LABEL, STEP_LABEL, job_name, step_name};
use super::job_view::{JobView, Outcome};
use super::pod_view::PodView;
use super::subject::Subject;
use super::trouble::{Trouble, TroubleKind};

/// Pods that are looked at when a Job does not go on.
const PENDING_PODS: u32 = 50;
/// Pods and events that are looked at for the reason of a failure.
const FEW: u32 = 5;
/// A Job whose pods are not all running after so many seconds is looked at.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

/// What a decision is made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The run's Jobs.
    pub jobs: Vec<JobView>,
    /// What the pods of ended Jobs said, by Job.
    pub results: BTreeMap<String, PodResult>,
    /// What keeps the run from going on.
    pub trouble: Option<Trouble>,
}

impl Observed {
    /// The Job of this name.
    pub fn job(&self, name: &str) -> Option<&JobView> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// What a succeeded Job's pod said.
    pub fn told<T: DeserializeOwned>(&self, job: &str) -> Option<T> {
        serde_json::from_str(&self.results.get(job)?.raw).ok()
    }
}

/// What an ended pod said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodResult {
    /// Why it failed, in one word.
    pub reason: String,
    /// Why it failed, in a sentence.
    pub message: String,
    /// Its termination message as it is.
    pub raw: String,
}

/// One call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What did the pod of this ended Job say?
    Result(JobView),
    /// Why do the pods of these Jobs, of one step, not run?
    Pending(Vec<JobView>),
}

/// The questions whose answers the next decision needs. `look` is whether it is time to look for pods that do not start.
pub fn questions(run: &Subject, jobs: &[JobView], look: bool, now: Timestamp) -> Vec<Question> {
    if run.deleting || run.has_ended() {
        return Vec::new();
    }
    let mut questions: Vec<_> = telling(run, jobs)
        .into_iter()
        .map(Question::Result)
        .collect();
    let stuck: Vec<_> = jobs
        .iter()
        .filter(|job| is_stuck(job, now))
        .cloned()
        .collect();
    if look && !run.spec.suspend && !stuck.is_empty() {
        questions.push(Question::Pending(stuck));
    }
    questions
}

/// The ended Jobs whose pod has something to say that matters now.
fn telling(run: &Subject, jobs: &[JobView]) -> Vec<JobView> {
    let ended = |step| {
        let name = job_name(&run.name, step, 0);
        jobs.iter()
            .find(move |job| job.name == name && job.has_ended())
    };
    let Some(plan) = run.plan() else {
        return ended(Step::Plan)
            .filter(|job| job.generation == Some(run.generation))
            .cloned()
            .into_iter()
            .collect();
    };
    let collected = ended(Step::Collect);
    let score = || jobs.iter().filter(|job| job.step == Step::Score);
    let scored = plan.pods == 0 || score().any(|job| job.succeeded > 0 || job.failed_indexes > 0);
    // Before that, what a refused pod said would only be asked again.
    let refused = score().find(|job| job.is_refused() && (collected.is_some() || !scored));
    collected.into_iter().chain(refused).cloned().collect()
}

/// Whether some of the Job's pods should run by now and do not.
pub fn is_stuck(job: &JobView, now: Timestamp) -> bool {
    let since = job.started.unwrap_or(job.created);
    !job.has_ended()
        && !job.suspended
        && !job.deleting
        && (job.active == 0 || job.active > job.ready)
        && now.duration_since(since) >= PATIENCE
}

/// The reading part: asks one question.
pub struct Observer<'a> {
    client: &'a Client,
    run: &'a Subject,
}

impl<'a> Observer<'a> {
    /// Reads for `run`.
    pub fn new(client: &'a Client, run: &'a Subject) -> Self {
        Self { client, run }
    }

    /// What the pod of an ended Job said, if there is one left.
    ///
    /// # Errors
    ///
    /// What the API server answers.
    pub async fn result(&self, job: &JobView) -> Result<Option<PodResult>, kube::Error> {
        let succeeded = job.outcome == Some(Outcome::Complete);
        let field = match named_pod(job) {
            Some(pod) => format!("metadata.name={pod}"),
            None if succeeded => "status.phase=Succeeded".to_owned(),
            None => "status.phase=Failed".to_owned(),
        };
        let label = format!("batch.kubernetes.io/job-name={}", job.name);
        let params = ListParams::default()
            .labels(&label)
            .fields(&field)
            .limit(FEW);
        let mut pods = self.pods(&params).await?;
        // The last try is the one that counts.
        pods.sort_by_key(|pod| pod.metadata.creation_timestamp.0);
        Ok(pods.iter().rev().find_map(pod_result))
    }

    /// Why pods of `jobs` do not run. `moved` is when a pod of the run began or ended last.
    ///
    /// # Errors
    ///
    /// What the API server answers.
    pub async fn pending(
        &self,
        jobs: &[JobView],
        moved: Option<Timestamp>,
    ) -> Result<Option<Trouble>, kube::Error> {
        let Some(first) = jobs.first() else {
            return Ok(None);
        };
        let label = format!(
            "{RUN_LABEL}={},{STEP_LABEL}={}",
            self.run.name,
            step_name(first.step)
        );
        let params = ListParams::default()
            .labels(&label)
            .fields("status.phase=Pending")
            .limit(PENDING_PODS);
        let pods = self.pods(&params).await?;
        let found = pods
            .iter()
            .map(|pod| pod_trouble(pod, moved))
            .max_by_key(|trouble| (trouble.kind, std::cmp::Reverse(trouble.since)));
        if found.is_some() {
            return Ok(found);
        }
        match jobs.iter().find(|job| job.active == 0) {
            Some(job) => self.not_created(job, moved).await,
            None => Ok(None),
        }
    }

    /// Why the Job controller cannot create a Job's pods.
    async fn not_created(
        &self,
        job: &JobView,
        moved: Option<Timestamp>,
    ) -> Result<Option<Trouble>, kube::Error> {
        let fields = format!("involvedObject.uid={},reason=FailedCreate", job.uid);
        let params = ListParams::default().fields(&fields).limit(FEW);
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.run.namespace);
        let found = events.list(&params).await?.items;
        let last = found
            .into_iter()
            .max_by_key(|event| event.last_timestamp.clone());
        let since = job.started.unwrap_or(job.created);
        Ok(last.map(|event| Trouble {
            kind: TroubleKind::Blocked,
            reason: "FailedCreate".to_owned(),
            message: event.message.unwrap_or_default(),
            since: moved.map_or(since, |moved| since.max(moved)),
        }))
    }

    async fn pods(&self, params: &ListParams) -> Result<Vec<PodView>, kube::Error> {
        let pods = Request::new(Pod::url_path(&(), Some(&self.run.namespace)));
        let request = pods.list(params).map_err(kube::Error::BuildRequest)?;
        let page: ObjectList<PodView> = self.client.request(request).await?;
        Ok(page.items)
    }
}

/// The pod that failed a whole Job: the Job controller names it in its message alone.
fn named_pod(job: &JobView) -> Option<&str> {
    let Some(Outcome::Failed { message, .. }) = job.outcome.as_ref().filter(|_| job.is_refused())
    else {
        return None;
    };
    let (_, rest) = message.split_once(" for pod ")?;
    let (_, name) = rest.split_whitespace().next()?.split_once('/')?;
    name.starts_with(&job.name).then_some(name)
}

fn pod_result(pod: &PodView) -> Option<PodResult> {
    let mut statuses = pod.status.container_statuses.iter().flatten();
    let status = statuses.find(|status| status.name == CONTAINER)?;
    Some(result_of(status.state.as_ref()?.terminated.as_ref()?))
}

/// The scorer writes JSON. Whatever else is there, such as the end of the log of a pod that crashed, is told as it is.
fn result_of(state: &ContainerStateTerminated) -> PodResult {
    #[derive(serde::Deserialize)]
    struct Told {
        reason: String,
        message: String,
    }
    let raw = state.message.clone().unwrap_or_default();
    if let Ok(Told { reason, message }) = serde_json::from_str(&raw) {
        return PodResult {
            reason,
            message,
            raw,
        };
    }
    let reason = match state.reason.as_deref() {
        None | Some("" | "Error") => "PodFailed".to_owned(),
        Some(reason) => reason.to_owned(),
    };
    let message = format!("exit code {}: {}", state.exit_code, raw.trim());
    PodResult {
        reason,
        message: message.trim_end_matches([':', ' ']).to_owned(),
        raw,
    }
}

/// Why a pending pod does not run.
fn pod_trouble(pod: &PodView, moved: Option<Timestamp>) -> Trouble {
    let (name, created) = (&pod.metadata.name, pod.metadata.creation_timestamp.0);
    let status = &pod.status;
    let statuses = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    let waiting = statuses
        .filter_map(|status| status.state.as_ref()?.waiting.as_ref())
        .find(|waiting| waiting.reason.as_deref().is_some_and(cannot_start));
    if let Some(waiting) = waiting {
        return Trouble {
            kind: TroubleKind::Blocked,
            reason: waiting.reason.clone().unwrap_or_default(),
            message: format!(
                "pod {name}: {}",
                waiting
                    .message
                    .as_deref()
                    .unwrap_or("its container cannot start")
            ),
            since: created,
        };
    }
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    match unscheduled {
        Some(condition) => Trouble {
            kind: TroubleKind::Unschedulable,
            reason: condition
                .reason
                .clone()
                .unwrap_or_else(|| "Unschedulable".to_owned()),
            message: condition.message.clone().unwrap_or_default(),
            since: moved.map_or(created, |moved| created.max(moved)),
        },
        None => Trouble {
            kind: TroubleKind::Starting,
            reason: "ContainerCreating".to_owned(),
            message: format!(
                "pod {name} has a machine, but its containers have not started; see its events"
            ),
            since: created,
        },
    }
}

/// Waiting reasons of containers that do not go away by themselves.
fn cannot_start(reason: &str) -> bool {
    matches!(
        reason,
        "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "CrashLoopBackOff"
    )
}

#[cfg(test)]
mod tests;
