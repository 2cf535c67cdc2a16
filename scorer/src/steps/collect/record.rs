//! The run's record among those of all runs.

use bytes::Bytes;

use super::gather::Gather;
use crate::history::{self, RECORD_BYTES, RunRecord};
use crate::outputs;
use crate::place::PlaceError;
use crate::report::Report;
use crate::steps::{Context, StepError};
use fleetscore_storage::ObjectUrl;

/// Puts the record, unless there is one that says the same: summing up again changes nothing.
///
/// A place that must not be written to is told of, and no error: the run's own results do not depend on it.
pub async fn write(context: &Context, report: &Report, gather: &Gather) -> Result<(), StepError> {
    let record = RunRecord::new(report, &gather.shares, gather.shard_seconds);
    let Some(url) = url(context, report)? else {
        tracing::info!(
            "spec.output.location has no folder that all runs share: the run is not recorded"
        );
        return Ok(());
    };
    match put(context, &url, &record).await {
        Err(StepError::Place(PlaceError::Storage(error)) | StepError::Storage(error))
            if error.is_permanent() =>
        {
            tracing::warn!("the run is not recorded among all runs: {error}");
            Ok(())
        }
        done => done,
    }
}

async fn put(context: &Context, url: &ObjectUrl, record: &RunRecord) -> Result<(), StepError> {
    let found = match context.storage.get(url, RECORD_BYTES).await {
        Ok(bytes) => RunRecord::from_json(&url.to_string(), &bytes).ok(),
        Err(error) if error.is_not_found() || error.is_too_large() => None,
        Err(error) => return Err(error.into()),
    };
    if found.is_some_and(|found| found.is_same_outcome(record)) {
        return Ok(());
    }
    let json = record
        .to_json()
        .map_err(|error| StepError::Internal(error.to_string()))?;
    Ok(context.place.put(url, Bytes::from(json)).await?)
}

fn url(context: &Context, report: &Report) -> Result<Option<ObjectUrl>, StepError> {
    let run = &context.run;
    let Some(records) = &run.records else {
        return Ok(None);
    };
    let path = history::record_path(
        run.namespace.as_deref(),
        &run.name,
        run.spec.window,
        report.timing.start_time,
    );
    let path = path.trim_start_matches(outputs::RUNS_FOLDER);
    Ok(Some(records.join(path)?))
}
