//! Where a run's sensors come from.

use fleetscore_crds::SensorKey;
use futures::TryStreamExt;

use super::listing;
use crate::outputs;
use crate::run::Run;
use crate::steps::StepError;
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
        let url = run.output_of(&failed_in.run)?.join(outputs::FAILED)?;
        return from_failed(storage, &failed_in.run, &url).await;
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
    storage: &Storage,
    run: &str,
    url: &ObjectUrl,
) -> Result<Vec<Candidate>, StepError> {
    let bytes = storage.get(url, LISTING_BYTES).await.map_err(|error| {
        if error.is_not_found() {
            let reason = format!("spec.sensors.failedIn: run `{run}` has left no list of failed sensors; it must have finished");
            StepError::Sensors { url: url.to_string(), reason }
        } else {
            error.into()
        }
    })?;
    let mut candidates = Vec::new();
    for (line, content) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if content.is_empty() {
            continue;
        }
        let failed: crate::steps::FailedSensor =
            serde_json::from_slice(content).map_err(|source| StepError::Sensors {
                url: url.to_string(),
                reason: format!("line {line}: {source}"),
            })?;
        candidates.push(candidate(failed.key, format!("line {line} of {url}")));
    }
    if candidates.is_empty() {
        let reason = format!(
            "spec.sensors.failedIn: no sensor failed in run `{run}`, so there is nothing to score again"
        );
        return Err(StepError::Sensors {
            url: url.to_string(),
            reason,
        });
    }
    Ok(candidates)
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
    for object in &objects {
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
