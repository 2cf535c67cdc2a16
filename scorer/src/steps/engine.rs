use fleetscore_crds::{Failure, ModelOutput, ModelSpec};

use super::model::{SensorModel, mismatch};
use crate::ledger::{self, ModelSummary, Warning};
use crate::models::Meaning;

/// What scores a sensor's readings.
#[allow(
    clippy::large_enum_variant,
    reason = "of most fleets all are of one variant"
)]
pub enum Engine {
    /// This process, as they come.
    Native(SensorModel),
    /// Python, when all of them are there; what it returns means this.
    Python(Meaning),
}

impl Engine {
    /// Python with the meaning that `spec` gives its numbers.
    ///
    /// Errors when they cannot mean that.
    pub fn python(spec: &ModelSpec) -> Result<Self, Failure> {
        let refused = |field: &str, problem: &str| {
            mismatch(format!(
                "spec.model.{field}: {problem}; leave it out, or have the module of spec.model.worker return scores that mean it"
            ))
        };
        if spec.threshold.is_some() {
            return Err(refused(
                "threshold",
                "Python returns scores with their border at 0",
            ));
        }
        if !spec.anomaly_classes.is_empty() || spec.output == ModelOutput::Class {
            let field = if spec.anomaly_classes.is_empty() {
                "output"
            } else {
                "anomalyClasses"
            };
            return Err(refused(
                field,
                "Python returns scores or values, and no classes",
            ));
        }
        Ok(Self::Python(match (&spec.residual, spec.output) {
            (Some(residual), _) => Meaning::Residual {
                threshold: residual.threshold,
            },
            (None, ModelOutput::Value) => Meaning::Value,
            (None, _) => Meaning::Anomaly { at_zero: false },
        }))
    }

    /// What the numbers mean.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::Native(model) => model.model.meaning.clone(),
            Self::Python(meaning) => meaning.clone(),
        }
    }

    /// What the ledger says of the model.
    pub fn summary(&self) -> ModelSummary {
        let (class, producer, engine) = match self {
            Self::Native(SensorModel { model, .. }) => (
                model.estimator.name(),
                model.origin.producer.clone(),
                ledger::Engine::Native,
            ),
            Self::Python(_) => ("Python", None, ledger::Engine::Worker),
        };
        ModelSummary {
            class: class.to_owned(),
            producer,
            engine,
            output: self.meaning().kind(),
        }
    }

    /// Bytes of memory that it takes here.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Native(model) => model.bytes(),
            Self::Python(_) => 0,
        }
    }

    /// What a user should know of it, whatever the readings are.
    pub fn warnings(self) -> Vec<Warning> {
        match self {
            Self::Native(model) => model.warnings,
            Self::Python(_) => Vec::new(),
        }
    }
}
