//! scikit-learn's estimators, from whatever file describes them, as a [`Model`].

mod estimator;
mod pipeline;
mod scaler;
mod svm;

use fleetscore_crds::ModelFormat;

use super::{joblib, limits, pickle};
use crate::models::{Model, ModelError};

pub use pipeline::to_model;

/// Reads a pickle or joblib file, compressed or not.
pub fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    match joblib::Compression::recognise(bytes) {
        Some(compression) => {
            read_pickle(&compression.decompress(bytes, limits::DECOMPRESSED_BYTES)?)
        }
        None => read_pickle(bytes),
    }
}

fn read_pickle(bytes: &[u8]) -> Result<Model, ModelError> {
    if !pickle::recognise(bytes) {
        let problem = "it does not start with protocol 2 to 5; save the model again with pickle.dump or joblib.dump";
        return Err(ModelError::Malformed {
            format: "pickle",
            problem: problem.into(),
        });
    }
    let (heap, value) = pickle::load(bytes)?;
    to_model(&heap, value, ModelFormat::Sklearn)
}
