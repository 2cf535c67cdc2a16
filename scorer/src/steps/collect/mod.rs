//! The last step: sums the ledgers up.

mod gather;
mod ledgers;
mod plots;
mod record;
mod totals;

use std::time::SystemTime;

use bytes::Bytes;
use fleetscore_crds::{Limit, Phase};
use jiff::Timestamp;

use self::gather::Gather;
use self::ledgers::gather_ledgers;
pub use self::totals::totals;
use super::plan::StoredPlan;
use super::retried::Retried;
use super::{Context, FailedSensor, StepError};
use crate::history::{TableInfo, TableWriter};
use crate::outputs;
use crate::report::{self, LeftTotals, Report, RunInfo};

/// Folds the ledgers into the report, lists the failed sensors and puts `_SUCCESS` last, if the failure policy holds.
pub async fn collect(context: &Context) -> Result<Report, StepError> {
    match Box::pin(sum_up(context)).await {
        Err(error) => Err(error.explained(&context.place).await),
        done => done,
    }
}

async fn sum_up(context: &Context) -> Result<Report, StepError> {
    let Context {
        run,
        storage,
        place,
        ..
    } = context;
    tracing::info!(run = run.name, "collecting");
    let (joined, plan) = tokio::join!(place.join(), StoredPlan::open(context));
    joined?;
    let plan = plan?;
    if context.kept.is_none() {
        // A process that does all of the run has swept before it planned.
        place
            .write(|| {
                storage.sweep_staged(&run.output, std::time::Duration::ZERO, outputs::RUN_FOLDER)
            })
            .await?;
    }
    let retried = match &run.retries {
        Some(retries) => Some(Retried::read(run, storage, retries).await?),
        None => None,
    };
    let limit = limit(context, retried.as_ref(), plan.header.sensors);
    let table = begin_table(context, &plan).await?;
    let mut gather = Gather::new(run_info(context), plan.header.sensors, limit, table);
    gather_ledgers(context, &plan, &mut gather).await?;
    let mut report = gather.fold.clone().finish(plan.written, now());
    if let Some(retried) = &retried {
        leave(context, retried, &mut gather.failed, &mut report);
    }
    write_all(context, &mut gather, &report, retried.as_ref()).await?;
    tracing::info!(phase = ?report.phase, sensors = report.sensors.total, failed = report.sensors.failed, "collected");
    Ok(report)
}

/// Writes everything, `_SUCCESS` last, and notes before it that all else is there. Doing it again after any end repairs what is missing.
async fn write_all(
    context: &Context,
    gather: &mut Gather,
    report: &Report,
    retried: Option<&Retried>,
) -> Result<(), StepError> {
    let Context { run, place, .. } = context;
    let success = run.output.join(outputs::SUCCESS)?;
    let complete = report
        .left
        .map_or(report.phase != Phase::Failed, |left| left.complete);
    if !complete {
        // Before the report, so that the two never disagree.
        place.delete(&success).await?;
    }
    let table = gather.finish_table();
    let (failed, table, written, recorded) = tokio::join!(
        write_failed(context, &gather.failed),
        write_table(context, table),
        write_report(context, report),
        record::write(context, report, gather)
    );
    failed?;
    table?;
    written?;
    recorded?;
    let is_there = retried.is_some() && context.storage.exists(&success).await?;
    let is_due = complete && !is_there;
    // A later retry knows by this, and by `_SUCCESS`, that nothing more is to come.
    place.sum(is_due).await?;
    if is_due {
        place.put(&success, Bytes::new()).await?;
    }
    Ok(())
}

/// Failed sensors that the run may have: of a retry in place those that the whole fleet may have.
fn limit(context: &Context, retried: Option<&Retried>, sensors: u64) -> Limit {
    let limit = context.run.spec.failure_policy.max_failed_sensors;
    let total = retried.map_or(sensors, |retried| retried.total);
    Limit::Count(u32::try_from(limit.of(total)).unwrap_or(u32::MAX))
}

/// Adds to the failed sensors of a retry in place those that it has left alone, and says in the report what is left of the fleet.
fn leave(
    context: &Context,
    retried: &Retried,
    failed: &mut Vec<FailedSensor>,
    report: &mut Report,
) {
    let failed_in = context.run.spec.sensors.failed_in.as_ref();
    let reasons = failed_in.map_or(&[][..], |failed_in| failed_in.reasons.as_slice());
    failed.extend(retried.left_alone(reasons).cloned());
    failed.sort_by(|a, b| a.key.cmp(&b.key));
    let left = failed.len() as u64;
    let limit = report.sensors.limit;
    let complete = retried.complete || left <= limit;
    report.left = Some(LeftTotals {
        total: retried.total,
        failed: left,
        limit,
        complete,
    });
    if report.phase == Phase::Succeeded && !complete {
        // Its own sensors are all scored, but whoever waits for the fleet has to wait on.
        report.phase = Phase::PartiallySucceeded;
    }
}

async fn begin_table(
    context: &Context,
    plan: &StoredPlan,
) -> Result<Option<TableWriter>, StepError> {
    let run = &context.run;
    let info = TableInfo {
        run: run.name.clone(),
        namespace: run.namespace.clone(),
        retries: run.retries.clone(),
        keys: plan.key_names(context).await?.into_iter().collect(),
    };
    let table = TableWriter::new(&info);
    Ok(table
        .inspect_err(|error| tracing::warn!("{error}; the run has none"))
        .ok())
}

async fn write_table(context: &Context, table: Option<Vec<u8>>) -> Result<(), StepError> {
    let url = context.run.own_file(outputs::SENSORS)?;
    match table {
        Some(table) => Ok(context.place.put(&url, Bytes::from(table)).await?),
        None => Ok(context.place.delete(&url).await?),
    }
}

async fn write_failed(context: &Context, failed: &[FailedSensor]) -> Result<(), StepError> {
    let mut lines = Vec::new();
    for sensor in failed {
        serde_json::to_writer(&mut lines, sensor)
            .map_err(|error| StepError::Internal(error.to_string()))?;
        lines.push(b'\n');
    }
    let url = context.run.own_file(outputs::FAILED)?;
    Ok(context.place.put(&url, Bytes::from(lines)).await?)
}

fn run_info(context: &Context) -> RunInfo {
    let run = &context.run;
    RunInfo {
        name: run.name.clone(),
        uid: Some(run.identity.uid.clone()),
        generation: run.identity.generation,
        namespace: run.namespace.clone(),
        schedule: run.schedule.clone(),
        window: run.spec.window,
        output: run.output.to_string(),
        retries: run.retries.clone(),
    }
}

fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn write_report(context: &Context, report: &Report) -> Result<(), StepError> {
    let Context { run, place, .. } = context;
    let internal = |error: &dyn std::error::Error| StepError::Internal(error.to_string());
    let json = report.to_json().map_err(|error| internal(&error))?;
    let url = run.own_file(outputs::REPORT_JSON)?;
    let (written, plots) = tokio::join!(
        place.put(&url, Bytes::from(json)),
        plots::read(context, report)
    );
    written?;
    let html = report::html::render(report, &plots).map_err(|error| internal(&error))?;
    place
        .put(&run.own_file(outputs::REPORT_HTML)?, Bytes::from(html))
        .await?;
    Ok(())
}
