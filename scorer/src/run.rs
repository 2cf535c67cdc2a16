//! A checked run: what the steps work from.

use std::time::SystemTime;

use fleetscore_crds::{
    Columns, Manifest, PredictionFormat, ScoringRunSpec, ScoringScheduleSpec, SensorKey, Violation,
    validate,
};
use jiff::Timestamp;
use thiserror::Error;

use crate::apart::{self, ApartError, Written};
use crate::history;
use crate::location::{Names, Template, TemplateError};
use crate::models::Kind;
use crate::outputs;
use crate::place::{Owner, Place, Process, RunIdentity, Times};
use crate::predictions::{PredictionError, PredictionLayout, format_of};
use fleetscore_readings::{ReadingsError, TimeParser};
use fleetscore_storage::{ObjectUrl, Storage, StorageError};

/// What `{namespace}` stands for where the manifest names none, as for `kubectl`.
const NAMESPACE: &str = "default";

/// A run whose spec has been checked and whose locations are filled, but for the sensors' keys.
#[derive(Clone, Debug)]
pub struct Run {
    /// The run's name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Which execution of the run this is.
    pub identity: RunIdentity,
    /// The schedule that created it.
    pub schedule: Option<String>,
    /// What is asked for.
    pub spec: ScoringRunSpec,
    /// The columns that are read: those of the spec, and behind its features the target of a residual.
    pub columns: Columns,
    /// URL of a sensor's model.
    pub model: Template,
    /// Where a sensor's scaler is, if it is a file of its own.
    pub scaler: Option<Template>,
    /// URL of a sensor's readings.
    pub input: Template,
    /// Path of a sensor's predictions below [`Run::output`].
    pub file: Template,
    /// The prefix of everything the run writes, but for its record.
    pub output: ObjectUrl,
    /// The prefix of the run's own files: `_run/` below [`Run::output`], of a retry in place `_run/retry/RUN/`.
    pub own: ObjectUrl,
    /// The run whose failed sensors are scored again in its own place.
    pub retries: Option<String>,
    /// The prefix of the run's logs.
    pub logs: ObjectUrl,
    /// The folder of the records of all runs of the same root ([`history::root`]), where there is one.
    pub records: Option<ObjectUrl>,
    /// The list of sensors, where the spec names one.
    pub listing: Option<ObjectUrl>,
    /// The object that says that the readings are complete, where the spec names one.
    pub marker: Option<ObjectUrl>,
    /// Format of the predictions; never `Auto`.
    pub prediction_format: PredictionFormat,
    /// All that it writes.
    pub written: Written,
}

/// Why a run cannot begin.
#[derive(Debug, Error)]
pub enum RunError {
    /// The spec breaks rules of the API.
    #[error("{}", join(.0))]
    Invalid(Vec<Violation>),
    /// A location's placeholders cannot be filled.
    #[error("{field}: {source}")]
    Template {
        /// Path of the field.
        field: &'static str,
        /// What is wrong.
        source: TemplateError,
    },
    /// A location is not a URL.
    #[error("{field}: {source}")]
    Url {
        /// Path of the field.
        field: &'static str,
        /// What is wrong.
        source: StorageError,
    },
    /// The output or log location depends on the sensor.
    #[error(
        "{field}: {{{key}}} is a sensor's key, but this location is the whole run's; use {{run}}, {{namespace}}, {{schedule}} or {{window.start:...}}"
    )]
    KeyInPrefix {
        /// Path of the field.
        field: &'static str,
        /// The key's name.
        key: String,
    },
    /// The run would write where it reads.
    #[error(transparent)]
    Apart(#[from] ApartError),
    /// The predictions' format cannot be told from the file name.
    #[error("spec.output.file: {0}")]
    Format(PredictionError),
    /// The readings' time zone is not known.
    #[error("spec.{0}")]
    TimeZone(ReadingsError),
}

fn join(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|found| format!("{}: {}", found.field, found.message))
        .collect::<Vec<_>>()
        .join("\n")
}

impl Run {
    /// Checks a manifest against the rules of the API and fills its locations.
    pub fn check(manifest: Manifest<ScoringRunSpec>) -> Result<Self, RunError> {
        let violations = validate(&manifest.spec);
        if !violations.is_empty() {
            return Err(RunError::Invalid(violations));
        }
        Self::fill(manifest)
    }

    /// Fills the locations of a manifest that has been checked against the rules of the API already.
    pub fn fill(manifest: Manifest<ScoringRunSpec>) -> Result<Self, RunError> {
        let Manifest { metadata, spec, .. } = manifest;
        TimeParser::new(&spec.input.columns.time_zone).map_err(RunError::TimeZone)?;
        let names = Names {
            run: &metadata.name,
            namespace: metadata.namespace.as_deref().unwrap_or(NAMESPACE),
            schedule: metadata.schedule(),
            window: spec.window,
        };
        let identity = RunIdentity {
            uid: metadata
                .uid
                .clone()
                .unwrap_or_else(|| format!("{}/{}", names.namespace, names.run)),
            generation: metadata.generation,
            window: spec.window,
        };
        let output = prefix("spec.output.location", &spec.output.location, names)?;
        let retries = retries(&spec, names, &output)?;
        let folder = match &retries {
            Some(_) => outputs::retry_folder(names.run),
            None => outputs::RUN_FOLDER.to_owned(),
        };
        let url = |field| move |source| RunError::Url { field, source };
        let own = (output.join(&folder)).map_err(url("spec.output.location"))?;
        let field = "spec.logs.location";
        let logs = match (&spec.logs, &retries) {
            (None, _) => own.join("logs/").map_err(url(field))?,
            (Some(logs), None) => prefix(field, &logs.location, names)?,
            // Those of the earlier run have the same names.
            (Some(logs), Some(_)) => prefix(field, &logs.location, names)?
                .as_prefix()
                .join(&format!("retry/{}/", names.run))
                .map_err(url(field))?,
        };
        let written = apart::check(&spec, names)?;
        let mut columns = spec.input.columns.clone();
        let target = spec.model.residual.as_ref();
        columns
            .features
            .extend(target.map(|residual| residual.target.clone()));
        Ok(Self {
            columns,
            model: bound("spec.model.location", &spec.model.location, names)?,
            scaler: spec
                .model
                .scaler
                .as_ref()
                .map(|scaler| bound("spec.model.scaler", scaler, names))
                .transpose()?,
            input: bound("spec.input.location", &spec.input.location, names)?,
            file: bound("spec.output.file", &spec.output.file, names)?,
            output,
            own,
            retries,
            logs,
            records: history::root(&spec.output.location, names.schedule)
                .and_then(|root| root.join(outputs::RUNS_FOLDER).ok()),
            listing: spec
                .sensors
                .manifest
                .as_ref()
                .map(|listing| prefix("spec.sensors.manifest", listing, names))
                .transpose()?,
            marker: spec
                .input
                .wait_for
                .as_ref()
                .and_then(|wait| wait.object.as_ref())
                .map(|object| prefix("spec.input.waitFor.object", object, names))
                .transpose()?,
            prediction_format: format_of(&spec.output.file, spec.output.format)
                .map_err(RunError::Format)?,
            written,
            schedule: metadata.schedule().map(str::to_owned),
            name: metadata.name,
            namespace: metadata.namespace,
            identity,
            spec,
        })
    }

    /// Checks that no run of a schedule would write where it, or another one, reads.
    ///
    /// # Errors
    ///
    /// Locations that overlap, or that are no templates.
    pub fn check_schedule(manifest: &Manifest<ScoringScheduleSpec>) -> Result<(), RunError> {
        let names = Names {
            run: "",
            namespace: manifest.metadata.namespace.as_deref().unwrap_or(NAMESPACE),
            schedule: Some(&manifest.metadata.name),
            window: None,
        };
        apart::check(&manifest.spec.run_template.spec, names)?;
        Ok(())
    }

    /// The output prefix of another run of the same spec.
    pub fn output_of(&self, run: &str) -> Result<ObjectUrl, RunError> {
        let names = Names {
            run,
            namespace: self.namespace.as_deref().unwrap_or(NAMESPACE),
            schedule: self.schedule.as_deref(),
            window: self.spec.window,
        };
        prefix("spec.output.location", &self.spec.output.location, names)
    }

    /// One of the run's own files: `name` as it is in `_run/`.
    pub fn own_file(&self, name: &str) -> Result<ObjectUrl, StorageError> {
        self.own
            .join(name.strip_prefix(outputs::RUN_FOLDER).unwrap_or(name))
    }

    /// The place that the run writes to. `process` is the one that does all of the run's work, where there is such a one.
    pub fn place(&self, storage: &Storage, process: Option<Process>, times: Times) -> Place {
        let owner = Owner {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            run: self.identity.clone(),
            since: Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH),
            process,
            retries: self.retries.clone(),
        };
        Place::new(storage, &self.output, owner, times)
    }

    /// The columns of a sensor's predictions of a kind. A key is named as its column, or by itself where the location names the sensor.
    pub fn layout(&self, sensor: &SensorKey, kind: Kind) -> PredictionLayout {
        let columns = &self.columns;
        let name = |key: &str| columns.keys.get(key).map_or(key, String::as_str).to_owned();
        let keys: Vec<_> = sensor
            .iter()
            .map(|(key, value)| (name(key), value.to_owned()))
            .collect();
        PredictionLayout::new(
            &columns.time,
            &keys,
            &columns.features,
            columns.label.as_deref(),
            kind,
        )
    }

    /// Names of the keys that a sensor must have: those of every location and of the key columns, sorted.
    pub fn required_keys(&self) -> Vec<&str> {
        let templates = [&self.model, &self.input, &self.file];
        let mut keys: Vec<&str> = templates
            .into_iter()
            .chain(&self.scaler)
            .flat_map(|template| template.keys())
            .collect();
        keys.extend(self.spec.input.columns.keys.keys().map(String::as_str));
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// The earlier run whose failed sensors this one scores again, if it writes to the same output.
fn retries(
    spec: &ScoringRunSpec,
    names: Names<'_>,
    output: &ObjectUrl,
) -> Result<Option<String>, RunError> {
    let Some(failed_in) = &spec.sensors.failed_in else {
        return Ok(None);
    };
    let earlier = Names {
        run: &failed_in.run,
        ..names
    };
    let place = prefix("spec.output.location", &spec.output.location, earlier)?;
    Ok((place == *output).then(|| failed_in.run.clone()))
}

fn bound(field: &'static str, text: &str, names: Names<'_>) -> Result<Template, RunError> {
    Template::parse(text)
        .and_then(|template| template.bind(names))
        .map_err(|source| RunError::Template { field, source })
}

fn prefix(field: &'static str, text: &str, names: Names<'_>) -> Result<ObjectUrl, RunError> {
    let template = bound(field, text, names)?;
    if let Some(key) = template.keys().first() {
        return Err(RunError::KeyInPrefix {
            field,
            key: (*key).to_owned(),
        });
    }
    ObjectUrl::parse(template.literal_prefix()).map_err(|source| RunError::Url { field, source })
}
