use fleetscore_crds::{Columns, ManifestMetadata, ReadingFormat, Window};
use serde::{Deserialize, Serialize};

use super::{Gamma, Settings};

/// The file `train.yaml`: what to train on, and how. Unknown fields are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Training {
    /// `scoring.fleetscore.io/v1alpha1`.
    pub api_version: String,
    /// `Training`.
    pub kind: TrainingKind,
    /// Name, labels and the like.
    pub metadata: ManifestMetadata,
    /// What is asked for.
    pub spec: TrainingSpec,
}

/// The kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrainingKind {
    /// The only one.
    Training,
}

/// What to train on, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrainingSpec {
    /// The history.
    pub data: DataSpec,
    /// Only readings in the half-open interval `[start, end)` are used. Without it: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The models.
    pub model: TrainingModel,
}

/// Where the history is and what its columns mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataSpec {
    /// A file, or a folder: every file in it and below it that has the format. Relative to the document's folder.
    pub location: String,
    /// Format of the files.
    #[serde(default)]
    pub format: ReadingFormat,
    /// The columns, as a `ScoringRun`'s `input.columns`. With `label`, readings labelled as anomalies are left out.
    pub columns: Columns,
}

/// Where the models go and how they are fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrainingModel {
    /// Path of a sensor's model, with placeholders for its keys: `models/model_{device}_{tag}.fsm`. Relative to the
    /// document's folder.
    pub location: String,
    /// What every reading goes through first.
    #[serde(default)]
    pub scaler: ScalerKind,
    /// About this share of the history is outside of the boundary, and at least this share are support vectors; in (0, 1].
    #[serde(default = "nu")]
    pub nu: f64,
    /// The width of the kernel.
    #[serde(default)]
    pub gamma: Gamma,
    /// Of a longer history, so many readings, evenly spaced, are used: time grows with the square, memory too.
    #[serde(default = "max_rows")]
    pub max_rows: usize,
    /// The solver stops when no pair of readings breaks the optimality conditions by more; as scikit-learn's `tol`.
    #[serde(default = "tolerance")]
    pub tolerance: f64,
}

/// A scaler of scikit-learn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum ScalerKind {
    /// Mean 0, standard deviation 1: `StandardScaler`
    #[default]
    Standard,
    /// From 0 to 1: `MinMaxScaler`
    MinMax,
    /// Median 0, distance between the quartiles 1: `RobustScaler`
    Robust,
    /// As it is
    None,
}

/// The default of `nu`.
pub(super) fn nu() -> f64 {
    Settings::default().nu
}

/// The default of `maxRows`.
pub(super) fn max_rows() -> usize {
    1000
}

/// The default of `tolerance`.
pub(super) fn tolerance() -> f64 {
    Settings::default().tolerance
}
