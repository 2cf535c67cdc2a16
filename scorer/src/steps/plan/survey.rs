//! The dry run: what a run would do, without writing anything.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use serde::Serialize;

use super::PlanEntry;
use crate::ledger::FailureReason;
use crate::location::Template;
use crate::steps::{Context, FailedSensor, StepError};
use crate::storage::ObjectUrl;

/// What a run would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// Sensors in the run.
    pub sensors: u64,
    /// Shards to score.
    pub shards: u64,
    /// Sensors in each shard, but perhaps the last.
    pub sensors_per_shard: u32,
    /// Bytes of all models.
    pub model_bytes: u64,
    /// Distinct objects with readings.
    pub input_objects: u64,
    /// Bytes of those objects.
    pub input_bytes: u64,
    /// Bytes that all shards together read at most; above `input_bytes` where shards share objects.
    pub bytes_to_read: u64,
    /// Sensors that are sure to fail, with the reason: missing models among them.
    pub failing: Vec<FailedSensor>,
}

/// Objects under a prefix with their sizes in bytes, by URL.
type Sizes = BTreeMap<String, u64>;

/// Looks at what there is: the sensors, their models and the objects with readings.
pub async fn survey(context: &Context) -> Result<Survey, StepError> {
    let entries = super::list(context).await?;
    let sharding = context.run.spec.sharding;
    let sensors_per_shard = sharding.sensors_per_shard(entries.len() as u64);
    let models = sizes(context, &context.run.model).await?;
    let inputs = sizes(context, &context.run.input).await?;
    let mut survey = Survey {
        sensors: entries.len() as u64,
        shards: entries.len().div_ceil(sensors_per_shard as usize) as u64,
        sensors_per_shard,
        model_bytes: 0,
        input_objects: 0,
        input_bytes: 0,
        bytes_to_read: 0,
        failing: Vec::new(),
    };
    let mut used = BTreeMap::new();
    for shard in entries.chunks(sensors_per_shard as usize) {
        let mut of_shard = BTreeMap::new();
        for entry in shard {
            look_at(context, entry, &models, &inputs, &mut survey, &mut of_shard);
        }
        survey.bytes_to_read += of_shard.values().sum::<u64>();
        used.append(&mut of_shard);
    }
    survey.input_objects = used.len() as u64;
    survey.input_bytes = used.values().sum();
    Ok(survey)
}

fn look_at<'a>(
    context: &Context,
    entry: &PlanEntry,
    models: &Sizes,
    inputs: &'a Sizes,
    survey: &mut Survey,
    of_shard: &mut BTreeMap<&'a str, u64>,
) {
    let Some(model) = entry.model.as_ref().filter(|_| entry.error.is_none()) else {
        let error = entry.error.clone();
        survey
            .failing
            .extend(error.map(|error| failed(entry, error.reason, error.message)));
        return;
    };
    match models.get(model) {
        Some(size) => survey.model_bytes += size,
        None => survey.failing.push(failed(
            entry,
            FailureReason::ModelNotFound,
            format!("there is no model at {model}"),
        )),
    }
    let Ok(input) = context.run.input.expand(&entry.key) else {
        return;
    };
    of_shard.extend(objects_at(inputs, &input));
    if objects_at(inputs, &input).next().is_none() {
        survey.failing.push(failed(
            entry,
            FailureReason::ReadingsNotFound,
            format!("there are no readings at {input}"),
        ));
    }
}

/// The object at `location`, or all objects under it when it ends in `/`.
fn objects_at<'a>(sizes: &'a Sizes, location: &str) -> impl Iterator<Item = (&'a str, u64)> {
    let is_prefix = location.ends_with('/');
    let location = location.to_owned();
    sizes
        .range(location.clone()..)
        .take_while(move |(url, _)| {
            if is_prefix {
                url.starts_with(&location)
            } else {
                **url == location
            }
        })
        .map(|(url, size)| (url.as_str(), *size))
}

fn failed(entry: &PlanEntry, reason: FailureReason, message: String) -> FailedSensor {
    FailedSensor {
        key: entry.key.clone(),
        reason,
        message,
    }
}

/// Every object that a template can name: found by one listing of its literal folder, or one look at a fixed object.
async fn sizes(context: &Context, template: &Template) -> Result<Sizes, StepError> {
    let literal = template.literal_prefix();
    let fixed = template.keys().is_empty() && !literal.ends_with('/');
    if fixed {
        let url = ObjectUrl::parse(literal)?;
        return match context.storage.head(&url).await {
            Ok(object) => Ok(Sizes::from([(url.to_string(), object.size)])),
            Err(error) if error.is_not_found() => Ok(Sizes::new()),
            Err(error) => Err(error.into()),
        };
    }
    let folder = literal
        .rfind('/')
        .map_or(literal, |slash| &literal[..=slash]);
    let objects = context.storage.list(&ObjectUrl::parse(folder)?);
    Ok(objects
        .map_ok(|object| (object.url.to_string(), object.size))
        .try_collect()
        .await?)
}
