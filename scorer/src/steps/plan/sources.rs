//! Where a run's sensors come from.

use fleetscore_crds::{FailedIn, SensorKey};
use futures::TryStreamExt;

use super::listing;
use crate::outputs;
use crate::run::Run;
use crate::steps::retried::{Retried, is_meant, read_failed};
use crate::steps::{FailedSensor, StepError};
use fleetscore_storage::{ObjectInfo, ObjectUrl, Storage};

/// Largest list of sensors that is read, in bytes.
const LISTING_BYTES: u64 = 256 * 1024 * 1024;

/// A sensor before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The sensor.
    pub key: SensorKey,
    /// URL of its model, where listing the models has found it.
    pub model: Option<String>,
    /// Where the sensor is named, for messages: `line 3 of az://config/sensors.csv`.
    pub place: String,
    /// Another sensor that the name of the model could be that of, too.
    pub other: Option<SensorKey>,
}

/// The sensors that the run's spec names, in no particular order.
pub async fn find(run: &Run, storage: &Storage) -> Result<Vec<Candidate>, StepError> {
    let sensors = &run.spec.sensors;
    if let Some(list) = &sensors.list {
        if list.is_empty() {
            return Err(StepError::Sensors {
                url: "spec.sensors.list".to_owned(),
                reason: "it names no sensor, so there is nothing to score; name some, or take it out to score every model".to_owned(),
            });
        }
        let numbered = list.iter().enumerate();
        let place = |index| format!("spec.sensors.list[{index}]");
        return Ok(numbered
            .map(|(index, key)| candidate(key.clone(), place(index)))
            .collect());
    }
    if let Some(listing) = &run.listing {
        return from_listing(run, storage, listing).await;
    }
    if let Some(failed_in) = &sensors.failed_in {
        return from_failed(run, storage, failed_in).await;
    }
    from_models(run, storage).await
}

fn candidate(key: SensorKey, place: String) -> Candidate {
    Candidate {
        key,
        model: None,
        place,
        other: None,
    }
}

async fn from_listing(
    run: &Run,
    storage: &Storage,
    url: &ObjectUrl,
) -> Result<Vec<Candidate>, StepError> {
    let bytes = storage.get(url, LISTING_BYTES).await?;
    let sensors =
        listing::parse(&bytes, &run.required_keys()).map_err(|source| StepError::Sensors {
            url: url.to_string(),
            reason: source.to_string(),
        })?;
    Ok(sensors
        .into_iter()
        .map(|(place, key)| candidate(key, format!("{place} of {url}")))
        .collect())
}

async fn from_failed(
    run: &Run,
    storage: &Storage,
    failed_in: &FailedIn,
) -> Result<Vec<Candidate>, StepError> {
    let FailedIn { run: name, reasons } = failed_in;
    let (failed, url) = earlier(run, storage, name).await?;
    let all = failed.len();
    let numbered = (1_u64..).zip(failed);
    let candidates: Vec<_> = numbered
        .filter(|(_, sensor)| is_meant(sensor, reasons))
        .map(|(line, sensor)| candidate(sensor.key, format!("line {line} of {url}")))
        .collect();
    if !candidates.is_empty() {
        return Ok(candidates);
    }
    let reason = if all == 0 {
        format!(
            "spec.sensors.failedIn: no sensor failed in run `{name}`, so there is nothing to score again"
        )
    } else {
        format!(
            "spec.sensors.failedIn: {all} sensors failed in run `{name}`, but none of them for one of the reasons {reasons:?}, so there is \
             nothing to score again; take the reasons out to score all of them"
        )
    };
    Err(StepError::Sensors {
        url: url.to_string(),
        reason,
    })
}

/// The sensors that failed in an earlier run, and where they are listed.
async fn earlier(
    run: &Run,
    storage: &Storage,
    name: &str,
) -> Result<(Vec<FailedSensor>, ObjectUrl), StepError> {
    if run.retries.is_some() {
        let retried = Retried::read(run, storage, name).await?;
        return Ok((retried.failed, retried.list));
    }
    let url = run.output_of(name)?.join(outputs::FAILED)?;
    match read_failed(storage, &url).await {
        Err(StepError::Storage(error)) if error.is_not_found() => {
            let reason = format!(
                "spec.sensors.failedIn: run `{name}` has left no list of failed sensors; it must have finished"
            );
            Err(StepError::Sensors {
                url: url.to_string(),
                reason,
            })
        }
        failed => Ok((failed?, url)),
    }
}

/// Every object that matches the model location is a sensor.
async fn from_models(run: &Run, storage: &Storage) -> Result<Vec<Candidate>, StepError> {
    let literal = run.model.literal_prefix();
    let folder = literal
        .rfind('/')
        .map_or(literal, |slash| &literal[..=slash]);
    let prefix = ObjectUrl::parse(folder)?;
    let objects: Vec<ObjectInfo> = storage.list(&prefix).try_collect().await?;
    let mut candidates = Vec::new();
    let is_record = |object: &&ObjectInfo| {
        let records = run.records.as_ref();
        records.is_some_and(|records| object.url.relative_to(records).is_some())
    };
    for object in objects.iter().filter(|object| !is_record(object)) {
        let url = object.url.to_string();
        if let Some(key) = run.model.matches(&url) {
            candidates.push(Candidate {
                other: run.model.other_match(&url, &key),
                key,
                place: format!("the model {url}"),
                model: Some(url),
            });
        }
    }
    if candidates.is_empty() {
        let example = objects.first().map_or_else(String::new, |object| {
            format!(", for example {}", object.url)
        });
        let found = format!("{} objects under {prefix}{example}", objects.len());
        return Err(StepError::NoModels {
            location: run.spec.model.location.clone(),
            found,
        });
    }
    Ok(candidates)
}
