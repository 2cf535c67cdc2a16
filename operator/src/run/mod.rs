//! The controller of `ScoringRun`s: plan, score and collect, each a Job, and their outcome in the run's status.
//!
//! `observe` reads, `decide`, `build`, `status` and `events` are pure, `apply` writes. [`reconcile`] alone calls them, in that order.
//!
//! The number of calls to the API server does not grow with a run's number of pods: Jobs come from one watch, pods are looked at a
//! few at a time and ever more rarely, and mere progress is written at most twice a minute or in twentieths of the whole.

mod apply;
mod build;
mod controller;
mod decide;
mod events;
mod job_view;
mod look;
mod memory;
mod observe;
mod place;
mod places;
mod pod_view;
mod record;
mod status;
mod subject;
#[cfg(test)]
mod testing;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{API_VERSION, Phase, ScoringRun, ScoringRunStatus, Step};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::Store;
use kube::{Client, Resource, ResourceExt};
use serde_json::json;
use thiserror::Error;

use crate::api::{FIELD_MANAGER, status_of};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::rush::Rush;
use crate::stored::Stored;
use crate::unreadable;
use crate::watches::Filled;

pub use build::SHARDS_PER_JOB;
pub use controller::{Runs, run};
pub use places::Places;

use apply::Applier;
use decide::{Decision, decide, wait};
use job_view::JobView;
use memory::{Memories, Memory};
use observe::{Observed, Observer, Question, is_waited_for, questions};
use places::Claim;
use subject::Subject;
use trouble::{Trouble, TroubleKind};

/// How long one pass may take.
const PASS: Duration = Duration::from_mins(1);
/// How soon a refused creation is tried again.
const AFTER_REFUSAL: SignedDuration = SignedDuration::from_secs(15);

/// What all passes share.
pub struct Context {
    client: Client,
    config: Config,
    jobs: Store<Job>,
    jobs_filled: Filled,
    recorder: Recorder,
    metrics: Arc<Metrics>,
    memories: Memories,
    rush: Arc<Rush>,
    places: Places,
}

/// Why a pass failed. It is tried again, ever more rarely.
#[derive(Debug, Error)]
pub enum RunError {
    /// The stored object does not fit the API: the resource definition and the operator are of different versions.
    #[error("the ScoringRun cannot be read: {0}")]
    InvalidObject(String),
    /// The stored object lacks what every stored object has.
    #[error("the ScoringRun has no name, namespace or UID")]
    Unnamed,
    /// A defect of this program.
    #[error("internal error: {0}")]
    Panicked(String),
    /// The API server could not be asked.
    #[error("cannot read: {0}")]
    Read(#[source] kube::Error),
    /// A child could not be written.
    #[error("cannot write: {0}")]
    Write(#[source] kube::Error),
    /// The status could not be written.
    #[error("cannot write the status: {0}")]
    Status(#[source] kube::Error),
    /// Someone changed the run in between. Nothing is wrong; the next pass sees it.
    #[error("the run was changed in between")]
    Outdated,
    /// The controller ends.
    #[error("the watch of Jobs has ended")]
    Stopping,
    /// Not all runs are listed yet, so that nobody can say whether another one writes to the same place.
    #[error("not all runs are listed yet")]
    Unlisted,
    /// The API server did not answer in time.
    #[error("no answer for {} s", PASS.as_secs())]
    Timeout,
}

impl RunError {
    /// The kind of error, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidObject(_) => "InvalidObject",
            Self::Unnamed => "Unnamed",
            Self::Panicked(_) => "Panicked",
            Self::Read(_) => "Read",
            Self::Write(_) => "Write",
            Self::Status(_) => "Status",
            Self::Outdated => "Outdated",
            Self::Stopping => "Stopping",
            Self::Unlisted => "Unlisted",
            Self::Timeout => "Timeout",
        }
    }
}

/// One pass over one run.
///
/// 1. `observe` (cache, client): the run, its Jobs, and what [`questions`] asks of a few pods.
/// 2. `decide` (pure).
/// 3. `apply` (client): creates, suspends, deletes. A refusal is decided on at once.
/// 4. `status` (pure): what the run has come to.
/// 5. write the status (client): one server-side apply of that version of the object which step 1 saw, if it is worth it.
/// 6. events and metrics (client), once the status stands.
///
/// # Errors
///
/// See [`RunError`]; every step may simply be done again.
async fn reconcile(
    object: Arc<Stored<ScoringRun>>,
    context: Arc<Context>,
) -> Result<Action, RunError> {
    let started = std::time::Instant::now();
    let metrics = context.metrics.clone();
    // A task of its own: a defect that one run brings out must not stop the others.
    let task = tokio::spawn(async move {
        let run = match &object.0 {
            Ok(run) => run,
            Err(object) => {
                let (client, recorder) = (&context.client, &context.recorder);
                unreadable::tell::<ScoringRun>(client, recorder, object, Timestamp::now())
                    .await
                    .map_err(RunError::Status)?;
                return Err(RunError::InvalidObject(object.message.clone()));
            }
        };
        let subject = Subject::of(run).ok_or(RunError::Unnamed)?;
        let pass = tokio::time::timeout(PASS, pass(run, &subject, &context));
        pass.await.unwrap_or(Err(RunError::Timeout))
    });
    let result = task.await;
    metrics.reconciled(started.elapsed());
    result.unwrap_or_else(|error| Err(RunError::Panicked(error.to_string())))
}

#[tracing::instrument(skip_all, fields(namespace = subject.namespace, run = subject.name))]
async fn pass(run: &ScoringRun, subject: &Subject, context: &Context) -> Result<Action, RunError> {
    context.rush.over().await;
    let now = Timestamp::now();
    let mut memory = context.memories.get(&subject.uid);
    let mut seen = observe(subject, context, &mut memory, now).await?;
    if let Some(barred) = barred(&context.config, subject, now) {
        (seen.trouble, seen.owner) = (Some(barred), None);
    }
    let mut decision = decide(subject, &seen, now);
    if !decision.actions.is_empty() {
        tracing::info!(actions = %names(&decision), "writing");
    }
    let refusal = Applier::new(&context.client, &context.config, subject)
        .apply(&decision.actions)
        .await
        .map_err(RunError::Write)?;
    memory.refuse(refusal, now);
    let refused = refused(&memory);
    if refused.is_some() {
        seen.trouble = refused;
        decision = Decision {
            actions: Vec::new(),
            ..decide(subject, &seen, now)
        };
    }
    let new = status::status(subject, &seen, &decision, now);
    if new.phase == Phase::Collecting && subject.status.phase != Phase::Collecting {
        memory.look_soon();
    }
    let written = write(run, subject, &new, &mut memory, context, now).await?;
    if written {
        record::record(run, subject, &seen, &new, context, now).await;
    }
    memory.no_error();
    let waited_for = is_waited_for(subject, &seen.jobs, now);
    let again = again(&memory, &decision, &subject.status, &new, written)
        .into_iter()
        .chain(memory.next_look().filter(|_| waited_for))
        .min();
    if subject.has_ended() {
        context.memories.forget(&subject.uid);
    } else {
        context.memories.put(&subject.uid, memory);
    }
    Ok(wait(again, now).map_or_else(Action::await_change, Action::requeue))
}

async fn observe(
    subject: &Subject,
    context: &Context,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<Observed, RunError> {
    // The watches are independent: before the Jobs are listed, a run would seem to have none.
    let mut filled = context.jobs_filled.clone();
    filled
        .wait_for(|filled| *filled)
        .await
        .map_err(|_| RunError::Stopping)?;
    let owned = |job: &Job| job.namespace().as_deref() == Some(&subject.namespace);
    let mut jobs: Vec<_> = context
        .jobs
        .state_filter(owned)
        .iter()
        .filter_map(|job| JobView::of(job, &subject.uid))
        .collect();
    jobs.sort_by(|one, other| one.name.cmp(&other.name));
    memory.note(&jobs, now);
    if !is_waited_for(subject, &jobs, now) {
        memory.goes_on();
    }
    let mut seen = Observed {
        owner: owner(subject, &jobs, context, now)?,
        jobs,
        moved: memory.moved,
        ..Observed::default()
    };
    let observer = Observer::new(&context.client, subject);
    for question in questions(subject, &seen.jobs, memory.may_look(now), now) {
        match question {
            Question::Result(job) => {
                let result = observer.result(&job).await.map_err(RunError::Read)?;
                seen.results.extend(result.map(|result| (job.name, result)));
            }
            Question::Pending(jobs) => {
                let found = observer
                    .waiting(&jobs, memory.moved, now)
                    .await
                    .map_err(RunError::Read)?;
                memory.looked(&found, now);
            }
            Question::Unended => {
                let (unended, found) = observer.unended(now).await.map_err(RunError::Read)?;
                seen.unended = Some(unended);
                memory.looked(&found, now);
            }
        }
    }
    seen.trouble = memory.trouble(now);
    Ok(seen)
}

/// The storage that a run which is yet to be planned names and its namespace may not, as trouble.
fn barred(config: &Config, run: &Subject, now: Timestamp) -> Option<Trouble> {
    let message = match run.plan() {
        None => config.storage.refusal(&run.namespace, &run.spec)?,
        Some(_) => return None,
    };
    Some(Trouble {
        kind: TroubleKind::Invalid,
        reason: "StorageNotAllowed".to_owned(),
        message,
        since: now,
        certain: true,
    })
}

/// Whose the place is of a run that is to be planned; from here on it is the run's own where it is nobody's.
fn owner(
    run: &Subject,
    jobs: &[JobView],
    context: &Context,
    now: Timestamp,
) -> Result<Option<places::Owner>, RunError> {
    let has_job = jobs.iter().any(|job| job.step == Step::Plan);
    let idle = run.deleting || run.has_ended() || run.spec.suspend;
    if idle || has_job || run.plan().is_some() {
        return Ok(None);
    }
    match context.places.claim(run, &context.config, now) {
        Claim::Granted => Ok(None),
        Claim::Owned(owner) => Ok(Some(owner)),
        Claim::Unknown => Err(RunError::Unlisted),
    }
}

/// What the API server refuses, as trouble.
fn refused(memory: &Memory) -> Option<Trouble> {
    let (refusal, since) = memory.refused.clone()?;
    Some(Trouble {
        kind: refusal.kind,
        reason: refusal.reason,
        message: refusal.message,
        since,
        certain: true,
    })
}

/// Writes the status if it is worth it; tells whether it did.
async fn write(
    run: &ScoringRun,
    subject: &Subject,
    new: &ScoringRunStatus,
    memory: &mut Memory,
    context: &Context,
    now: Timestamp,
) -> Result<bool, RunError> {
    if !status::is_worth_writing(&subject.status, new, memory.written, now) {
        return Ok(false);
    }
    let object = json!({
        "apiVersion": API_VERSION,
        "kind": ScoringRun::kind(&()),
        "metadata": {"name": subject.name, "resourceVersion": subject.resource_version},
        "status": new,
    });
    let api: Api<Stored<ScoringRun>> = Api::namespaced(context.client.clone(), &subject.namespace);
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api
        .patch_status(&run.name_any(), &params, &Patch::Apply(object))
        .await
    {
        Ok(_) => {
            memory.written = Some(now);
            Ok(true)
        }
        Err(error) => match status_of(&error).map(|status| status.code) {
            // Deleted in between.
            Some(404) => Ok(false),
            Some(409) => Err(RunError::Outdated),
            _ => Err(RunError::Status(error)),
        },
    }
}

/// When to look at the run again without anything having happened.
fn again(
    memory: &Memory,
    decision: &Decision,
    old: &ScoringRunStatus,
    new: &ScoringRunStatus,
    written: bool,
) -> Option<Timestamp> {
    let after = |time: Option<Timestamp>, wait| time.and_then(|time| time.checked_add(wait).ok());
    let progress = (!written && old != new)
        .then(|| after(memory.written, status::PROGRESS_EVERY))
        .flatten();
    let refusal = memory
        .refused
        .as_ref()
        .filter(|(refusal, _)| refusal.kind == TroubleKind::Refused);
    let retry = refusal.and_then(|_| after(Some(Timestamp::now()), AFTER_REFUSAL));
    let unsettled = !matches!(
        decision.stage,
        decide::Stage::Settled | decide::Stage::Suspended | decide::Stage::Ended(_)
    );
    let look = memory
        .next_look()
        .filter(|_| unsettled && memory.has_trouble());
    // The first look at a new Job's pods.
    let first = unsettled
        .then(|| after(Some(Timestamp::now()), SignedDuration::from_secs(3)))
        .flatten();
    let first = first.filter(|_| memory.next_look().is_none() && memory.refused.is_none());
    [decision.again, progress, retry, look, first]
        .into_iter()
        .flatten()
        .min()
}

fn names(decision: &Decision) -> String {
    let name = |action: &decide::Action| match action {
        decide::Action::Create(step) => format!("create {}", build::step_name(*step)),
        decide::Action::CreatePart(part, _) => format!("create score {}", part.index),
        decide::Action::Suspend(job) => format!("suspend {}", job.name),
        decide::Action::Resume(job) => format!("resume {}", job.name),
        decide::Action::Widen(job, pods) => format!("let {} have {pods} pods", job.name),
        decide::Action::Delete(job) => format!("delete {}", job.name),
        decide::Action::DeleteConfigMap => "delete ConfigMap".to_owned(),
    };
    decision
        .actions
        .iter()
        .map(name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// How long to wait after an error. Another version of the object is on its way already.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller hands them over"
)]
fn error_policy(
    object: Arc<Stored<ScoringRun>>,
    error: &RunError,
    context: Arc<Context>,
) -> Action {
    context.metrics.failed(error.kind());
    let name = object.name_any();
    match error {
        RunError::Outdated | RunError::Unlisted => {
            return Action::requeue(Duration::from_millis(500));
        }
        RunError::InvalidObject(_) => {
            tracing::warn!(run = name, namespace = object.namespace(), "{error}");
            return Action::await_change();
        }
        _ => tracing::warn!(run = name, namespace = object.namespace(), "{error}"),
    }
    Action::requeue(context.memories.error(&object.uid().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
