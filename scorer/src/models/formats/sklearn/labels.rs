use std::sync::Arc;

use super::estimator::Estimator;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Value;
use crate::models::{Labels, ModelError};

/// Whole numbers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads the classes of a classifier: whole numbers, truths or texts.
///
/// Errors when there are several targets, or labels of another type.
pub fn read(
    classifier: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<Arc<Labels>, ModelError> {
    check_one_target(classifier)?;
    classes(classifier, meter)
}

/// The same, of a classifier that counts an output for each class.
pub fn classes(
    classifier: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<Arc<Labels>, ModelError> {
    const NAME: &str = "classes_";
    let array = classifier.any_array(NAME)?;
    let count = array.count().unwrap_or(usize::MAX);
    let labels = match array.texts(classifier.heap(), count, meter)? {
        Some(texts) => Labels::Texts(texts),
        None => Labels::Integers(integers(classifier, NAME, meter)?),
    };
    labels
        .check()
        .map_err(|problem| ModelError::unfit(format!("{}: {problem}", classifier.class.name())))?;
    Ok(Arc::new(labels))
}

/// Errors when a model was fitted on several targets at once.
pub fn check_one_target(model: &Estimator<'_, '_>) -> Result<(), ModelError> {
    match model.get("n_outputs_") {
        None | Some(Value::Int(1)) => Ok(()),
        Some(_) => Err(several_targets(model)),
    }
}

/// The refusal of a model of several targets.
pub fn several_targets(model: &Estimator<'_, '_>) -> ModelError {
    ModelError::Unsupported(format!(
        "{} was fitted on several targets at once: fit one model for each, on a target of one column",
        model.class.name()
    ))
}

fn integers(
    classifier: &Estimator<'_, '_>,
    name: &str,
    meter: &mut Meter<'_>,
) -> Result<Vec<i64>, ModelError> {
    let numbers = classifier.array(name, meter)?.values;
    #[allow(clippy::cast_possible_truncation)] // Checked to be a whole number within the range.
    let integer = |number: f64| {
        let is_exact = number.fract() == 0.0 && number.abs() < EXACT;
        is_exact.then_some(number as i64)
    };
    let labels: Option<Vec<i64>> = numbers.into_iter().map(integer).collect();
    labels.ok_or_else(|| {
        ModelError::Unsupported(format!(
            "a class of {} is no whole number and no text: fit it on labels that are",
            classifier.class.name()
        ))
    })
}
