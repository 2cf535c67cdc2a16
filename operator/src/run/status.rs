//! What the run has come to, as its status tells it. Pure.

use fleetscore_crds::{
    Condition, ConditionStatus, FailureGroup, Phase, PodCounts, ScoringRunStatus, SensorCounts,
    Step, StepJob,
};
use jiff::{SignedDuration, Timestamp};

use super::decide::{EndCause, Ending, RunDecision, Stage};
use super::job_view::JobView;
use super::observe::Observed;
use super::snapshot::{Plan, RunSnapshot};
use super::trouble::{Trouble, TroubleKind};
use crate::controller::Story;
use crate::words::{REASON_BYTES, cut, whole_second};

/// Jobs that the status lists. With this limit, those below and that of conditions' messages the status stays under 16 KiB.
const JOBS: usize = 16;
/// Bytes of an example and of a message in the list of failures.
const FAILURE_BYTES: (usize, usize) = (128, 320);
/// Reasons of failures that the status lists.
const FAILURES: usize = 10;
/// Bytes of the report's URL.
const REPORT_BYTES: usize = 1024;
/// The condition that tells since when a run waits for nodes.
pub const WAITING: &str = "WaitingForNodes";
/// Mere progress is written at most so often, unless it is a twentieth of the whole.
pub const PROGRESS_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// The run's status after `decision`.
pub fn status(
    run: &RunSnapshot,
    seen: &Observed,
    decision: &RunDecision,
    now: Timestamp,
) -> ScoringRunStatus {
    let mut status = run.status.clone();
    let now = whole_second(now);
    if decision.stage == Stage::Settled {
        if run.has_ended() {
            observe_generation(&mut status, run.generation);
        }
        return status;
    }
    let was = status.phase;
    status.phase = phase(decision, seen);
    if was == Phase::Suspended && status.phase != Phase::Suspended {
        status.start_time = None;
    }
    if !matches!(status.phase, Phase::Suspended | Phase::Pending) {
        status.start_time.get_or_insert(now);
    }
    count(&mut status, run, seen, decision);
    status.jobs = jobs(seen, &status.jobs);
    if let Stage::Ended(ending) = &decision.stage {
        end(&mut status, ending, now);
    }
    conditions(&mut status, run, seen, decision, now);
    observe_generation(&mut status, run.generation);
    status
}

/// Whether `new` is worth a write: at once when more than counts have changed, else now and then.
pub fn is_worth_writing(
    old: &ScoringRunStatus,
    new: &ScoringRunStatus,
    written: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let bare = |status: &ScoringRunStatus| ScoringRunStatus {
        pods: status.pods.map(|pods| PodCounts {
            total: pods.total,
            ..PodCounts::default()
        }),
        sensors: status.sensors.map(|sensors| SensorCounts {
            total: sensors.total,
            ..SensorCounts::default()
        }),
        jobs: status
            .jobs
            .iter()
            .map(|job| StepJob {
                completion_time: None,
                ..job.clone()
            })
            .collect(),
        ..status.clone()
    };
    if bare(old) != bare(new) {
        return true;
    }
    let waited = written.is_none_or(|written| now.duration_since(written) >= PROGRESS_EVERY);
    old != new && (waited || moved_far(old.pods, new.pods))
}

/// Whether a twentieth of all pods, and at least one, has ended since. Pods that come and go in between are no progress.
fn moved_far(old: Option<PodCounts>, new: Option<PodCounts>) -> bool {
    let (Some(old), Some(new)) = (old, new) else {
        return true;
    };
    let moved = old.succeeded.abs_diff(new.succeeded) + old.failed.abs_diff(new.failed);
    moved >= (new.total / 20).max(1)
}

fn phase(decision: &RunDecision, seen: &Observed) -> Phase {
    let running = seen
        .jobs
        .iter()
        .any(|job| job.step == Step::Score && job.ready > 0);
    let waiting = decision
        .trouble
        .as_ref()
        .is_some_and(|trouble| trouble.kind == TroubleKind::Unschedulable);
    match &decision.stage {
        Stage::Suspended => Phase::Suspended,
        Stage::Scoring(_) if waiting && !running => Phase::WaitingForNodes,
        Stage::Scoring(_) => Phase::Scoring,
        Stage::Collecting(..) => Phase::Collecting,
        Stage::Ended(ending) => ending.phase,
        Stage::Waiting(_) => Phase::Pending,
        Stage::AwaitingReadings(_) => Phase::WaitingForReadings,
        Stage::Planning | Stage::Planned(..) | Stage::Settled => Phase::Planning,
    }
}

/// Pods as the Jobs count them. Sensors are known from the report; before it only where each has its own pod.
fn count(
    status: &mut ScoringRunStatus,
    run: &RunSnapshot,
    seen: &Observed,
    decision: &RunDecision,
) {
    if let Stage::Planned(plan, scorer) = &decision.stage {
        status.scorer.clone_from(scorer);
        status.sensors = Some(SensorCounts {
            total: plan.sensors,
            ..SensorCounts::default()
        });
        status.pods = Some(PodCounts {
            total: plan.pods,
            ..PodCounts::default()
        });
    }
    let Some(Plan { sensors, pods }) = run.plan() else {
        return;
    };
    let sum = |number: fn(&JobView) -> u32| {
        let jobs = seen.jobs.iter().filter(|job| job.step == Step::Score);
        jobs.map(number).fold(0, u32::saturating_add)
    };
    let counted = PodCounts {
        total: pods,
        active: sum(|job| job.active),
        succeeded: sum(|job| job.succeeded).min(pods),
        failed: sum(|job| job.failed_indexes).min(pods),
    };
    status.pods = Some(counted);
    if sensors == u64::from(pods) {
        status.sensors = Some(SensorCounts {
            total: sensors,
            succeeded: counted.succeeded.into(),
            failed: counted.failed.into(),
        });
    }
}

fn end(status: &mut ScoringRunStatus, ending: &Ending, now: Timestamp) {
    status.completion_time = Some(now);
    let Some(totals) = &ending.totals else {
        return;
    };
    status.sensors = Some(SensorCounts {
        total: totals.sensors,
        succeeded: totals.succeeded,
        failed: totals.failed,
    });
    status.rows = Some(totals.rows);
    status.anomalies = Some(totals.anomalies);
    status.mostly_anomalous = totals.mostly_anomalous;
    status.report = Some(cut(&totals.report, REPORT_BYTES));
    let groups = totals
        .top_failures
        .iter()
        .take(FAILURES)
        .map(|group| FailureGroup {
            reason: cut(&group.reason, REASON_BYTES),
            count: group.count,
            example: cut(&group.example, FAILURE_BYTES.0),
            message: cut(&group.message, FAILURE_BYTES.1),
        });
    status.top_failures = groups.collect();
}

/// The Jobs in the order of the steps. Where there are too many, the earliest that have ended are left out.
fn jobs(seen: &Observed, before: &[StepJob]) -> Vec<StepJob> {
    let mut views: Vec<_> = seen.jobs.iter().collect();
    views.sort_by_key(|job| (job.step as u8, job.part));
    let mut surplus = views.len().saturating_sub(JOBS);
    views.retain(|job| {
        let dropped = surplus > 0 && job.step == Step::Score && job.has_ended();
        surplus -= usize::from(dropped);
        !dropped
    });
    let mut jobs: Vec<_> = views.into_iter().map(step_job).collect();
    // Ended and already gone: the plan that Kueue's admission or a person removed is still what happened.
    let gone = before
        .iter()
        .filter(|old| old.step == Step::Plan && jobs.iter().all(|job| job.name != old.name));
    jobs = gone.cloned().chain(jobs.clone()).collect();
    // More than that at work: the first ones stand for all.
    let collect = jobs.pop_if(|job| job.step == Step::Collect);
    jobs.truncate(JOBS - usize::from(collect.is_some()));
    jobs.extend(collect);
    jobs
}

fn step_job(job: &JobView) -> StepJob {
    StepJob {
        name: job.name.clone(),
        step: job.step,
        state: job.state(),
        start_time: job.started,
        completion_time: job.ended,
    }
}

fn conditions(
    status: &mut ScoringRunStatus,
    run: &RunSnapshot,
    seen: &Observed,
    decision: &RunDecision,
    now: Timestamp,
) {
    let phase = format!("{:?}", status.phase);
    let ended = match &decision.stage {
        Stage::Ended(ending) => Some(ending),
        _ => None,
    };
    let failed = ended
        .filter(|ending| ending.phase == Phase::Failed)
        .and_then(|ending| ending.cause.as_ref());
    let complete = ended.is_some() && failed.is_none();
    let waits = waits(seen, decision);
    let waits = waits
        .as_ref()
        .map(|(reason, message)| (*reason, message.as_str()));
    let left = ended.and_then(left);
    let left = left.as_deref().map(|message| ("SensorsLeft", message));
    let (reason, message) = match (failed, going(decision).or(waits).or(left)) {
        (Some(cause), _) => (cause.reason.as_str(), cause.message.as_str()),
        (None, Some((reason, message))) => (reason, message),
        (None, None) => (phase.as_str(), ""),
    };
    let stalled = failed.is_some() || is_stalled(decision);
    let in_progress = ended.is_none() && decision.stage != Stage::Suspended;
    let story = Story {
        reason,
        message,
        generation: run.generation,
        now,
    };
    set_planned(&mut status.conditions, decision, story);
    set_scored(&mut status.conditions, decision, story);
    set_waiting(&mut status.conditions, status.phase, story);
    story.set(
        &mut status.conditions,
        &[
            ("Ready", complete),
            ("Reconciling", in_progress),
            ("Stalled", stalled),
            ("Complete", complete),
            ("Failed", failed.is_some()),
        ],
    );
}

/// What a retry in place that has ended has left of its fleet, where that is too much.
fn left(ending: &Ending) -> Option<String> {
    let left = ending.totals.as_ref()?.left?;
    Some(format!(
        "of {} sensors {} still have no predictions ({} allowed), so there is no _SUCCESS; retry this run to score them",
        left.total, left.failed, left.limit
    ))
}

/// What an unfinished run waits for, if anything is known.
fn going(decision: &RunDecision) -> Option<(&str, &str)> {
    let cause = match &decision.stage {
        Stage::Collecting(_, cause) => cause.as_ref(),
        _ => None,
    };
    let shown = decision
        .trouble
        .as_ref()
        .filter(|trouble| trouble.kind != TroubleKind::Starting);
    match (shown, cause) {
        (
            Some(Trouble {
                reason, message, ..
            }),
            _,
        )
        | (None, Some(EndCause { reason, message })) => Some((reason, message)),
        (None, None) => None,
    }
}

/// What a run waits for that is others' to give: its place, readings, or Kueue's leave for its next Job.
fn waits(seen: &Observed, decision: &RunDecision) -> Option<(&'static str, String)> {
    if let Stage::Waiting(owner) = &decision.stage {
        return Some(("OutputInUse", owner.message()));
    }
    if let Stage::AwaitingReadings(awaited) = &decision.stage {
        return Some(("WaitingForReadings", awaited.message()));
    }
    let waits = |job: &&JobView| job.queued && job.suspended && !job.has_ended() && !job.deleting;
    let unfinished = !matches!(
        decision.stage,
        Stage::Suspended | Stage::Settled | Stage::Ended(_)
    );
    let job = seen.jobs.iter().find(waits).filter(|_| unfinished)?;
    let message = format!(
        "Kueue has not admitted the Job {}; `kubectl describe workload` says what it waits for",
        job.name
    );
    Some(("WaitingForAdmission", message))
}

/// Whether someone must do something.
fn is_stalled(decision: &RunDecision) -> bool {
    match &decision.stage {
        Stage::Collecting(_, cause) => cause.is_some(),
        _ => decision
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.reason == "NameConflict"),
    }
}

/// Sets `Planned`. The story is that of the other conditions: what it speaks of, and when.
fn set_planned(conditions: &mut Vec<Condition>, decision: &RunDecision, story: Story<'_>) {
    let is_planned = conditions
        .iter()
        .any(|found| found.kind == "Planned" && found.status == ConditionStatus::True);
    match decision.stage {
        Stage::Planned(Plan { sensors, pods }, _) => {
            let message = format!("{sensors} sensors in {pods} pods");
            let story = Story {
                reason: "Planned",
                message: &message,
                ..story
            };
            story.set(conditions, &[("Planned", true)]);
        }
        _ if !is_planned => {
            let story = Story {
                reason: "NotPlanned",
                message: "",
                ..story
            };
            story.set(conditions, &[("Planned", false)]);
        }
        _ => {}
    }
}

/// Once nothing is scored any more, that stays so, and so does the reason why it was stopped: while the run is suspended, too.
fn set_scored(conditions: &mut Vec<Condition>, decision: &RunDecision, story: Story<'_>) {
    let Stage::Collecting(_, cause) = &decision.stage else {
        return;
    };
    let (reason, message) = match cause {
        Some(EndCause { reason, message }) => (reason.as_str(), message.as_str()),
        None => ("Scored", ""),
    };
    let story = Story {
        reason,
        message,
        ..story
    };
    story.set(conditions, &[("Scored", true)]);
}

/// Since when the run waits for nodes: it may do so again and again. One that never has lacks the condition.
fn set_waiting(conditions: &mut Vec<Condition>, phase: Phase, story: Story<'_>) {
    let waits = phase == Phase::WaitingForNodes;
    if waits || conditions.iter().any(|found| found.kind == WAITING) {
        story.set(conditions, &[(WAITING, waits)]);
    }
}

fn observe_generation(status: &mut ScoringRunStatus, generation: i64) {
    status.observed_generation = Some(generation);
    for condition in &mut status.conditions {
        condition.observed_generation = Some(generation);
    }
}

#[cfg(test)]
mod tests;
