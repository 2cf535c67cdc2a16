use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the models are and how to read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// URL of a sensor's model, with placeholders for its keys: `az://models/model_{device}_{tag}`.
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
    /// Recognised from the file's first bytes.
    #[default]
    Auto,
    /// A scikit-learn pickle or joblib file, compressed or not. Nothing in it is executed.
    Sklearn,
    /// A skops archive.
    Skops,
    /// An ONNX-ML graph as skl2onnx writes it (single precision).
    Onnx,
    /// libsvm's text format.
    Libsvm,
    /// Fleetscore's own packed format.
    Native,
}
