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
use super::build::{RUN_LABEL, STEP_LABEL, job_name, parts, step_name};
use super::job_view::{JobOutcome, JobView};
use super::look::{Found, Waiting};
use super::places::Occupant;
use super::pod_view::PodView;
use super::snapshot::RunSnapshot;
use super::trouble::{Trouble, TroubleKind};
use crate::published::Progress;

/// Pods that are looked at when a Job does not go on.
const PENDING_PODS: u32 = 50;
/// Pods that are looked at when one of them does not end.
const BEGUN_PODS: u32 = 500;
/// Events that are looked at for the reason of a failure.
const FEW: u32 = 5;
/// Pods of a failed Job that are asked for at a time, and how often at most: each retry and each disruption leaves one.
const FAILED_PODS: (u32, u32) = (500, 20);
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
    /// When a pod of the run began or ended last, as far as it was seen.
    pub moved: Option<Timestamp>,
    /// How many score pods have not ended, where it was asked.
    pub unended: Option<usize>,
    /// The run that has the place this one writes to, where it may not be planned because of that.
    pub owner: Option<Occupant>,
    /// The readings that are not there yet.
    pub awaited: Option<Awaited>,
}

/// Readings that a stream has yet to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The stream, and how far it has come.
    pub progress: Progress,
    /// The end of the run's window.
    pub until: Timestamp,
}

impl Awaited {
    /// What is waited for, for people.
    pub fn message(&self) -> String {
        let Self {
            progress: Progress { stream, through },
            until,
        } = self;
        let through = through.map_or_else(
            || "nothing yet".to_owned(),
            |through| format!("all readings before {through}"),
        );
        format!("the ReadingStream {stream} has published {through}; the window ends at {until}")
    }
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
    Result(Box<JobView>),
    /// Why do the pods of these Jobs, of one step, not run?
    Pending(Vec<JobView>),
    /// Which score pods of a run whose scoring was stopped have not ended?
    Unended,
}

/// The questions whose answers the next decision needs. `look` is whether it is time to look for pods that do not start.
pub fn questions(run: &RunSnapshot, jobs: &[JobView], look: bool, now: Timestamp) -> Vec<Question> {
    if run.deleting || run.has_ended() {
        return Vec::new();
    }
    let mut questions: Vec<_> = telling(run, jobs)
        .into_iter()
        .map(|job| Question::Result(Box::new(job)))
        .collect();
    let stuck: Vec<_> = jobs
        .iter()
        .filter(|job| is_stuck(job, now))
        .cloned()
        .collect();
    if look && !run.spec.suspend {
        if !stuck.is_empty() {
            questions.push(Question::Pending(stuck));
        } else if awaits_pods(run, jobs) {
            questions.push(Question::Unended);
        }
    }
    questions
}

/// Whether scoring was stopped before its Jobs had ended, and the report is still to be made: pods may be writing.
fn awaits_pods(run: &RunSnapshot, jobs: &[JobView]) -> bool {
    let Some(plan) = run.plan().filter(|_| run.scored().is_some()) else {
        return false;
    };
    let scored = parts(plan.pods, run.spec.sharding.parallelism).all;
    let has_ended = |name: &str| {
        let job = jobs.iter().find(|job| job.name == name);
        job.is_some_and(JobView::is_done)
    };
    let all_ended = scored
        .iter()
        .all(|part| has_ended(&job_name(&run.name, Step::Score, part.index)));
    let collect = job_name(&run.name, Step::Collect, 0);
    !all_ended && !jobs.iter().any(|job| job.name == collect)
}

/// The ended Jobs whose pod has something to say that matters now.
fn telling(run: &RunSnapshot, jobs: &[JobView]) -> Vec<JobView> {
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
        && (job.active == 0 || job.active > job.ready || job.terminating > 0)
        && now.duration_since(since) >= PATIENCE
}

/// Whether anything of the run is to be looked at again before an object changes.
pub fn is_waited_for(run: &RunSnapshot, jobs: &[JobView], now: Timestamp) -> bool {
    let open = !run.deleting && !run.has_ended() && !run.spec.suspend;
    open && (jobs.iter().any(|job| is_stuck(job, now)) || awaits_pods(run, jobs))
}

/// The reading part: asks one question.
pub struct Observer<'a> {
    client: &'a Client,
    run: &'a RunSnapshot,
}

impl<'a> Observer<'a> {
    /// Reads for `run`.
    pub fn new(client: &'a Client, run: &'a RunSnapshot) -> Self {
        Self { client, run }
    }

    /// What the pod of an ended Job said, if there is one left.
    ///
    /// # Errors
    ///
    /// What the API server answers.
    pub async fn result(&self, job: &JobView) -> Result<Option<PodResult>, kube::Error> {
        let succeeded = job.outcome == Some(JobOutcome::Complete);
        let field = match named_pod(job) {
            Some(pod) => format!("metadata.name={pod}"),
            None if succeeded => "status.phase=Succeeded".to_owned(),
            None => "status.phase=Failed".to_owned(),
        };
        // Not by the Job's name: an earlier Job of that name may have left pods.
        let label = format!("batch.kubernetes.io/controller-uid={}", job.uid);
        let (limit, pages) = FAILED_PODS;
        let mut params = ListParams::default()
            .labels(&label)
            .fields(&field)
            .limit(limit);
        let mut last: Option<(Timestamp, PodResult)> = None;
        for _ in 0..pages {
            let page = self.page(&params).await?;
            for pod in &page.items {
                let created = pod.metadata.creation_timestamp.0;
                // The last try is the one that counts.
                if last.as_ref().is_none_or(|(time, _)| *time <= created) {
                    last = pod_result(pod).map(|result| (created, result)).or(last);
                }
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => break,
            }
        }
        Ok(last.map(|(_, result)| result))
    }

    /// Why pods of `jobs` do not run. `moved` is when a pod of the run began or ended last.
    ///
    /// # Errors
    ///
    /// What the API server answers.
    pub async fn waiting(
        &self,
        jobs: &[JobView],
        moved: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Found, kube::Error> {
        let Some(first) = jobs.first() else {
            return Ok(Found::default());
        };
        let pods = self
            .of_step(first.step, "status.phase=Pending", PENDING_PODS)
            .await?;
        let active: u32 = jobs.iter().map(|job| job.active).sum();
        let is_full = pods.len() >= PENDING_PODS as usize;
        let pending = pods.iter().filter(|pod| !pod.is_leaving());
        let mut waiting: Vec<_> = pending.map(|pod| pod.waiting(moved)).collect();
        let alone = is_full || waiting.len() >= active as usize;
        let is_leaving = jobs.iter().any(|job| job.terminating > 0);
        if is_leaving || (waiting.is_empty() && jobs.iter().any(|job| job.active > job.ready)) {
            let begun = self
                .of_step(first.step, "status.phase=Running", BEGUN_PODS)
                .await?;
            let leaving = pods.iter().filter(|pod| pod.is_leaving());
            waiting.extend(
                begun
                    .iter()
                    .chain(leaving)
                    .filter_map(|pod| pod.not_ending(now)),
            );
        }
        if waiting.is_empty()
            && let Some(job) = jobs
                .iter()
                .find(|job| job.active == 0 && job.terminating == 0)
        {
            waiting.extend(self.not_created(job, moved).await?);
        }
        Ok(Found { waiting, alone })
    }

    /// The score pods that have not ended: how many, and which of them should have.
    ///
    /// # Errors
    ///
    /// What the API server answers.
    pub async fn unended(&self, now: Timestamp) -> Result<(usize, Found), kube::Error> {
        let fields = "status.phase!=Succeeded,status.phase!=Failed";
        let pods = self.of_step(Step::Score, fields, BEGUN_PODS).await?;
        let waiting = pods.iter().filter_map(|pod| pod.not_ending(now)).collect();
        let found = Found {
            waiting,
            alone: false,
        };
        Ok((pods.len(), found))
    }

    /// Pods of a step, one page.
    async fn of_step(
        &self,
        step: Step,
        fields: &str,
        limit: u32,
    ) -> Result<Vec<PodView>, kube::Error> {
        let label = format!(
            "{RUN_LABEL}={},{STEP_LABEL}={}",
            self.run.name,
            step_name(step)
        );
        let params = ListParams::default()
            .labels(&label)
            .fields(fields)
            .limit(limit);
        Ok(self.page(&params).await?.items)
    }

    /// Why the Job controller cannot create a Job's pods.
    async fn not_created(
        &self,
        job: &JobView,
        moved: Option<Timestamp>,
    ) -> Result<Option<Waiting>, kube::Error> {
        let fields = format!("involvedObject.uid={},reason=FailedCreate", job.uid);
        let params = ListParams::default().fields(&fields).limit(FEW);
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.run.namespace);
        let found = events.list(&params).await?.items;
        let last = found
            .into_iter()
            .max_by_key(|event| event.last_timestamp.clone());
        let since = job.started.unwrap_or(job.created);
        let since = moved.map_or(since, |moved| since.max(moved));
        // What was told before pods moved is over: between two tries a Job has no pods for a while.
        let is_over = |event: &Event| {
            let last = event.last_timestamp.as_ref();
            last.is_some_and(|last| last.0.as_second() < since.as_second())
        };
        Ok(last.filter(|event| !is_over(event)).map(|event| Waiting {
            name: job.name.clone(),
            kind: TroubleKind::Blocked,
            reason: "FailedCreate".to_owned(),
            message: event.message.unwrap_or_default(),
            since: Some(since),
        }))
    }

    async fn page(&self, params: &ListParams) -> Result<ObjectList<PodView>, kube::Error> {
        let pods = Request::new(Pod::url_path(&(), Some(&self.run.namespace)));
        let request = pods.list(params).map_err(kube::Error::BuildRequest)?;
        self.client.request(request).await
    }
}

/// The pod that failed a whole Job: the Job controller names it in its message alone.
fn named_pod(job: &JobView) -> Option<&str> {
    let Some(JobOutcome::Failed { message, .. }) =
        job.outcome.as_ref().filter(|_| job.is_refused())
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

#[cfg(test)]
mod tests;
