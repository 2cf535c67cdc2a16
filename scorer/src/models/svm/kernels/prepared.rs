use std::fmt;
use std::sync::OnceLock;

use super::dispatch::score_by;
use super::form::Form;
use super::scores::Task;
use crate::models::path::Path;
use crate::models::svm::OneClassSvm;

/// What a model is turned into to be scored fast, from its first scores on. It is no part of what the model is: models are equal
/// without it, and a copy makes its own.
#[derive(Default)]
pub(in crate::models::svm) struct Prepared(OnceLock<Box<Form>>);

impl Prepared {
    /// Writes the score of each row of d unscaled numbers, or NaN where the reference has to decide.
    ///
    /// `model` is the one that this belongs to, as it was at the first call.
    pub fn score(&self, model: &OneClassSvm, path: Path, rows: &[f64], scores: &mut [f64]) {
        let form = self.0.get_or_init(|| Box::new(Form::of(model)));
        score_by(path, &Task { model, form, rows }, scores);
    }
}

impl Clone for Prepared {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Prepared")
    }
}
