use super::estimator::Estimator;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Value;
use crate::models::transforms::Columns;
use crate::models::{ModelError, Transform};

/// Reads a fitted `SimpleImputer` that leaves every finite reading as it is: readings that are missing or not finite are never
/// scored. See scikit-learn's `impute/_base.py`.
pub fn read(imputer: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let refused = |problem: &str| {
        Err(ModelError::Unsupported(format!(
            "SimpleImputer {problem}; train again without it, or with SimpleImputer() on data where no feature is always missing"
        )))
    };
    match imputer.get("missing_values") {
        None => {}
        Some(Value::Float(missing)) if missing.is_nan() => {}
        Some(Value::Float(missing)) => {
            return refused(&format!(
                "takes the number {missing} for missing (missing_values)"
            ));
        }
        Some(Value::Int(missing)) => {
            return refused(&format!(
                "takes the number {missing} for missing (missing_values)"
            ));
        }
        Some(_) => {
            return refused("has `missing_values` that are neither NaN nor None");
        }
    }
    if imputer.flag("add_indicator", false)? {
        return refused("adds features that say what is missing (add_indicator=True)");
    }
    let statistics = imputer.array("statistics_", meter)?.values;
    if let Some(at) = statistics.iter().position(|value| !value.is_finite()) {
        return refused(&format!(
            "leaves out feature {} of {}, which had no value in the training data",
            at + 1,
            statistics.len()
        ));
    }
    let all = (0..statistics.len()).collect();
    Columns::new(statistics.len(), all).map(Transform::Columns)
}
