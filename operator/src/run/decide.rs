//! What to do next. Pure: the run, what was seen and the time go in, a decision comes out.
//!
//! Everything is derived anew from the objects. What must not be forgotten when objects go away is in the run's status, and a
//! change that others rest on (planned, scored, ended) is written there first: its consequences follow in the next pass.

mod scoring;

use fleetscore_crds::{Phase, ScorerVersion, Step, Totals};
use jiff::{SignedDuration, Timestamp};

use super::build::{Part, job_name};
use super::job_view::{JobOutcome, JobView};
use super::observe::{Awaited, Observed, PodResult};
use super::places::Occupant;
use super::snapshot::{Plan, RunSnapshot};
use super::trouble::{Trouble, TroubleKind};

/// What to do, and what the run has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDecision {
    /// Where the run stands.
    pub stage: Stage,
    /// What to write, in this order.
    pub changes: Vec<Change>,
    /// What keeps it from going on.
    pub trouble: Option<Trouble>,
    /// Look again at this time at the latest.
    pub again: Option<Timestamp>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// It is being deleted, or had ended before.
    Settled,
    /// Stopped by `suspend`.
    Suspended,
    /// Another run has the place that this one writes to.
    Waiting(Occupant),
    /// The plan is being made.
    Planning,
    /// The plan waits for readings.
    AwaitingReadings(Awaited),
    /// The plan is made, and by what, where its Job says so.
    Planned(Plan, Option<ScorerVersion>),
    /// Sensors are being scored.
    Scoring(Plan),
    /// The report is being made; why scoring was stopped, where it was.
    Collecting(Plan, Option<EndCause>),
    /// It ends now.
    Ended(Ending),
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// `Succeeded`, `PartiallySucceeded` or `Failed`.
    pub phase: Phase,
    /// Why, where it failed.
    pub cause: Option<EndCause>,
    /// What the report says, where there is one.
    pub totals: Option<Totals>,
}

/// Why a run failed or stopped scoring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndCause {
    /// In one word.
    pub reason: String,
    /// In a sentence.
    pub message: String,
}

/// Something to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Create the Job of plan or collect, once the `ConfigMap` is there.
    Create(Step),
    /// Create a score Job, once the `ConfigMap` is there.
    CreatePart(Part, Plan),
    /// Stop a Job's pods.
    Suspend(JobView),
    /// Let a Job go on.
    Resume(JobView),
    /// Let a Job have so many pods at the same time, as some of them cannot start.
    Widen(JobView, u32),
    /// Delete a Job and its pods.
    Delete(JobView),
    /// Delete the `ConfigMap`.
    DeleteConfigMap,
}

/// Decides what to do with `run` at `now`.
pub fn decide(run: &RunSnapshot, seen: &Observed, now: Timestamp) -> RunDecision {
    let mut decision = if run.deleting {
        settled(Vec::new())
    } else if run.has_ended() {
        tidy(run, seen, now)
    } else if run.spec.suspend {
        suspend(run, seen)
    } else {
        match run.plan() {
            None => planning(run, seen, now),
            Some(plan) => scoring::decide(run, seen, now, plan),
        }
    };
    let times = [
        decision.again,
        deadline_ahead(run, &decision, now),
        pending_ahead(run, &decision, now),
    ];
    decision.again = times.into_iter().flatten().min();
    decision
}

/// The deadline, while it has not passed. A passed one has had its effect.
fn deadline_ahead(run: &RunSnapshot, decision: &RunDecision, now: Timestamp) -> Option<Timestamp> {
    let waits = matches!(
        decision.stage,
        Stage::Planning | Stage::AwaitingReadings(_) | Stage::Scoring(_)
    );
    run.deadline().filter(|deadline| waits && *deadline > now)
}

fn pending_ahead(run: &RunSnapshot, decision: &RunDecision, now: Timestamp) -> Option<Timestamp> {
    let until = run.pending_until(decision.trouble.as_ref()?.since);
    until.filter(|until| *until > now)
}

fn settled(changes: Vec<Change>) -> RunDecision {
    RunDecision {
        stage: Stage::Settled,
        changes,
        trouble: None,
        again: None,
    }
}

fn stage(stage: Stage, changes: Vec<Change>) -> RunDecision {
    RunDecision {
        stage,
        changes,
        trouble: None,
        again: None,
    }
}

fn fail(reason: &str, message: impl Into<String>) -> RunDecision {
    failed(EndCause {
        reason: reason.to_owned(),
        message: message.into(),
    })
}

fn failed(cause: EndCause) -> RunDecision {
    let ending = Ending {
        phase: Phase::Failed,
        cause: Some(cause),
        totals: None,
    };
    stage(Stage::Ended(ending), Vec::new())
}

/// How often a run that waits for its place asks for it, and one that waits for readings how far they are.
const ASK: SignedDuration = SignedDuration::from_secs(10);

fn waiting(seen: &Observed, now: Timestamp) -> RunDecision {
    let owner = seen.owner.clone();
    RunDecision {
        again: now.checked_add(ASK).ok(),
        ..stage(owner.map_or(Stage::Planning, Stage::Waiting), Vec::new())
    }
}

/// An ended run's Jobs: what still runs is stopped, and all go when their time has come.
fn tidy(run: &RunSnapshot, seen: &Observed, now: Timestamp) -> RunDecision {
    let present = || seen.jobs.iter().filter(|job| !job.deleting);
    let remove_at = run.remove_at();
    if remove_at.is_some_and(|time| time <= now) {
        let jobs: Vec<_> = present().cloned().map(Change::Delete).collect();
        let map = (!jobs.is_empty()).then_some(Change::DeleteConfigMap);
        return settled(map.into_iter().chain(jobs).collect());
    }
    let running = present().filter(|job| !job.has_ended());
    let mut decision = settled(running.cloned().map(Change::Delete).collect());
    decision.again = remove_at.filter(|_| !seen.jobs.is_empty());
    decision
}

fn suspend(run: &RunSnapshot, seen: &Observed) -> RunDecision {
    let changes = seen.jobs.iter().filter_map(|job| halt(run, job)).collect();
    stage(Stage::Suspended, changes)
}

/// How an unfinished Job is stopped. Kueue would let a suspended Job go on, so a queued one is deleted.
fn halt(run: &RunSnapshot, job: &JobView) -> Option<Change> {
    if job.has_ended() || job.deleting {
        None
    } else if is_kueues(run, job) {
        Some(Change::Delete(job.clone()))
    } else {
        (!job.suspended).then(|| Change::Suspend(job.clone()))
    }
}

/// A suspended Job goes on, unless it is Kueue's to say.
fn resume(run: &RunSnapshot, job: &JobView) -> Option<Change> {
    (job.suspended && !job.has_ended() && !job.deleting && !is_kueues(run, job))
        .then(|| Change::Resume(job.clone()))
}

fn is_kueues(run: &RunSnapshot, job: &JobView) -> bool {
    run.is_queued() || job.queued
}

fn planning(run: &RunSnapshot, seen: &Observed, now: Timestamp) -> RunDecision {
    let job = seen.job(&job_name(&run.name, Step::Plan, 0));
    match job.map(|job| (job, &job.outcome)) {
        Some((job, _)) if job.deleting => stage(Stage::Planning, Vec::new()),
        // The spec was changed while it was being planned.
        Some((job, _)) if job.generation != Some(run.generation) => {
            stage(Stage::Planning, vec![Change::Delete(job.clone())])
        }
        Some((job, Some(JobOutcome::Complete))) => match seen.told(&job.name).and_then(Plan::of) {
            Some(plan) => match plan.defect(run) {
                None => stage(Stage::Planned(plan, job.scorer.clone()), Vec::new()),
                Some(defect) => fail("PlanImplausible", defect),
            },
            None if is_worth_repeating(run, seen, job, now) => {
                stage(Stage::Planning, vec![Change::Delete(job.clone())])
            }
            None => fail("PlanResultLost", lost("plan", &job.name)),
        },
        Some((job, Some(JobOutcome::Failed { .. }))) => failed(cause_of(seen, job)),
        _ if overdue(run, now) => failed(deadline_exceeded(run)),
        None if seen.owner.is_some() => waiting(seen, now),
        unfinished => {
            let (trouble, hopeless) = hindrance(run, seen, now);
            if let Some(cause) = hopeless {
                return failed(cause);
            }
            let changes = match unfinished {
                Some((job, _)) => resume(run, job),
                None => Some(Change::Create(Step::Plan)),
            };
            // Until its pod runs it waits for that alone.
            let awaited = seen
                .awaited
                .clone()
                .filter(|_| unfinished.is_some_and(|(job, _)| job.ready > 0) && trouble.is_none());
            let again = awaited.as_ref().and_then(|_| now.checked_add(ASK).ok());
            let stands = awaited.map_or(Stage::Planning, Stage::AwaitingReadings);
            RunDecision {
                trouble,
                again,
                ..stage(stands, changes.into_iter().collect())
            }
        }
    }
}

fn too_many(failed: u64, sensors: u64, limit: u64) -> EndCause {
    EndCause {
        reason: "TooManyFailedSensors".to_owned(),
        message: format!(
            "{failed} of {sensors} sensors failed; failurePolicy.maxFailedSensors allows {limit}"
        ),
    }
}

fn overdue(run: &RunSnapshot, now: Timestamp) -> bool {
    run.deadline().is_some_and(|deadline| deadline <= now)
}

fn deadline_exceeded(run: &RunSnapshot) -> EndCause {
    let seconds = run.spec.active_deadline_seconds.unwrap_or_default();
    EndCause {
        reason: "DeadlineExceeded".to_owned(),
        message: format!("not finished after activeDeadlineSeconds ({seconds} s)"),
    }
}

/// Whether a Job of plan or collect is made again: it is complete, but its pod was gone before its message was read. Done again, the
/// step writes the same. A message that is there but makes no sense would be the same again, too.
fn is_worth_repeating(run: &RunSnapshot, seen: &Observed, job: &JobView, now: Timestamp) -> bool {
    !seen.results.contains_key(&job.name) && !overdue(run, now)
}

fn lost(what: &str, job: &str) -> String {
    format!(
        "the pod of the Job {job} is gone before the {what}'s result was read; create the run again"
    )
}

fn implausible(job: &str, defect: &str) -> String {
    format!(
        "the result that the pod of the Job {job} tells cannot be: {defect}; is its image the scorer's, of the operator's release?"
    )
}

/// Why a Job failed: in its pod's words, or else the Job controller's.
fn cause_of(seen: &Observed, job: &JobView) -> EndCause {
    match (seen.results.get(&job.name), &job.outcome) {
        (
            Some(PodResult {
                reason, message, ..
            }),
            _,
        ) => EndCause {
            reason: reason.clone(),
            message: message.clone(),
        },
        (None, Some(JobOutcome::Failed { reason, message })) => EndCause {
            reason: reason.clone(),
            message: format!("Job {}: {message}", job.name),
        },
        (None, _) => EndCause {
            reason: "JobFailed".to_owned(),
            message: job.name.clone(),
        },
    }
}

/// While a pod began or ended so recently, others are on their way.
const QUIET: SignedDuration = SignedDuration::from_secs(60);

/// What keeps the run from going on, and the cause to give it up for, once it has lasted too long. A pod that cannot start costs its own
/// shard alone: while others are at work, nothing is given up, and while others could be, they get their turn first.
fn hindrance(
    run: &RunSnapshot,
    seen: &Observed,
    now: Timestamp,
) -> (Option<Trouble>, Option<EndCause>) {
    let Some(trouble) = seen.trouble.clone() else {
        return (None, None);
    };
    let cause = match trouble.kind {
        TroubleKind::NotEnding => None,
        TroubleKind::Invalid => Some(trouble.message.clone()),
        _ if is_hopeless(run, seen, &trouble, now) => {
            let seconds = now.duration_since(trouble.since).as_secs().max(0);
            Some(format!(
                "{} (for {seconds} s; pendingTimeoutSeconds is {})",
                trouble.message, run.spec.pending_timeout_seconds
            ))
        }
        _ => None,
    };
    let cause = cause.map(|message| EndCause {
        reason: trouble.reason.clone(),
        message,
    });
    (Some(trouble), cause)
}

fn is_hopeless(run: &RunSnapshot, seen: &Observed, trouble: &Trouble, now: Timestamp) -> bool {
    let at_work = seen.jobs.iter().any(|job| job.ready > 0);
    let timeout = SignedDuration::from_secs(run.spec.pending_timeout_seconds.into());
    let quiet = seen
        .moved
        .is_none_or(|moved| now.duration_since(moved) >= QUIET.min(timeout));
    let late = run
        .pending_until(trouble.since)
        .is_some_and(|until| until <= now);
    late && trouble.certain && quiet && !at_work
}

#[cfg(test)]
mod tests;
