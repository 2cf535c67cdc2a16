//! Detectors of PyOD that hold one of scikit-learn's.

use super::estimator::Estimator;
use super::{forest, svm};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Value};
use crate::models::{self, ModelError};

/// Reads a fitted `IForest`: its score is the forest's decision function with the other sign, and an anomaly above `threshold_`.
pub fn read_forest(
    detector: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let border = border(detector, meter)?;
    match forest::read(&inside(detector)?, meter)? {
        models::Estimator::IsolationForest(forest) => {
            let forest = forest.with_threshold(border).map_err(ModelError::unfit)?;
            Ok(models::Estimator::IsolationForest(forest))
        }
        other => Ok(other),
    }
}

/// Reads a fitted `OCSVM`, the same with a one-class SVM.
pub fn read_svm(
    detector: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let border = border(detector, meter)?;
    match svm::read(&inside(detector)?, meter)? {
        models::Estimator::OneClassSvm(svm) => {
            Ok(models::Estimator::OneClassSvm(svm.with_threshold(border)?))
        }
        other => Ok(other),
    }
}

/// The estimator of scikit-learn's inside.
///
/// Errors when there is none, or `detector` is not of PyOD.
pub fn inside<'h, 'a>(detector: &Estimator<'h, 'a>) -> Result<Estimator<'h, 'a>, ModelError> {
    let class = match detector.class {
        Class::PyodForest => Class::IsolationForest,
        _ => Class::OneClassSvm,
    };
    detector.part("detector_", detector.required("detector_")?, class)
}

/// The decision function below which a reading is an anomaly.
fn border(detector: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<f64, ModelError> {
    let contamination = detector.required("contamination")?;
    if !matches!(contamination, Value::Float(_) | Value::Int(_)) {
        // An object of PyThresh's, which has a rule of its own.
        return Err(detector.unexpected("contamination", "a number", contamination));
    }
    Ok(-detector.number("threshold_", meter)?)
}
