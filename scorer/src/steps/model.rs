//! A sensor's model, fitted to the run's columns.

use crate::ledger::{Warning, WarningReason};
use crate::models::{self, Columns, Model};
use fleetscore_crds::{Failure, FailureReason};

/// Names that a message lists.
const NAMES: usize = 12;

/// A model that can score the run's readings.
#[derive(Debug)]
pub struct SensorModel {
    /// The model.
    pub model: Model,
    /// The position of each feature's column, where the columns are in another order than the model's features.
    order: Option<Vec<usize>>,
    /// What a user should know of it, whatever the readings are.
    pub warnings: Vec<Warning>,
}

impl SensorModel {
    /// Compares a model's features with the columns that the run reads for them.
    ///
    /// Errors when they are not the same features; `place` is where the model lies, for messages.
    pub fn fit(place: &str, model: Model, columns: &[String]) -> Result<Self, Failure> {
        let count = model.features;
        if count != columns.len() {
            return Err(mismatch(format!(
                "{place}: the model has {count} features{}, but spec.input.columns.features lists {} ({}); list the model's features in \
                 its order",
                trained_on(&model),
                columns.len(),
                list(columns)
            )));
        }
        let mut warnings = Vec::new();
        let mut warn = |reason, message: String| warnings.push(Warning { reason, message });
        let columns_are = Columns::of(&model, columns);
        let names = model.origin.feature_names.as_deref().unwrap_or_default();
        let both = || {
            format!(
                "{place}: the model was trained on {}, but spec.input.columns.features lists {}",
                list(names),
                list(columns)
            )
        };
        let order = match columns_are {
            Columns::AsListed => None,
            Columns::Reordered(order) => {
                let message = format!(
                    "{}: the readings are put into the model's order; list the columns in that order and this warning goes away",
                    both()
                );
                warn(WarningReason::FeaturesReordered, message);
                Some(order)
            }
            Columns::Renamed => {
                let message = format!(
                    "{}: they are taken in the order listed; check that they are the same quantities in the same order and units",
                    both()
                );
                warn(WarningReason::FeaturesRenamed, message);
                None
            }
            Columns::Mixed(absent) if absent.is_empty() => {
                let message = format!(
                    "{}: a name is there twice, so that the order cannot be told; list the columns in the model's order",
                    both()
                );
                return Err(mismatch(message));
            }
            Columns::Mixed(absent) => {
                let message = format!(
                    "{}: no column is named {}; list the columns that the model was trained on, or train it again",
                    both(),
                    list(&absent)
                );
                return Err(mismatch(message));
            }
        };
        if model.origin.single_precision {
            let message = "the model file holds single precision: readings close to the boundary may get another label than from the \
                           original model; use the pickle, joblib or skops file where labels must be exact";
            warn(WarningReason::SinglePrecision, message.to_owned());
        }
        if let Some(left) = threshold_left_out(&model) {
            let message = format!(
                "{place}: beside the model lies {left}, which is left out: labels are those of scikit-learn's predict(), anomaly where the \
                 score is not above 0; the score is in the predictions, for a threshold of your own"
            );
            warn(WarningReason::ThresholdLeftOut, message);
        }
        Ok(Self {
            model,
            order,
            warnings,
        })
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        let order = self
            .order
            .as_ref()
            .map_or(0, |order| size_of_val(order.as_slice()));
        let warnings = self.warnings.iter().map(|warning| warning.message.len());
        self.model.bytes() + order + warnings.sum::<usize>()
    }

    /// The decision function of rows that hold the run's columns in the order listed; see [`Model::decisions`].
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64]) {
        match &self.order {
            None => self.model.decisions(rows, scores),
            Some(order) => self.model.decisions_in_order(order, rows, scores),
        }
    }
}

fn mismatch(message: String) -> Failure {
    Failure {
        reason: FailureReason::ModelMismatch,
        message,
    }
}

/// What of a dict with a model in it seems to be a threshold for its scores.
fn threshold_left_out(model: &Model) -> Option<&str> {
    let parts = model.origin.parts.as_ref()?;
    let is_threshold = |name: &&String| {
        let name = name.to_lowercase();
        let words = [
            "thresh",
            "cutoff",
            "cut_off",
            "offset",
            "percentile",
            "quantile",
        ];
        words.iter().any(|word| name.contains(word))
    };
    parts.left.iter().find(is_threshold).map(String::as_str)
}

fn trained_on(model: &Model) -> String {
    match &model.origin.feature_names {
        Some(names) => format!(" ({})", list(names)),
        None => String::new(),
    }
}

/// Names in quotes, the first of many.
fn list(names: &[String]) -> String {
    let mut text: Vec<String> = names
        .iter()
        .take(NAMES)
        .map(|name| format!("`{}`", models::shown(name, 80)))
        .collect();
    if let Some(more) = names.len().checked_sub(NAMES).filter(|more| *more > 0) {
        text.push(format!("{more} more"));
    }
    text.join(", ")
}
