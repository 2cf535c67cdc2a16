use std::path::{Path, PathBuf};

use fleetscore_crds::{API_VERSION, Columns, ManifestMetadata, ReadingFormat, SensorKey, Window};

use super::model_path::ModelPath;
use super::{
    DataSpec, Error, Settings, TrainArgs, Training, TrainingKind, TrainingModel, TrainingSpec,
};
use crate::manifest;

/// A training whose values were checked and whose paths are found.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The file or folder with the history.
    pub data: PathBuf,
    /// Format of its files.
    pub format: ReadingFormat,
    /// Meaning of its columns.
    pub columns: Columns,
    /// The readings to use.
    pub window: Option<Window>,
    /// Path of the models as it was given.
    models: String,
    /// The same, parsed.
    path: ModelPath,
    /// The folder that a relative path is taken from.
    pub base: PathBuf,
    /// How each model is fitted.
    pub settings: Settings,
    /// Readings of a sensor that are used at most.
    pub max_rows: usize,
}

const MODEL_LOCATION: &str = "spec.model.location";

/// A smaller tolerance drowns in rounding errors and the solver would not stop.
const LEAST_TOLERANCE: f64 = 1e-10;

/// More rows than this need more than 3 GB for one kernel matrix.
const MOST_ROWS: usize = 20_000;

impl TrainArgs {
    /// The training that the options or the document ask for.
    pub(super) fn job(&self) -> Result<Job, Error> {
        match &self.file {
            Some(path) => {
                let text = manifest::load_text(path).map_err(Error::Manifest)?;
                let training: Training =
                    serde_saphyr::from_str(&text).map_err(|error| Error::Document {
                        path: path.clone(),
                        message: error.to_string(),
                    })?;
                Job::new(training, path.parent().unwrap_or(Path::new("")))
            }
            None => Job::new(self.document()?, Path::new("")),
        }
    }

    /// The options as a document.
    fn document(&self) -> Result<Training, Error> {
        let (Some(data), Some(out)) = (&self.data, &self.out) else {
            return Err(invalid(
                "--data",
                "give --data and --out, or a document with --file",
            ));
        };
        let columns = Columns {
            time: self.time.clone(),
            keys: self.keys.iter().cloned().collect(),
            features: self.features.clone(),
            label: None,
            time_zone: "Etc/UTC".to_owned(),
        };
        let model = TrainingModel {
            location: model_template(out, &columns),
            scaler: self.scaler,
            nu: self.nu,
            gamma: self.gamma,
            max_rows: self.max_rows,
            tolerance: self.tolerance,
        };
        let data = DataSpec {
            location: data.display().to_string(),
            format: ReadingFormat::Auto,
            columns,
        };
        Ok(Training {
            api_version: API_VERSION.to_owned(),
            kind: TrainingKind::Training,
            metadata: ManifestMetadata {
                name: "training".to_owned(),
                ..ManifestMetadata::default()
            },
            spec: TrainingSpec {
                data,
                window: None,
                model,
            },
        })
    }
}

/// `out` itself if it has placeholders, else a file name with every key below it.
fn model_template(out: &Path, columns: &Columns) -> String {
    let out = out.display().to_string();
    if out.contains('{') {
        return out;
    }
    let keys: String = columns
        .keys
        .keys()
        .flat_map(|key| ["_{", key, "}"])
        .collect();
    Path::new(&out)
        .join(format!("model{keys}.fsm"))
        .display()
        .to_string()
}

impl Job {
    /// Checks `training`; its relative paths start at `base`.
    pub(super) fn new(training: Training, base: &Path) -> Result<Self, Error> {
        if training.api_version != API_VERSION {
            return Err(invalid(
                "apiVersion",
                format!("`{}` is not {API_VERSION}", training.api_version),
            ));
        }
        let TrainingSpec {
            data,
            window,
            model,
        } = training.spec;
        check_columns(&data.columns)?;
        check_model(&model)?;
        let models = local(MODEL_LOCATION, &model.location)?;
        let path = ModelPath::parse(&models, data.columns.keys.keys())
            .map_err(|message| invalid(MODEL_LOCATION, message))?;
        Ok(Self {
            data: base.join(local("spec.data.location", &data.location)?),
            format: data.format,
            columns: data.columns,
            window,
            models,
            path,
            base: base.to_owned(),
            settings: Settings {
                scaler: model.scaler,
                nu: model.nu,
                gamma: model.gamma,
                tolerance: model.tolerance,
            },
            max_rows: model.max_rows,
        })
    }

    /// Where the models go, with placeholders.
    pub(super) fn models_path(&self) -> String {
        self.base.join(&self.models).display().to_string()
    }

    /// Where the model of `sensor` goes.
    pub(super) fn model_path(&self, sensor: &SensorKey) -> PathBuf {
        self.base.join(self.path.of(sensor))
    }
}

fn check_columns(columns: &Columns) -> Result<(), Error> {
    if columns.features.is_empty() {
        return Err(invalid(
            "spec.data.columns.features",
            "name at least one column",
        ));
    }
    Ok(())
}

fn check_model(model: &TrainingModel) -> Result<(), Error> {
    if !(model.nu > 0.0 && model.nu <= 1.0) {
        return Err(invalid(
            "spec.model.nu",
            format!("{} is not above 0 and at most 1", model.nu),
        ));
    }
    if !(LEAST_TOLERANCE..=1.0).contains(&model.tolerance) {
        return Err(invalid(
            "spec.model.tolerance",
            format!("{} is not between {LEAST_TOLERANCE} and 1", model.tolerance),
        ));
    }
    if !(super::fit::MIN_ROWS..=MOST_ROWS).contains(&model.max_rows) {
        let message = format!(
            "{} is not between {} and {MOST_ROWS}",
            model.max_rows,
            super::fit::MIN_ROWS
        );
        return Err(invalid("spec.model.maxRows", message));
    }
    Ok(())
}

/// The path of a local location: a plain path or a `file://` URL.
fn local(field: &'static str, location: &str) -> Result<String, Error> {
    match location.split_once("://") {
        None => Ok(location.to_owned()),
        Some(("file", path)) if path.starts_with('/') => Ok(path.to_owned()),
        Some(_) => Err(invalid(
            field,
            format!("`{location}` is not local; training reads and writes local files"),
        )),
    }
}

fn invalid(field: &'static str, message: impl Into<String>) -> Error {
    Error::Invalid {
        field,
        message: message.into(),
    }
}
