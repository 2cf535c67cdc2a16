//! Boosted trees of `HistGradientBoostingClassifier` and `HistGradientBoostingRegressor`.

use super::estimator::{Estimator, quoted};
use super::version::Version;
use super::{labels, tree};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Structures, Value};
use crate::models::trees::{Boosted, Ensemble, Grown, Link, Split};
use crate::models::{self, ModelError};

/// From here on labels follow from the sums.
const FROM_SUMS: Version = Version(1, 5);

/// Reads fitted boosted trees: what `predict` and `predict_proba` use.
pub fn read(
    boosted: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let version = Version::of(boosted)?;
    if version < Version(1, 0) {
        return Err(ModelError::Unsupported(format!(
            "{} of scikit-learn before 1.0, where it was an experiment: fit it with a later one",
            boosted.class.name()
        )));
    }
    if boosted.get("_preprocessor").is_some() {
        return Err(categories(boosted));
    }
    let features = boosted.count("n_features_in_")?;
    let labels = (boosted.class == Class::HistGradientBoostingClassifier)
        .then(|| labels::read(boosted, meter))
        .transpose()?;
    let link = match labels.as_ref().map(|labels| labels.len()) {
        None => of_loss(boosted)?,
        Some(2) if version >= FROM_SUMS => Link::AboveZero,
        Some(2) => Link::LargerShare,
        Some(_) if version >= FROM_SUMS => Link::LargestSum,
        Some(_) => Link::LargestShare,
    };
    let sums = boosted.count("n_trees_per_iteration_")?;
    let stages = boosted.list("_predictors")?;
    tree::check_count(boosted, stages.len().saturating_mul(sums.max(1)))?;
    let start = match boosted.required("_baseline_prediction")? {
        Value::Float(_) | Value::Int(_) => vec![boosted.number("_baseline_prediction", meter)?],
        _ => boosted.array("_baseline_prediction", meter)?.values,
    };
    if start.len() != sums {
        return Err(tree::invalid(
            boosted,
            &format!(
                "`_baseline_prediction` has {} numbers, not {sums}",
                start.len()
            ),
        ));
    }
    let mut trees: Vec<Ensemble<f64>> = vec![Ensemble::default(); sums];
    for (at, &stage) in stages.iter().enumerate() {
        let predictors = boosted.heap().sequence(stage).unwrap_or_default();
        if predictors.len() != sums {
            return Err(tree::invalid(
                boosted,
                &format!("stage {at} has {} trees, not {sums}", predictors.len()),
            ));
        }
        for (trees, &predictor) in trees.iter_mut().zip(predictors) {
            meter.go_on()?;
            let predictor = boosted.part("_predictors", predictor, Class::TreePredictor)?;
            let splits = splits(boosted, &predictor, meter)?;
            let known = |feature: u32| Some(feature).filter(|it| (*it as usize) < features);
            let added = trees.add(&splits, known);
            added.map_err(|problem| tree::invalid(boosted, &format!("stage {at} {problem}")))?;
        }
    }
    let made = Boosted::new(Grown::Double(trees), features, start, link, labels);
    let made = made.map_err(|problem| tree::invalid(boosted, &problem))?;
    Ok(models::Estimator::Boosted(made))
}

/// What values are of sums.
fn of_loss(boosted: &Estimator<'_, '_>) -> Result<Link, ModelError> {
    match boosted.text("loss")? {
        "squared_error"
        | "least_squares"
        | "absolute_error"
        | "least_absolute_deviation"
        | "quantile" => Ok(Link::Identity),
        "poisson" | "gamma" => Ok(Link::Exponential),
        other => Err(ModelError::Unsupported(format!(
            "{} with the loss {}: fit it with one that scikit-learn documents",
            boosted.class.name(),
            quoted(other)
        ))),
    }
}

fn splits(
    boosted: &Estimator<'_, '_>,
    predictor: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<Vec<Split>, ModelError> {
    const NAME: &str = "nodes";
    let nodes = Structures::new(predictor.heap(), predictor.any_array(NAME)?, NAME)?;
    meter.take(
        nodes
            .len()
            .saturating_mul(size_of::<Split>() + 3 * Ensemble::<f64>::NODE_BYTES),
    )?;
    let fields = [
        "left",
        "right",
        "feature_idx",
        "num_threshold",
        "is_leaf",
        "value",
        "is_categorical",
    ];
    let mut splits = Vec::with_capacity(nodes.len());
    for (
        at,
        [
            left,
            right,
            feature,
            threshold,
            is_leaf,
            value,
            is_categorical,
        ],
    ) in nodes.numbers(fields, meter)?.enumerate()
    {
        if is_categorical != 0.0 {
            return Err(categories(boosted));
        }
        let split = tree::node(is_leaf != 0.0, [left, right], feature, threshold);
        let Some(split) = split else {
            return Err(tree::invalid(
                boosted,
                &format!(
                    "node {at} has the children {left} and {right} and the feature {feature}, which are no positions"
                ),
            ));
        };
        splits.push(Split { value, ..split });
    }
    Ok(splits)
}

fn categories(boosted: &Estimator<'_, '_>) -> ModelError {
    ModelError::Unsupported(format!(
        "{} with categorical features, and readings are numbers here: fit it without",
        boosted.class.name()
    ))
}
