//! XGBoost's models within scikit-learn's pickles.

use super::estimator::Estimator;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Value};
use crate::models::formats::xgboost;
use crate::models::{self, ModelError};

/// Reads a fitted wrapper or a `Booster`. A wrapper predicts with the trees up to its best iteration, a `Booster` with all.
pub fn read(
    model: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    if model.class == Class::Booster {
        return xgboost::read_handle(model.bytes("handle")?, false, meter);
    }
    if let Some(missing) = model.get("missing")
        && !matches!(missing, Value::Float(number) if number.is_nan())
    {
        return Err(ModelError::Unsupported(format!(
            "{} with a number as `missing`, which it takes for no number: readings are never missing here; train with missing=numpy.nan",
            model.class.name()
        )));
    }
    let booster = model.part("_Booster", model.required("_Booster")?, Class::Booster)?;
    let estimator = xgboost::read_handle(booster.bytes("handle")?, true, meter)?;
    let is_classifier = model.class == Class::XgbClassifier;
    if is_classifier == (estimator.meaning() == models::Meaning::Value) {
        return Err(ModelError::Unsupported(format!(
            "{} with an objective of another kind: train with an objective that fits, or with none",
            model.class.name()
        )));
    }
    Ok(estimator)
}
