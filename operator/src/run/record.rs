//! What is told once the status stands: events and metrics.

use fleetscore_crds::{Phase, ScoringRun, ScoringRunStatus, Step};
use jiff::Timestamp;
use kube::Resource;

use super::events::events;
use super::observe::Observed;
use super::subject::Subject;
use super::{Context, build};

/// Tells the change to `new`.
pub(super) async fn record(
    run: &ScoringRun,
    subject: &Subject,
    seen: &Observed,
    new: &ScoringRunStatus,
    context: &Context,
    now: Timestamp,
) {
    let old = &subject.status;
    if old.phase != new.phase {
        tracing::info!(from = ?old.phase, to = ?new.phase, "phase");
    }
    let reference = run.object_ref(&());
    for event in events(old, new) {
        if let Err(error) = context.recorder.publish(&event, &reference).await {
            tracing::warn!("the event {} cannot be written: {error}", event.reason);
        }
    }
    if old.phase == Phase::WaitingForNodes && new.phase == Phase::Scoring {
        let begun = seen
            .jobs
            .iter()
            .filter(|job| job.step == Step::Score)
            .filter_map(|job| job.started)
            .min();
        if let Some(begun) = begun {
            context
                .metrics
                .first_node(now.duration_since(begun).as_secs_f64());
        }
    }
    if new.completion_time.is_some() && old.completion_time.is_none() {
        ended(seen, new, context);
    }
}

fn ended(seen: &Observed, new: &ScoringRunStatus, context: &Context) {
    for step in [Step::Plan, Step::Score, Step::Collect] {
        let jobs = || seen.jobs.iter().filter(|job| job.step == step);
        let begun = jobs().filter_map(|job| job.started).min();
        let ended = jobs().filter_map(|job| job.ended).max();
        if let (Some(begun), Some(ended)) = (begun, ended) {
            let seconds = ended.duration_since(begun).as_secs_f64();
            context.metrics.step(build::step_name(step), seconds);
        }
    }
    let sensors = new.sensors.unwrap_or_default();
    context.metrics.scored(sensors.succeeded);
    let told: u64 = new.top_failures.iter().map(|group| group.count).sum();
    for group in &new.top_failures {
        context.metrics.sensors_failed(&group.reason, group.count);
    }
    context
        .metrics
        .sensors_failed("Other", sensors.failed.saturating_sub(told));
}
