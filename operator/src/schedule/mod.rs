//! The controller of `ScoringSchedule`s: each tick becomes a `ScoringRun`.
//!
//! `decide`, `build`, `status` and `events` are pure, `apply` writes. [`reconcile`] alone calls them, in that order.
//!
//! Nothing is listed for a schedule: its runs come from the watch that drives the run controller. A tick costs a look at the
//! schedule's version, the creation of its run, one write of the status and an event.

mod apply;
mod build;
mod child;
mod children;
mod controller;
mod decide;
mod events;
#[cfg(test)]
mod model;
mod names;
mod outcome;
mod overwritten;
mod runs;
mod status;
mod subject;
#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{API_VERSION, ScoringSchedule, ScoringScheduleStatus};
use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::events::Recorder;
use kube::{Client, Resource, ResourceExt};
use serde_json::json;
use thiserror::Error;

use crate::api::{FIELD_MANAGER, status_of};
use crate::backoff::Errors;
use crate::metrics::Metrics;
use crate::rush::Rush;
use crate::stored::Stored;
use crate::unreadable;
use crate::watches::{Filled, all_filled};

pub use children::Children;
pub use controller::{Owned, Schedules, run};

use apply::{Applier, ApplyError};
use decide::{Decision, decide, wait};
use outcome::Results;
use overwritten::Overwritten;
use status::Settlement;
use subject::Subject;

/// How long one pass may take. The decision on `history` rests on it.
const PASS: Duration = Duration::from_mins(1);
/// How soon a refused creation is tried again.
const AFTER_REFUSAL: SignedDuration = SignedDuration::from_secs(15);
/// How soon to look again where the cache does not have the status yet that was written last. Its coming is a reason to look, too.
const AFTER_OWN_WRITE: Duration = Duration::from_secs(1);
/// Longest wait after errors: when the API server is back, ticks are due.
const AFTER_ERRORS: Duration = Duration::from_secs(15);

/// What all passes share.
pub struct Context {
    client: Client,
    children: Children,
    runs_listed: Filled,
    recorder: Recorder,
    metrics: Arc<Metrics>,
    errors: Errors,
    overwritten: Overwritten,
    rush: Arc<Rush>,
}

/// Why a pass failed. It is tried again, ever more rarely.
#[derive(Debug, Error)]
pub enum ScheduleError {
    /// The stored object does not fit the API: the resource definition and the operator are of different versions.
    #[error("the ScoringSchedule cannot be read: {0}")]
    InvalidObject(String),
    /// The stored object lacks what every stored object has.
    #[error("the ScoringSchedule has no name, namespace, UID or time of creation")]
    Unnamed,
    /// A defect of this program.
    #[error("internal error: {0}")]
    Panicked(String),
    /// A run could not be created or deleted.
    #[error("cannot write: {0}")]
    Write(#[source] kube::Error),
    /// The status could not be written.
    #[error("cannot write the status: {0}")]
    Status(#[source] kube::Error),
    /// Someone changed the schedule in between. Nothing is wrong; the next pass sees it.
    #[error("the schedule was changed in between")]
    Outdated,
    /// The controller ends.
    #[error("the watch of runs has ended")]
    Stopping,
    /// The API server did not answer in time.
    #[error("no answer for {} s", PASS.as_secs())]
    Timeout,
}

impl ScheduleError {
    /// The kind of error, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidObject(_) => "InvalidObject",
            Self::Unnamed => "Unnamed",
            Self::Panicked(_) => "Panicked",
            Self::Write(_) => "Write",
            Self::Status(_) => "Status",
            Self::Outdated => "Outdated",
            Self::Stopping => "Stopping",
            Self::Timeout => "Timeout",
        }
    }
}

impl From<ApplyError> for ScheduleError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Outdated => Self::Outdated,
            ApplyError::Kube(error) => Self::Write(error),
        }
    }
}

/// One pass over one schedule.
///
/// 1. observe (cache): the schedule and its runs.
/// 2. `decide` (pure): what becomes of every tick that is due.
/// 3. `apply` (client): deletes runs that make room, creates runs. The schedule must still be what step 1 saw.
/// 4. `status` (pure): what the ticks have come to.
/// 5. write the status (client): one server-side apply of that version of the object which step 1 saw, if it says something new.
/// 6. events and metrics (client), once the status stands.
/// 7. `apply` (client): deletes ended runs that are too many. They belong to ticks that the status of step 1 knew to be settled.
///
/// # Errors
///
/// See [`ScheduleError`]; every step may simply be done again.
async fn reconcile(
    object: Arc<Stored<ScoringSchedule>>,
    context: Arc<Context>,
) -> Result<Action, ScheduleError> {
    let started = std::time::Instant::now();
    let metrics = context.metrics.clone();
    // A task of its own: a defect that one schedule brings out must not stop the others.
    let task = tokio::spawn(async move {
        let schedule = match &object.0 {
            Ok(schedule) => schedule,
            Err(object) => {
                let (client, recorder) = (&context.client, &context.recorder);
                unreadable::tell::<ScoringSchedule>(client, recorder, object, Timestamp::now())
                    .await
                    .map_err(ScheduleError::Status)?;
                return Err(ScheduleError::InvalidObject(object.message.clone()));
            }
        };
        let subject = Subject::of(schedule).ok_or(ScheduleError::Unnamed)?;
        let pass = tokio::time::timeout(PASS, pass(schedule, &subject, &context));
        pass.await.unwrap_or(Err(ScheduleError::Timeout))
    });
    let result = task.await;
    metrics.reconciled(started.elapsed());
    result.unwrap_or_else(|error| Err(ScheduleError::Panicked(error.to_string())))
}

#[tracing::instrument(skip_all, fields(namespace = subject.namespace, schedule = subject.name))]
async fn pass(
    schedule: &ScoringSchedule,
    subject: &Subject,
    context: &Context,
) -> Result<Action, ScheduleError> {
    // The watches are independent: before the runs are listed, a schedule would seem to have none.
    if !all_filled([context.runs_listed.clone()]).await {
        return Err(ScheduleError::Stopping);
    }
    if subject.deleting {
        return Ok(Action::await_change());
    }
    let version = subject.resource_version.as_ref();
    if context.overwritten.has(&subject.uid, version) {
        return Ok(Action::requeue(AFTER_OWN_WRITE));
    }
    let now = Timestamp::now();
    let children = context.children.of(&subject.owner());
    let timetable = Timetable::parse(&subject.spec.schedule, &subject.spec.time_zone);
    let decision = decide(subject, timetable.as_ref(), &children, now);
    let applier = Applier::new(context, subject);
    let results = match &timetable {
        Ok(timetable) if !decision.creations.is_empty() => {
            let applied = applier.apply(timetable, &decision);
            context.rush.create(applied).await?
        }
        _ => Results::default(),
    };
    let done = (&decision, &results);
    let settlement = status::status(subject, timetable.as_ref().ok(), &children, done, now);
    if settlement.status != subject.status {
        let _turn = context.rush.turn_to_write().await;
        write(subject, &settlement.status, context).await?;
        context.overwritten.note(&subject.uid, version);
        record(schedule, subject, done, &settlement, context).await;
    }
    let surplus = applier.delete(&decision.surplus).await;
    surplus.map_err(ScheduleError::Write)?;
    context.errors.clear(&subject.uid);
    Ok(again(&decision, &results))
}

async fn write(
    subject: &Subject,
    new: &ScoringScheduleStatus,
    context: &Context,
) -> Result<(), ScheduleError> {
    let object = json!({
        "apiVersion": API_VERSION,
        "kind": ScoringSchedule::kind(&()),
        "metadata": {"name": subject.name, "resourceVersion": subject.resource_version},
        "status": new,
    });
    let api: Api<Stored<ScoringSchedule>> =
        Api::namespaced(context.client.clone(), &subject.namespace);
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api
        .patch_status(&subject.name, &params, &Patch::Apply(object))
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => match status_of(&error).map(|status| status.code) {
            // Changed or deleted in between.
            Some(404 | 409) => Err(ScheduleError::Outdated),
            _ => Err(ScheduleError::Status(error)),
        },
    }
}

/// Tells what a pass has come to, once the status stands.
async fn record(
    schedule: &ScoringSchedule,
    subject: &Subject,
    (decision, results): (&Decision, &Results),
    settlement: &Settlement,
    context: &Context,
) {
    for (reason, (count, _)) in &settlement.missed.reasons {
        context.metrics.ticks_missed(&reason.word(), *count);
    }
    let reference = schedule.object_ref(&());
    for event in events::events(&subject.status, decision, results, settlement) {
        if let Err(error) = context.recorder.publish(&event, &reference).await {
            tracing::warn!("the event {} cannot be written: {error}", event.reason);
        }
    }
}

/// When to look at the schedule again without anything having happened.
fn again(decision: &Decision, results: &Results) -> Action {
    let now = Timestamp::now();
    let retry = results.refusal.as_ref();
    let retry = retry.and_then(|_| now.checked_add(AFTER_REFUSAL).ok());
    let again = match retry {
        Some(retry) => Some(retry),
        None => decision.again,
    };
    match again {
        // The work queue adds the time in which it gathers changes.
        Some(again) => Action::requeue(wait(again, now).saturating_sub(controller::DEBOUNCE)),
        None => Action::await_change(),
    }
}

/// How long to wait after an error. Another version of the object is on its way already.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller hands them over"
)]
fn error_policy(
    object: Arc<Stored<ScoringSchedule>>,
    error: &ScheduleError,
    context: Arc<Context>,
) -> Action {
    context.metrics.failed(error.kind());
    let name = object.name_any();
    match error {
        ScheduleError::Outdated => return Action::requeue(Duration::from_millis(500)),
        ScheduleError::InvalidObject(_) => {
            tracing::warn!(schedule = name, namespace = object.namespace(), "{error}");
            return Action::await_change();
        }
        _ => tracing::warn!(schedule = name, namespace = object.namespace(), "{error}"),
    }
    let wait = context.errors.wait(&object.uid().unwrap_or_default());
    Action::requeue(wait.min(AFTER_ERRORS))
}

#[cfg(test)]
mod tests;
