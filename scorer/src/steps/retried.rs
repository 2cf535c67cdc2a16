//! The run whose failed sensors a retry in place scores again, and what it has left.

use std::collections::HashSet;

use fleetscore_crds::FailureReason;
use futures::TryStreamExt;

use super::{FailedSensor, StepError};
use crate::history::{Column, HistoryError, SensorTable};
use crate::ledger::SensorState;
use crate::location::fold;
use crate::outputs;
use crate::report::{REPORT_BYTES, Report};
use crate::run::Run;
use fleetscore_crds::Phase;
use fleetscore_storage::{ObjectUrl, Storage, StoreKind};

/// Largest list of failed sensors that is read, in bytes.
const FAILED_BYTES: u64 = 256 * 1024 * 1024;

/// What the retried run has left. It does not change while the retry owns the place.
pub struct Retried {
    /// The sensors without predictions, in the order of their keys.
    pub failed: Vec<FailedSensor>,
    /// Where that list is.
    pub list: ObjectUrl,
    /// Sensors of the run that first scored the fleet.
    pub total: u64,
    /// Whether what it has left is within the limit, so that `_SUCCESS` belongs there.
    pub complete: bool,
}

impl Retried {
    /// Reads what the run `retries` has left in the place of `run`.
    ///
    /// # Errors
    ///
    /// [`StepError::Sensors`] where it has left nothing there, or another run has.
    pub async fn read(run: &Run, storage: &Storage, retries: &str) -> Result<Self, StepError> {
        let (folder, report) = match report(run, storage, &outputs::retry_folder(retries)).await? {
            Some(found) => found,
            None => report(run, storage, outputs::RUN_FOLDER)
                .await?
                .ok_or_else(|| unknown(run, retries, "there is no report of it"))?,
        };
        if report.run.name != retries || report.run.namespace != run.namespace {
            let other = format!("the report there is that of run `{}`", report.run.name);
            return Err(unknown(run, retries, &other));
        }
        if report.run.window != run.spec.window {
            return Err(unknown(
                run,
                retries,
                "it scored another window; spec.window must be the same",
            ));
        }
        let name = |name: &str| name.trim_start_matches(outputs::RUN_FOLDER).to_owned();
        let list = folder.join(&name(outputs::FAILED))?;
        let table = folder.join(&name(outputs::SENSORS))?;
        if !storage.exists(&table).await? {
            let missing =
                format!("{table} is not there, an earlier version may have written the rest");
            return Err(unknown(run, retries, &missing));
        }
        Ok(Self {
            failed: read_failed(storage, &list).await?,
            list,
            total: report.left.map_or(report.sensors.total, |left| left.total),
            complete: report
                .left
                .map_or(report.phase != Phase::Failed, |left| left.complete),
        })
    }

    /// The sensors that a retry for these reasons leaves as they are.
    pub fn left_alone(&self, reasons: &[FailureReason]) -> impl Iterator<Item = &FailedSensor> {
        self.failed
            .iter()
            .filter(|sensor| !is_meant(sensor, reasons))
    }
}

/// Whether a sensor failed for one of the reasons; without reasons all are meant.
pub fn is_meant(sensor: &FailedSensor, reasons: &[FailureReason]) -> bool {
    reasons.is_empty() || reasons.contains(&sensor.reason)
}

/// The lines of a `failed.jsonl`.
pub async fn read_failed(
    storage: &Storage,
    url: &ObjectUrl,
) -> Result<Vec<FailedSensor>, StepError> {
    let bytes = storage.get(url, FAILED_BYTES).await?;
    let lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    lines
        .filter(|(_, content)| !content.is_empty())
        .map(|(line, content)| {
            serde_json::from_slice(content).map_err(|source| StepError::Sensors {
                url: url.to_string(),
                reason: format!("line {line}: {source}"),
            })
        })
        .collect()
}

/// Paths of predictions below the output that earlier runs have written there, in the form in which they are compared.
pub async fn written_paths(run: &Run, storage: &Storage) -> Result<HashSet<String>, StepError> {
    let mut tables = vec![run.output.join(outputs::SENSORS)?];
    let name = outputs::SENSORS.trim_start_matches(outputs::RUN_FOLDER);
    let mut retries = Vec::new();
    let mut objects = storage.list(&run.output.join(outputs::RETRIES)?);
    while let Some(object) = objects.try_next().await? {
        let is_own = object.url.relative_to(&run.own).is_some();
        if !is_own && object.url.file_name() == Some(name) {
            retries.push(object.url);
        }
    }
    // One that has ended without a report has left nothing that counts.
    for table in retries {
        let folder = table.to_string();
        let folder = folder.trim_end_matches(name);
        let url = format!(
            "{folder}{}",
            outputs::REPORT_JSON.trim_start_matches(outputs::RUN_FOLDER)
        );
        if storage.exists(&ObjectUrl::parse(&url)?).await? {
            tables.push(table);
        }
    }
    let mut paths = HashSet::new();
    for table in tables {
        let reading = async {
            let table = SensorTable::open(storage, &table).await?;
            let each = |row: crate::history::SensorRow| {
                if let (SensorState::Succeeded, Some(path)) = (row.state, row.output) {
                    paths.insert(compared(run, &path));
                }
            };
            table.read(&[Column::Output], each).await
        };
        reading.await.map_err(|error| match error {
            HistoryError::Storage(error) => error.into(),
            error => StepError::Sensors {
                url: table.to_string(),
                reason: error.to_string(),
            },
        })?;
    }
    Ok(paths)
}

/// A path of predictions, so that names that a file system may take for one are one.
pub fn compared(run: &Run, path: &str) -> String {
    if run.output.kind() == StoreKind::File {
        fold(path)
    } else {
        path.to_owned()
    }
}

/// A report in a folder of the place, and where that is; none where there is no report.
async fn report(
    run: &Run,
    storage: &Storage,
    folder: &str,
) -> Result<Option<(ObjectUrl, Report)>, StepError> {
    let folder = run.output.join(folder)?;
    let name = outputs::REPORT_JSON.trim_start_matches(outputs::RUN_FOLDER);
    let url = folder.join(name)?;
    let bytes = match storage.get(&url, REPORT_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let report = Report::from_json(&bytes).map_err(|error| StepError::Sensors {
        url: url.to_string(),
        reason: error.to_string(),
    })?;
    Ok(Some((folder, report)))
}

fn unknown(run: &Run, retries: &str, found: &str) -> StepError {
    StepError::Sensors {
        url: run.output.to_string(),
        reason: format!(
            "spec.sensors.failedIn: run `{retries}` has left nothing there that can be retried ({found}); it must have ended, and \
             been the last one there"
        ),
    }
}
