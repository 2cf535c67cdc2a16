//! The last step: sums the ledgers up.

mod ledgers;
mod plots;
mod totals;

use std::time::SystemTime;

use bytes::Bytes;
use fleetscore_crds::Phase;
use jiff::Timestamp;

use self::ledgers::fold_ledgers;
pub use self::totals::totals;
use super::plan::StoredPlan;
use super::{Context, StepError};
use crate::outputs;
use crate::report::{self, Fold, Report, RunInfo};

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
    let mut fold = Fold::new(
        run_info(context),
        plan.header.sensors,
        run.spec.failure_policy.max_failed_sensors,
    );
    let failed = fold_ledgers(context, &plan, &mut fold).await?;
    let report = fold.finish(plan.written, now());
    let success = run.output.join(outputs::SUCCESS)?;
    if report.phase == Phase::Failed {
        // Before the report, so that the two never disagree.
        place.delete(&success).await?;
    }
    let failed_url = run.output.join(outputs::FAILED)?;
    let (failed, written) = tokio::join!(
        place.put(&failed_url, Bytes::from(failed)),
        write_report(context, &report)
    );
    failed?;
    written?;
    if report.phase != Phase::Failed {
        place.put(&success, Bytes::new()).await?;
    }
    tracing::info!(phase = ?report.phase, sensors = report.sensors.total, failed = report.sensors.failed, "collected");
    Ok(report)
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
        retries: None,
    }
}

fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn write_report(context: &Context, report: &Report) -> Result<(), StepError> {
    let Context { run, place, .. } = context;
    let internal = |error: &dyn std::error::Error| StepError::Internal(error.to_string());
    let json = report.to_json().map_err(|error| internal(&error))?;
    let url = run.output.join(outputs::REPORT_JSON)?;
    let (written, plots) = tokio::join!(
        place.put(&url, Bytes::from(json)),
        plots::read(context, report)
    );
    written?;
    let html = report::html::render(report, &plots).map_err(|error| internal(&error))?;
    place
        .put(&run.output.join(outputs::REPORT_HTML)?, Bytes::from(html))
        .await?;
    Ok(())
}
