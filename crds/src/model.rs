use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::WorkerSpec;

/// Where the models are, how to read them, and what their numbers mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::model()))]
pub struct ModelSpec {
    /// URL of a sensor's model, with placeholders for its keys: `az://models/model_{device}_{tag}`. One that ends in `/MLmodel` means
    /// the folder that MLflow has written there.
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::location()))]
    pub location: String,
    /// Format of the model files.
    #[serde(default)]
    pub format: ModelFormat,
    /// URL of a fitted scikit-learn transformer that readings go through before the model, where it is a file of its own; with or
    /// without placeholders: `az://models/scaler_{device}.pkl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = crate::rules::location()))]
    pub scaler: Option<String>,
    /// What to take of model files that hold a dict, tuple or list. Absent: its only model, transformer and list of names; a file
    /// that leaves a choice is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<ModelBundle>,
    /// What the models' numbers mean. Models of another kind fail their sensors.
    #[serde(default, skip_serializing_if = "ModelOutput::is_auto")]
    pub output: ModelOutput,
    /// Labels of a classifier that mean an anomaly. Empty: 1 of the labels 0 and 1, -1 of -1 and 1, and none of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub anomaly_classes: Vec<String>,
    /// The border of detectors that have none of their own: Score is the likelihood less the threshold, or the threshold less the distance or
    /// the error; what lies below 0 is an anomaly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Makes a detector of a regressor: a reading is an anomaly where its target lies too far from what the model expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<Residual>,
    /// Scores models in Python, those that Fleetscore does not read itself. Absent: such a model's sensor fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerSpec>,
}

/// What the numbers of a model mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ModelOutput {
    /// What models of its kind say.
    #[default]
    Auto,
    /// A score with a border between anomalies and others, as of detectors.
    Anomaly,
    /// One of several labels, as of classifiers.
    Class,
    /// A number, as of regressors.
    Value,
}

impl ModelOutput {
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// How a regressor's values become scores: Score is the threshold less the distance between target and value, and an anomaly is below 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// The column of the readings that the model expects; none of the features.
    #[schemars(length(min = 1, max = 256))]
    pub target: String,
    /// The largest distance that is no anomaly, in the target's unit.
    #[schemars(range(min = 0))]
    pub threshold: f64,
}

/// Keys of a dict, or positions in a tuple or list, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelBundle {
    /// The estimator, or a pipeline that ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub model: Option<String>,
    /// The transformer that readings go through first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub scaler: Option<String>,
    /// The list of the features' names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub features: Option<String>,
}

/// How a model file is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ModelFormat {
    /// Recognised from the file's first bytes; a location that ends in `/MLmodel`, by that name.
    #[default]
    Auto,
    /// A scikit-learn pickle or joblib file, compressed or not. Nothing in it is executed.
    Sklearn,
    /// A skops archive.
    Skops,
    /// An ONNX graph: a one-class SVM, or a small network.
    Onnx,
    /// libsvm's text format.
    Libsvm,
    /// Fleetscore's own packed format.
    Native,
    /// A folder of MLflow with a scikit-learn flavour; the location ends in `/MLmodel`.
    Mlflow,
    /// XGBoost's JSON or UBJSON.
    Xgboost,
    /// LightGBM's text.
    Lightgbm,
}
