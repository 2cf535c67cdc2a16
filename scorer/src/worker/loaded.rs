use std::sync::Arc;

use fleetscore_crds::{Failure, FailureReason, ModelSpec};

use super::session::LoadedModel;
use crate::models::Meaning;

/// A model that Python has loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What Python calls it.
    pub name: String,
    /// What the numbers mean that come back.
    pub meaning: Meaning,
}

impl Loaded {
    /// What `spec` makes of the model that Python has told of.
    ///
    /// Errors when its classes cannot be told apart, or are not what `spec` asks for.
    pub(super) fn new(spec: &ModelSpec, told: LoadedModel) -> Result<Self, Failure> {
        let LoadedModel { name, labels, .. } = told;
        if let Some(labels) = &labels {
            let checked = labels.check();
            checked.map_err(|problem| {
                model_failed(format!("the classes of {name} cannot be used: {problem}"))
            })?;
        }
        let meaning = Meaning::of_python(spec, &name, labels.map(Arc::new).as_ref());
        let meaning = meaning.map_err(|error| Failure {
            reason: FailureReason::ModelMismatch,
            message: error.to_string(),
        })?;
        Ok(Self { name, meaning })
    }
}

pub(super) fn model_failed(message: String) -> Failure {
    Failure {
        reason: FailureReason::ModelFailed,
        message,
    }
}
