//! Folders of MLflow: the file `MLmodel` says which file beside it holds the model, and what its features are called.

use std::collections::BTreeMap;

use fleetscore_crds::{ModelBundle, ModelFormat};
use serde::Deserialize;

use super::{Allowance, Meter, lightgbm, limits, sklearn, skops, unknown, xgboost};
use crate::models::{Model, ModelError, shown};

/// Flavours that a message lists.
const MOST_FLAVOURS: usize = 12;
/// Columns of a signature.
const MOST_INPUTS: usize = 100_000;

/// What an `MLmodel` says of its folder, as far as scoring needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlflowFolder {
    flavour: Flavour,
    file: String,
    /// Names of the features, where the signature has them.
    inputs: Option<Vec<String>>,
    /// What wrote the model's file, with its version, where that is known.
    producer: Option<String>,
}

/// The flavours that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    Sklearn,
    Xgboost,
    Lightgbm,
}

impl Flavour {
    const ALL: [Self; 3] = [Self::Sklearn, Self::Xgboost, Self::Lightgbm];

    /// MLflow's name of it.
    fn name(self) -> &'static str {
        match self {
            Self::Sklearn => "sklearn",
            Self::Xgboost => "xgboost",
            Self::Lightgbm => "lightgbm",
        }
    }

    /// The field that names the model's file, and that file.
    fn file(self, said: &Said) -> (&'static str, Option<&String>) {
        match self {
            Self::Sklearn => ("pickled_model", said.pickled_model.as_ref()),
            Self::Xgboost | Self::Lightgbm => ("data", said.data.as_ref()),
        }
    }

    /// What wrote the model's file, in the words of the file itself, where both say so.
    fn producer(self, said: &Said) -> Option<String> {
        let (program, version) = match self {
            Self::Sklearn => ("scikit-learn", said.sklearn_version.as_ref()?),
            Self::Xgboost => (
                "XGBoost",
                said.xgb_version.as_ref().filter(|it| is_release(it))?,
            ),
            Self::Lightgbm => return None,
        };
        Some(format!("{program} {}", shown(version, 40)))
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    flavors: BTreeMap<String, Said>,
    signature: Option<Signature>,
}

/// Whether a version is of numbers alone: the file has no more.
fn is_release(version: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    version.bytes().all(is_plain)
}

/// What a flavour says; those that are not read say other things, too.
#[derive(Default, Deserialize)]
struct Said {
    pickled_model: Option<String>,
    data: Option<String>,
    sklearn_version: Option<String>,
    xgb_version: Option<String>,
}

#[derive(Deserialize)]
struct Signature {
    /// A list, as JSON.
    inputs: Option<String>,
}

/// One column. What else is there, such as a tensor's shape, has no name for each feature.
#[derive(Deserialize)]
struct Input {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
}

impl MlflowFolder {
    /// The file in the folder that describes it.
    pub const DESCRIPTION: &str = "MLmodel";
    /// Largest description, in bytes; real ones have some thousand.
    pub const DESCRIPTION_BYTES: usize = 256 << 10;

    /// Whether a model's location is that of a description.
    pub fn is_at(location: &str) -> bool {
        location.rsplit('/').next() == Some(Self::DESCRIPTION)
    }

    /// Reads a description.
    ///
    /// Errors when it is damaged, too large, has no flavour that is read, or names a file outside the folder.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() > Self::DESCRIPTION_BYTES {
            return Err(ModelError::TooLarge {
                what: "MLmodel".into(),
                limit: format!("{} KiB", Self::DESCRIPTION_BYTES >> 10),
            });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| malformed(&format!("it is no text: {error}")))?;
        let document: Document = serde_saphyr::from_str_with_options(text, options())
            .map_err(|error| malformed(&error.to_string()))?;
        let mut flavours = Flavour::ALL.into_iter();
        let found = flavours.find_map(|it| Some((it, document.flavors.get(it.name())?)));
        let Some((flavour, said)) = found else {
            return Err(no_flavour(&document.flavors));
        };
        let (field, file) = flavour.file(said);
        let name = flavour.name();
        let file = file.ok_or_else(|| {
            malformed(&format!(
                "its flavour {name} has no `{field}`: log the model again with mlflow.{name}.log_model"
            ))
        })?;
        check_inside(file)?;
        let inputs = document.signature.and_then(|signature| signature.inputs);
        Ok(Self {
            file: file.clone(),
            inputs: inputs.map_or(Ok(None), |inputs| names(&inputs))?,
            producer: flavour.producer(said),
            flavour,
        })
    }

    /// The path within the folder of the file that holds the model.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether scoring may depend on more of the description than the file that it names.
    pub fn names_features(&self) -> bool {
        self.inputs.is_some()
    }

    /// Reads the model from the bytes of the folder's file: the features' names are the file's own, else the signature's.
    ///
    /// Errors as [`super::read_bundle`], and when description and file are not of one model.
    pub fn read(
        &self,
        bytes: &[u8],
        bundle: Option<&ModelBundle>,
        allowance: Allowance<'_>,
    ) -> Result<Model, ModelError> {
        let meter = &mut Meter::new(allowance);
        meter.go_on()?;
        limits::check_bytes("the file", bytes.len(), limits::FILE_BYTES)?;
        let mut model = match self.flavour {
            Flavour::Xgboost | Flavour::Lightgbm if bundle.is_some() => {
                return Err(ModelError::Unsupported(format!(
                    "spec.model.bundle names keys, and a model of MLflow's flavour {} has none: leave it out",
                    self.flavour.name()
                )));
            }
            Flavour::Xgboost if xgboost::recognise(bytes) => xgboost::read(bytes, meter)?,
            Flavour::Xgboost => return Err(unknown(bytes)),
            Flavour::Lightgbm if lightgbm::recognise(bytes) => lightgbm::read(bytes, meter)?,
            _ if bytes.starts_with(skops::MAGIC) => skops::read(bytes, bundle, meter)?,
            Flavour::Sklearn | Flavour::Lightgbm => sklearn::read(bytes, bundle, meter)?,
        };
        if let (Some(told), Some(found)) = (&self.producer, &model.origin.producer)
            && told != found
        {
            return Err(ModelError::Invalid(format!(
                "MLmodel tells of {told}, and {found} wrote `{}`: the folder is in the middle of being replaced, or its files are of \
                 different models; log the model again, each version into a folder of its own",
                shown(&self.file, 80)
            )));
        }
        model.origin.format = ModelFormat::Mlflow;
        if let (None, Some(inputs)) = (&model.origin.feature_names, &self.inputs) {
            if inputs.len() != model.features {
                return Err(ModelError::Invalid(format!(
                    "the signature of MLmodel has {} inputs, and the model {} features: log the model again with the signature of \
                     what it was fitted with",
                    inputs.len(),
                    model.features
                )));
            }
            model.origin.feature_names = Some(inputs.clone());
        }
        Ok(model)
    }
}

/// The refusal of a description that comes without its folder.
pub fn not_alone() -> ModelError {
    ModelError::Unsupported(
        "spec.model.format Mlflow means a folder: let spec.model.location end in /MLmodel, or leave the format out".into(),
    )
}

/// Bounds that no description reaches.
fn options() -> serde_saphyr::Options {
    let mut limits = serde_saphyr::options::AliasLimits::default();
    limits.max_total_replayed_events = 10_000;
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 100_000, max_events: 200_000, max_documents: 1 },
        alias_limits: limits,
        with_snippet: false,
    }
}

/// Errors unless the path stays in the folder.
fn check_inside(file: &str) -> Result<(), ModelError> {
    let is_name = |segment: &str| !segment.is_empty() && segment != "." && segment != "..";
    let is_plain = |character: char| !character.is_control() && !"\\:?".contains(character);
    if file.split('/').all(is_name) && file.chars().all(is_plain) {
        return Ok(());
    }
    Err(ModelError::Unsupported(format!(
        "MLmodel names the file `{}`, which is not the path of a file in its folder: log the model again",
        shown(file, 120)
    )))
}

fn no_flavour(flavours: &BTreeMap<String, Said>) -> ModelError {
    let mut names: Vec<String> = flavours
        .keys()
        .take(MOST_FLAVOURS)
        .map(|name| format!("`{}`", shown(name, 40)))
        .collect();
    if flavours.len() > names.len() {
        names.push("more".to_owned());
    }
    let names = match names.as_slice() {
        [] => "no flavours".to_owned(),
        names => format!("the flavours {} alone", names.join(", ")),
    };
    ModelError::Unsupported(format!(
        "MLmodel has {names}, and none of sklearn, xgboost and lightgbm, which are read here: log the model with mlflow.sklearn.log_model or its \
         likes, or have your own Python score it (spec.model.worker)"
    ))
}

/// The names of a signature's inputs; nothing where they have none.
fn names(inputs: &str) -> Result<Option<Vec<String>>, ModelError> {
    let inputs: Vec<Input> = serde_json::from_str(inputs)
        .map_err(|error| malformed(&format!("the `inputs` of its signature: {error}")))?;
    if inputs.len() > MOST_INPUTS {
        return Err(ModelError::TooLarge {
            what: "the signature of MLmodel".into(),
            limit: format!("{MOST_INPUTS} inputs"),
        });
    }
    let is_column = |input: &Input| input.kind != "tensor";
    if inputs.is_empty() || !inputs.iter().all(is_column) {
        return Ok(None);
    }
    Ok(inputs.into_iter().map(|input| input.name).collect())
}

fn malformed(problem: &str) -> ModelError {
    ModelError::Malformed {
        format: "MLmodel",
        problem: problem.to_owned(),
    }
}
