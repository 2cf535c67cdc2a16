//! scikit-learn's estimators, from whatever file describes them, as a [`Model`].

mod bundle;
mod estimator;
mod imputer;
mod pipeline;
mod scaler;
mod svm;

use fleetscore_crds::ModelFormat;

use super::limits::Meter;
use super::{joblib, pickle};
use crate::models::{Model, ModelError};

pub use pipeline::to_model;

/// Reads a pickle or joblib file, compressed or not.
pub fn read(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    match joblib::Compression::recognise(bytes) {
        Some(_) => read_pickle(&joblib::decompress(bytes, meter)?, meter),
        None => read_pickle(bytes, meter),
    }
}

fn read_pickle(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    if !pickle::recognise(bytes) {
        let problem = match super::strangers::recognise(bytes) {
            Some(what) => what.to_owned(),
            None => "it does not start with protocol 2 to 5; save the model again with pickle.dump or joblib.dump".to_owned(),
        };
        return Err(ModelError::Malformed {
            format: "pickle",
            problem,
        });
    }
    let (heap, value) = pickle::load(bytes, meter)?;
    to_model(&heap, value, ModelFormat::Sklearn, meter)
}
