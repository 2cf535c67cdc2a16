use fleetscore_crds::{Failure, ModelSpec};

use super::model::{SensorModel, mismatch};
use crate::ledger::Warning;

/// What scores a sensor's readings.
#[allow(
    clippy::large_enum_variant,
    reason = "of most fleets all are of one variant"
)]
pub enum Engine {
    /// This process, as they come.
    Native(SensorModel),
    /// Python, when all of them are there. What its numbers mean is known when it has loaded the model.
    Python,
}

impl Engine {
    /// Python, for the models of `spec`.
    ///
    /// Errors when it asks for what Python never does.
    pub fn python(spec: &ModelSpec) -> Result<Self, Failure> {
        match spec.threshold {
            None => Ok(Self::Python),
            Some(_) => Err(mismatch(
                "spec.model.threshold: Python returns scores with their border at 0; leave it out, or have the module of spec.model.worker \
                 return scores that mean it"
                    .to_owned(),
            )),
        }
    }

    /// Bytes of memory that it takes here.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Native(model) => model.bytes(),
            Self::Python => 0,
        }
    }

    /// What a user should know of it, whatever the readings are.
    pub fn warnings(self) -> Vec<Warning> {
        match self {
            Self::Native(model) => model.warnings,
            Self::Python => Vec::new(),
        }
    }
}
