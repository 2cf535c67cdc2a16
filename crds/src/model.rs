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
