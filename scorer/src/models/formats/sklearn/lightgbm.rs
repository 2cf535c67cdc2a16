//! LightGBM's models within scikit-learn's pickles.

use std::sync::Arc;

use super::estimator::Estimator;
use crate::models::formats::lightgbm;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Value};
use crate::models::{self, Labels, ModelError};

/// Whole numbers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a fitted wrapper or a `Booster`; both predict with the trees up to the best iteration, where there is one.
pub fn read(
    model: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    if model.class == Class::LightBooster {
        return of_booster(model, None, meter);
    }
    let booster = model.part("_Booster", model.required("_Booster")?, Class::LightBooster)?;
    let labels = match model.class {
        Class::LightClassifier => Some(Arc::new(labels(model, meter)?)),
        _ => None,
    };
    let is_classifier = labels.is_some();
    let estimator = of_booster(&booster, labels, meter)?;
    if is_classifier == (estimator.meaning() == models::Meaning::Value) {
        return Err(ModelError::Unsupported(format!(
            "{} with an objective of another kind: train with an objective that fits, or with none",
            model.class.name()
        )));
    }
    Ok(estimator)
}

fn of_booster(
    booster: &Estimator<'_, '_>,
    labels: Option<Arc<Labels>>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let text = std::str::from_utf8(booster.bytes("_handle")?);
    let text = text.map_err(|_| ModelError::unfit("`_handle` of a Booster is no text"))?;
    let best = match booster.get("best_iteration") {
        Some(Value::Int(best)) => usize::try_from(best).ok().filter(|best| *best > 0),
        _ => None,
    };
    lightgbm::read_text(text, best, labels, meter)
}

/// The classes: whole numbers or texts.
fn labels(model: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Labels, ModelError> {
    const NAME: &str = "_classes";
    let array = model.any_array(NAME)?;
    let count = array.count().unwrap_or(usize::MAX);
    if let Some(texts) = array.texts(model.heap(), count, meter)? {
        return checked(Labels::Texts(texts));
    }
    let integer = |number: f64| {
        let is_exact = number.fract() == 0.0 && number.abs() < EXACT;
        #[allow(clippy::cast_possible_truncation)] // A whole number within the range.
        is_exact.then_some(number as i64)
    };
    let numbers = model.array(NAME, meter)?.values;
    let integers: Option<Vec<i64>> = numbers.into_iter().map(integer).collect();
    checked(Labels::Integers(integers.ok_or_else(|| {
        ModelError::Unsupported(
            "a class of LGBMClassifier is no whole number and no text: fit it on labels that are"
                .into(),
        )
    })?))
}

fn checked(labels: Labels) -> Result<Labels, ModelError> {
    labels.check().map_err(ModelError::unfit)?;
    Ok(labels)
}
