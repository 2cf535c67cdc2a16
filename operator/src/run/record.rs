//! What is told once the status stands: events and metrics.

use fleetscore_crds::{Phase, ScoringRun, ScoringRunStatus, Step};
use jiff::Timestamp;

use super::build;
use super::events::events;
use super::observe::Observed;
use super::sample::schedule;
use super::snapshot::RunSnapshot;
use super::trace::{Phases, trace};
use crate::controller::Tools;
use crate::metrics::Metrics;

/// Tells the change to `new`.
pub(super) async fn record(
    run: &ScoringRun,
    snapshot: &RunSnapshot,
    seen: &Observed,
    new: &ScoringRunStatus,
    tools: &Tools,
    now: Timestamp,
) {
    let old = &snapshot.status;
    if old.phase != new.phase {
        tracing::info!(from = ?old.phase, to = ?new.phase, "phase");
    }
    tools.tell(run, events(old, new)).await;
    if old.phase == Phase::WaitingForNodes && new.phase == Phase::Scoring {
        let begun = seen
            .jobs
            .iter()
            .filter(|job| job.step == Step::Score)
            .filter_map(|job| job.started)
            .min();
        if let Some(begun) = begun {
            tools
                .metrics
                .first_node(now.duration_since(begun).as_secs_f64());
        }
    }
    if new.completion_time.is_some() && old.completion_time.is_none() {
        let line = (snapshot.namespace.clone(), schedule(run));
        tools.metrics.run_ended(line, new.phase);
        ended(seen, new, &tools.metrics);
    }
}

/// Sends the trace of a run that has just ended. `phases` are those that it came to.
pub(super) fn traced(
    run: &ScoringRun,
    snapshot: &RunSnapshot,
    new: &ScoringRunStatus,
    phases: &Phases,
    tools: &Tools,
) {
    let ends = new.completion_time.is_some() && snapshot.status.completion_time.is_none();
    if ends && tools.traces.is_on() {
        let spans = trace(snapshot, &schedule(run), new, phases);
        tools.traces.send(spans);
    }
}

fn ended(seen: &Observed, new: &ScoringRunStatus, metrics: &Metrics) {
    for step in [Step::Plan, Step::Score, Step::Collect] {
        let jobs = || seen.jobs.iter().filter(|job| job.step == step);
        let begun = jobs().filter_map(|job| job.started).min();
        let ended = jobs().filter_map(|job| job.ended).max();
        if let (Some(begun), Some(ended)) = (begun, ended) {
            let seconds = ended.duration_since(begun).as_secs_f64();
            metrics.step(build::step_name(step), seconds);
        }
    }
    let sensors = new.sensors.unwrap_or_default();
    metrics.scored(sensors.succeeded);
    let told: u64 = new.top_failures.iter().map(|group| group.count).sum();
    for group in &new.top_failures {
        metrics.sensors_failed(&group.reason, group.count);
    }
    metrics.sensors_failed("Other", sensors.failed.saturating_sub(told));
}
