//! What the metrics tell of a run. Pure.

use fleetscore_crds::{
    CAUSE_LABEL, ConditionStatus, Phase, RETRY_CAUSE, SCHEDULE_LABEL, ScoringRun, ScoringRunStatus,
};
use jiff::Timestamp;
use kube::ResourceExt;

use super::status::WAITING;
use crate::children::{Cause, OwningSchedule};
use crate::metrics::LastRun;

/// What the metrics tell of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSample {
    /// Its namespace.
    pub namespace: String,
    /// The schedule whose run it is, or whose run it tries again; empty where there is none.
    pub schedule: String,
    /// Whether it is the run of one of its schedule's ticks.
    pub is_ticks: bool,
    /// Where it stands.
    pub phase: Phase,
    /// Since when, unless it is suspended or has ended.
    pub since: Option<Timestamp>,
    /// What it has come to, once it has ended.
    pub end: Option<LastRun>,
}

/// What the metrics tell of a run.
pub fn sample(run: &ScoringRun) -> RunSample {
    let owner = OwningSchedule::of(&run.metadata);
    let status = run.status.clone().unwrap_or_default();
    let cause = run.labels().get(CAUSE_LABEL).map(String::as_str);
    RunSample {
        namespace: run.namespace().unwrap_or_default(),
        schedule: schedule(run),
        is_ticks: owner.is_some() && cause == Some(Cause::Tick.word()),
        phase: status.phase,
        since: since(run, &status),
        end: end(&status),
    }
}

/// The schedule whose run it is, or whose run it tries again; empty where there is none.
pub fn schedule(run: &ScoringRun) -> String {
    let labels = run.labels();
    let is_retry = labels
        .get(CAUSE_LABEL)
        .is_some_and(|cause| cause == RETRY_CAUSE);
    let retried = || labels.get(SCHEDULE_LABEL).filter(|_| is_retry).cloned();
    let owner = OwningSchedule::of(&run.metadata).map(|owner| owner.name);
    owner.or_else(retried).unwrap_or_default()
}

fn since(run: &ScoringRun, status: &ScoringRunStatus) -> Option<Timestamp> {
    let came_true = |kind: &str| {
        let mut conditions = status.conditions.iter();
        let found =
            conditions.find(|found| found.kind == kind && found.status == ConditionStatus::True)?;
        Some(found.last_transition_time)
    };
    let created = || Some(run.metadata.creation_timestamp.as_ref()?.0);
    let started = || status.start_time.or_else(created);
    match status.phase {
        Phase::Pending => created(),
        Phase::Planning | Phase::WaitingForReadings => started(),
        Phase::WaitingForNodes => came_true(WAITING)
            .or_else(|| came_true("Planned"))
            .or_else(started),
        Phase::Scoring => came_true("Planned").or_else(started),
        Phase::Collecting => came_true("Scored").or_else(started),
        Phase::Suspended | Phase::Succeeded | Phase::PartiallySucceeded | Phase::Failed => None,
    }
}

fn end(status: &ScoringRunStatus) -> Option<LastRun> {
    let ended = status.completion_time.filter(|_| status.phase.is_end())?;
    let sensors = status.sensors.filter(|_| status.report.is_some());
    Some(LastRun {
        ended,
        seconds: status
            .start_time
            .map(|start| ended.duration_since(start).as_secs().max(0)),
        sensors: sensors.map(|sensors| (sensors.succeeded, sensors.failed)),
        rows: status.rows,
        anomalies: status.anomalies,
        mostly_anomalous: status.mostly_anomalous,
        node_seconds: status.usage.as_ref().map(|usage| usage.node_seconds),
    })
}
