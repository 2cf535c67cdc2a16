//! A sensor's model, fitted to the run's columns.

use crate::ledger::{Engine, ModelSummary, Warning, WarningReason};
use crate::models::{self, Model, Names};
use fleetscore_crds::{Failure, FailureReason};

/// Names that a message lists.
const NAMES: usize = 12;

/// A model that can score the run's readings.
#[derive(Debug)]
pub struct SensorModel {
    /// The model, for rows that hold the run's columns in the order listed.
    pub model: Model,
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
        let columns_are = Names::of(&model, columns);
        let names = model.origin.feature_names.as_deref().unwrap_or_default();
        let both = || {
            format!(
                "{place}: the model was trained on {}, but spec.input.columns.features lists {}",
                list(names),
                list(columns)
            )
        };
        let order = match columns_are {
            Names::AsListed => None,
            Names::Reordered(order) => {
                let message = format!(
                    "{}: the readings are put into the model's order; list the columns in that order and this warning goes away",
                    both()
                );
                warn(WarningReason::FeaturesReordered, message);
                Some(order)
            }
            Names::Renamed => {
                let message = format!(
                    "{}: they are taken in the order listed; check that they are the same quantities in the same order and units",
                    both()
                );
                warn(WarningReason::FeaturesRenamed, message);
                None
            }
            Names::ListedOtherwise(beside) => {
                let name_it = if beside.within || beside.texts.len() != columns.len() {
                    ""
                } else {
                    ", or name that list in spec.model.bundle.features"
                };
                return Err(mismatch(format!(
                    "{place}: {} beside the model lists {}, but spec.input.columns.features lists {}: if the model was trained in that order, \
                     list the columns so{name_it}; if not, save the model without it",
                    beside.key,
                    list(&beside.texts),
                    list(columns)
                )));
            }
            Names::Mixed(absent) if absent.is_empty() => {
                let message = format!(
                    "{}: a name is there twice, so that the order cannot be told; list the columns in the model's order",
                    both()
                );
                return Err(mismatch(message));
            }
            Names::Mixed(absent) => {
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
                           original model; where labels must be exact, use a file of double precision, such as scikit-learn's pickle";
            warn(WarningReason::SinglePrecision, message.to_owned());
        }
        if let Some(left) = threshold_left_out(&model) {
            let message = format!(
                "{place}: beside the model lies {left}, which is left out: labels are those of scikit-learn's predict(); the score is in \
                 the predictions, for a threshold of your own"
            );
            warn(WarningReason::ThresholdLeftOut, message);
        }
        let model = match order {
            None => model,
            Some(order) => {
                let in_order = model.in_order(order);
                in_order.map_err(|error| mismatch(format!("{place}: {error}")))?
            }
        };
        Ok(Self { model, warnings })
    }

    /// What the ledger says of it.
    pub fn summary(&self) -> ModelSummary {
        ModelSummary {
            class: self.model.estimator.name().to_owned(),
            producer: self.model.origin.producer.clone(),
            engine: Engine::Native,
            output: self.model.meaning.kind(),
        }
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        let warnings = self.warnings.iter().map(|warning| warning.message.len());
        self.model.bytes() + warnings.sum::<usize>()
    }
}

/// The failure of a model that is not one for the run.
pub(super) fn mismatch(message: String) -> Failure {
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
