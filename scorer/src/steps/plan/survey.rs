//! The dry run: what a run would do, without writing anything.

use std::collections::BTreeMap;

use fleetscore_crds::{Failure, FailureReason, SensorKey};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::PlanEntry;
use super::inputs::Inputs;
use super::readings;
use super::tables::refuse_tables;
use crate::ledger::{Warning, WarningReason};
use crate::location::Template;
use crate::models::MlflowFolder;
use crate::steps::engine::Engine;
use crate::steps::model_reader::ModelReader;
use crate::steps::{Context, FailedSensor, StepError};
use fleetscore_storage::ObjectUrl;

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
    /// What the run would wait for, or score without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// Sensors that are sure to fail, with the reason: missing, unreadable and unfitting models among them.
    pub failing: Vec<FailedSensor>,
    /// What to look at of sensors that can be scored.
    pub warnings: Vec<SensorWarning>,
}

/// A warning about one sensor.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SensorWarning {
    /// The sensor.
    pub key: SensorKey,
    /// The kind of warning.
    pub reason: WarningReason,
    /// What is suspicious and what to do.
    pub message: String,
}

/// Objects under a prefix with their sizes in bytes, by URL.
pub(super) type Sizes = BTreeMap<String, u64>;
/// What there is to say of each model, by URL.
type Looks = BTreeMap<String, Result<Vec<Warning>, Failure>>;

/// Looks at what there is: the sensors, their models and the objects with readings.
pub async fn survey(context: &Context) -> Result<Survey, StepError> {
    let (tables, entries, models, inputs, found) = tokio::join!(
        refuse_tables(context),
        super::list(context),
        sizes(context, &context.run.model),
        input_sizes(context),
        readings::look(context)
    );
    tables?;
    let (entries, models, found) = (entries?, models?, found?);
    let mut inputs = Inputs::new(inputs?);
    let sharding = context.run.spec.sharding;
    let sensors_per_shard = sharding.sensors_per_shard(entries.len() as u64);
    let mut survey = Survey {
        sensors: entries.len() as u64,
        shards: entries.len().div_ceil(sensors_per_shard as usize) as u64,
        sensors_per_shard,
        model_bytes: 0,
        input_objects: 0,
        input_bytes: 0,
        bytes_to_read: 0,
        incomplete: found.missing.or(found.readings.incomplete),
        failing: Vec::new(),
        warnings: Vec::new(),
    };
    let looks = look_at_models(context, &entries, &models).await;
    let mut used = BTreeMap::new();
    for shard in entries.chunks(sensors_per_shard as usize) {
        let mut of_shard = BTreeMap::new();
        for entry in shard {
            let is_open = survey.note_model(entry, &models, &looks);
            if is_open && found.readings.segments.is_none() {
                survey.note_readings(context, entry, &mut inputs, &mut of_shard);
            }
        }
        if let Some(segments) = &found.readings.segments {
            let sensors: Vec<SensorKey> = shard.iter().map(|entry| entry.key.clone()).collect();
            let files = segments.files(&sensors, &context.run.columns)?;
            of_shard.extend(files.iter().map(|file| (file.url.to_string(), file.size)));
        }
        survey.bytes_to_read += of_shard.values().sum::<u64>();
        used.append(&mut of_shard);
    }
    survey.input_objects = used.len() as u64;
    survey.input_bytes = used.values().sum();
    Ok(survey)
}

impl Survey {
    /// Notes what is known of a sensor's model. Whether its readings are worth a look.
    fn note_model(&mut self, entry: &PlanEntry, models: &Sizes, looks: &Looks) -> bool {
        self.warn(entry, entry.warning.iter());
        let Some(model) = entry.model.as_ref().filter(|_| entry.error.is_none()) else {
            self.failing.extend(
                entry
                    .error
                    .clone()
                    .map(|error| failed(entry, error.reason, error.message)),
            );
            return false;
        };
        let Some(size) = models.get(model) else {
            let message = format!("there is no model at {model}");
            self.failing
                .push(failed(entry, FailureReason::ModelNotFound, message));
            return true;
        };
        self.model_bytes += match model.strip_suffix(MlflowFolder::DESCRIPTION) {
            Some(folder) if MlflowFolder::is_at(model) => {
                let files = models.range(folder.to_owned()..);
                let files = files.take_while(|(file, _)| file.starts_with(folder));
                files.map(|(_, size)| size).sum()
            }
            _ => *size,
        };
        match looks.get(model) {
            Some(Err(error)) => {
                let error = error.clone();
                self.failing
                    .push(failed(entry, error.reason, error.message));
            }
            Some(Ok(warnings)) => self.warn(entry, warnings.iter()),
            None => {}
        }
        true
    }

    fn warn<'a>(&mut self, entry: &PlanEntry, warnings: impl Iterator<Item = &'a Warning>) {
        self.warnings.extend(warnings.map(|warning| {
            let Warning { reason, message } = warning.clone();
            SensorWarning {
                key: entry.key.clone(),
                reason,
                message,
            }
        }));
    }

    /// Notes the objects with a sensor's readings.
    fn note_readings(
        &mut self,
        context: &Context,
        entry: &PlanEntry,
        inputs: &mut Inputs,
        of_shard: &mut Sizes,
    ) {
        let Ok(input) = context.run.input.expand(&entry.key) else {
            return;
        };
        match inputs.at(&input) {
            Ok(objects) => of_shard.extend(objects.iter().cloned()),
            Err(failure) => {
                let Failure { reason, message } = failure.clone();
                self.failing.push(failed(entry, reason, message));
            }
        }
    }
}

/// Reads every model of the sensors once, some at a time, and keeps what there is to say of it.
async fn look_at_models(context: &Context, entries: &[PlanEntry], models: &Sizes) -> Looks {
    let there = entries.iter().filter(|entry| entry.error.is_none());
    let urls: BTreeMap<&String, &SensorKey> = there
        .filter_map(|entry| Some((entry.model.as_ref()?, &entry.key)))
        .filter(|(url, _)| models.contains_key(*url))
        .collect();
    let reader = ModelReader::new(context, context.limits.memory / 2);
    stream::iter(urls)
        .map(|(url, key)| {
            let reader = &reader;
            async move {
                let engine = reader.engine(url, key).await;
                (url.clone(), engine.map(Engine::warnings))
            }
        })
        .buffer_unordered(context.limits.requests.max(1))
        .collect()
        .await
}

fn failed(entry: &PlanEntry, reason: FailureReason, message: String) -> FailedSensor {
    FailedSensor {
        key: entry.key.clone(),
        reason,
        message,
    }
}

/// Every object that may hold readings, and where the location is a folder's without a slash, what is below it.
async fn input_sizes(context: &Context) -> Result<Sizes, StepError> {
    let template = &context.run.input;
    let found = sizes(context, template).await?;
    let literal = template.literal_prefix();
    if found.is_empty() && template.keys().is_empty() && !literal.ends_with('/') {
        return list(context, &format!("{literal}/")).await;
    }
    Ok(found)
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
    list(context, folder).await
}

async fn list(context: &Context, folder: &str) -> Result<Sizes, StepError> {
    let objects = context.storage.list(&ObjectUrl::parse(folder)?);
    Ok(objects
        .map_ok(|object| (object.url.to_string(), object.size))
        .try_collect()
        .await?)
}
