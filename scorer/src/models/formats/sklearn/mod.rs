//! scikit-learn's estimators, from whatever file describes them, as a [`Model`].

mod approximation;
mod boosting;
mod bundle;
mod centres;
mod chain;
mod column_transformer;
mod elliptic;
mod estimator;
mod estimators;
mod forest;
mod function;
mod histograms;
mod imputer;
mod labels;
mod lightgbm;
mod linear;
mod mixture;
mod perceptron;
mod pipeline;
mod pyod;
mod reconstruction;
mod scaler;
mod steps;
mod svm;
mod transformers;
mod tree;
mod vectors;
mod version;
mod votes;
mod xgboost;

use fleetscore_crds::{ModelBundle, ModelFormat};

use super::limits::Meter;
use super::python::{Heap, Value};
use super::{joblib, pickle};
use crate::models::{Model, ModelError, Preparation};

pub use pipeline::{to_model, to_preparation};

/// Reads a pickle or joblib file, compressed or not.
pub fn read(
    bytes: &[u8],
    bundle: Option<&ModelBundle>,
    meter: &mut Meter<'_>,
) -> Result<Model, ModelError> {
    with_value(bytes, meter, |heap, value, meter| {
        to_model(heap, value, (ModelFormat::Sklearn, bundle), meter)
    })
}

/// Reads fitted transformers from a pickle or joblib file, compressed or not.
pub fn read_preparation(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Preparation, ModelError> {
    with_value(bytes, meter, to_preparation)
}

/// Makes something of the value that a file holds.
fn with_value<T>(
    bytes: &[u8],
    meter: &mut Meter<'_>,
    make: impl FnOnce(&Heap<'_>, Value, &mut Meter<'_>) -> Result<T, ModelError>,
) -> Result<T, ModelError> {
    let decompressed;
    let bytes = if joblib::Compression::recognise(bytes).is_some() {
        decompressed = joblib::decompress(bytes, meter)?;
        &decompressed
    } else {
        bytes
    };
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
    make(&heap, value, meter)
}
