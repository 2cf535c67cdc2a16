//! Boosted trees of `GradientBoostingClassifier` and `GradientBoostingRegressor`.

use super::estimator::{Estimator, quoted};
use super::tree::Nodes;
use super::version::Version;
use super::{labels, tree};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Array, Class, Value};
use crate::models::trees::{Boosted, Ensemble, Grown, Link};
use crate::models::{self, ModelError};

/// Up to here the sums of several classes start at their shares.
const PLAIN_SHARES: Version = Version(0, 20);
/// From here on they start at logarithms about their mean, and labels follow from the sums.
const NEW_LOSSES: Version = Version(1, 4);
/// Shares closer to 0 or 1 are cut off, by versions differently.
const RARE: f64 = 1.2e-7;

/// Reads fitted boosted trees: what `predict` and `predict_proba` use.
pub fn read(
    boosted: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let version = Version::of(boosted)?;
    let features = tree::features(boosted)?;
    let labels = (boosted.class == Class::GradientBoostingClassifier)
        .then(|| labels::read(boosted, meter))
        .transpose()?;
    let twice = boosted.text("loss")? == "exponential";
    let link = match labels.as_ref().map(|labels| labels.len()) {
        None => Link::Identity,
        Some(2) => match (version >= NEW_LOSSES, twice) {
            (true, false) => Link::FromZero,
            (true, true) => Link::FromZeroTwice,
            (false, false) => Link::LargerShare,
            (false, true) => Link::LargerShareTwice,
        },
        Some(_) if version >= NEW_LOSSES => Link::LargestSum,
        Some(_) => Link::LargestShare,
    };
    let sums = match labels.as_ref().map_or(1, |labels| labels.len()) {
        2 => 1,
        classes => classes,
    };
    let rate = boosted.number("learning_rate", meter)?;
    let estimators = boosted.any_array("estimators_")?;
    let items = items(boosted, estimators, sums, meter)?;
    let mut trees = vec![Ensemble::default(); sums];
    for (at, &estimator) in items.iter().enumerate() {
        let estimator = boosted.part("estimators_", estimator, Class::DecisionTreeRegressor)?;
        let (splits, values) = tree_of(&estimator, rate, meter)?;
        let known = |feature: u32| Some(feature).filter(|it| (*it as usize) < features);
        let Some(trees) = trees.get_mut(at % sums) else {
            continue;
        };
        let added = trees.add_rows(&splits, &values, known);
        added.map_err(|problem| tree::invalid(boosted, &format!("tree {at} {problem}")))?;
    }
    let start = start(boosted, version, sums, labels.is_some(), twice, meter)?;
    let made = Boosted::new(Grown::Single(trees), features, start, link, labels);
    let made = made.map_err(|problem| tree::invalid(boosted, &problem))?;
    Ok(models::Estimator::Boosted(made))
}

/// The trees, those of one stage after the other. skops has a list for each stage.
fn items(
    boosted: &Estimator<'_, '_>,
    estimators: &Array<'_>,
    sums: usize,
    meter: &mut Meter<'_>,
) -> Result<Vec<Value>, ModelError> {
    let heap = boosted.heap();
    let mut items = Vec::new();
    for item in estimators.items(heap).unwrap_or_default() {
        let stage = heap
            .sequence(*item)
            .unwrap_or_else(|| std::slice::from_ref(item));
        tree::check_count(boosted, items.len().saturating_add(stage.len()))?;
        meter.grow::<Value>(stage.len())?;
        items.extend(stage);
    }
    if items.is_empty() || !items.len().is_multiple_of(sums) {
        return Err(tree::invalid(
            boosted,
            &format!("it has {} trees, and {sums} a stage", items.len()),
        ));
    }
    Ok(items)
}

/// The nodes of a tree, and what each adds to the sum.
fn tree_of(
    estimator: &Estimator<'_, '_>,
    rate: f64,
    meter: &mut Meter<'_>,
) -> Result<(Vec<models::trees::Split>, Vec<f64>), ModelError> {
    let tree = estimator.part("tree_", estimator.required("tree_")?, Class::Tree)?;
    let nodes = Nodes::of(&tree, meter)?;
    meter.go_on()?;
    meter.take(nodes.len().saturating_mul(3 * Ensemble::<f32>::NODE_BYTES))?;
    let values = tree.array("values", meter)?;
    if values.shape != [nodes.len(), 1, 1] {
        return Err(ModelError::unfit(format!(
            "`values` of a Tree of {} nodes has the shape {:?}",
            nodes.len(),
            values.shape
        )));
    }
    let mut values = values.values;
    values.iter_mut().for_each(|value| *value *= rate);
    Ok((nodes.into_splits(), values))
}

/// Where the sums start: what `init_` makes of any reading.
fn start(
    boosted: &Estimator<'_, '_>,
    version: Version,
    sums: usize,
    classifies: bool,
    twice: bool,
    meter: &mut Meter<'_>,
) -> Result<Vec<f64>, ModelError> {
    let value = boosted.required("init_")?;
    if boosted.heap().text(value) == Some("zero") {
        return Ok(vec![0.0; sums]);
    }
    let Some(init) = Estimator::new(boosted.heap(), value)? else {
        return Err(other_start(boosted, "another object"));
    };
    let mut number = |name| Ok(vec![init.number(name, meter)?]);
    match (init.class, classifies) {
        (Class::ZeroEstimator, _) => Ok(vec![0.0; sums]),
        (Class::MeanEstimator, false) => number("mean"),
        (Class::QuantileEstimator, false) => number("quantile"),
        (Class::DummyRegressor, false) => number("constant_"),
        (Class::LogOddsEstimator, true) if sums == 1 => number("prior"),
        (Class::PriorEstimator, true) => Ok(init.array("priors", meter)?.values),
        (Class::DummyClassifier, true) => {
            let shares = init.array("class_prior_", meter)?.values;
            let strategy = init.text("strategy")?;
            if strategy != "prior" {
                return Err(other_start(
                    boosted,
                    &format!("a DummyClassifier with the strategy {}", quoted(strategy)),
                ));
            }
            let rare = |share: &f64| !(RARE..=1.0 - RARE).contains(share);
            if shares.iter().any(rare) {
                return Err(tree::invalid(boosted, "a class of `init_` is too rare"));
            }
            from_shares(&shares, version, sums, twice)
                .ok_or_else(|| tree::invalid(boosted, "`class_prior_` has not a share a class"))
        }
        (class, _) => Err(other_start(boosted, class.name())),
    }
}

/// What the shares of the classes become, by version.
fn from_shares(shares: &[f64], version: Version, sums: usize, twice: bool) -> Option<Vec<f64>> {
    match *shares {
        [_, second] if sums == 1 => {
            let odds = if version >= NEW_LOSSES {
                logit(second)
            } else {
                (second / (1.0 - second)).ln()
            };
            Some(vec![if twice { 0.5 * odds } else { odds }])
        }
        _ if shares.len() != sums => None,
        _ if version <= PLAIN_SHARES => Some(shares.to_vec()),
        _ if version < NEW_LOSSES => Some(shares.iter().map(|share| share.ln()).collect()),
        _ => {
            let logarithms = shares.iter().map(|share| share.ln());
            let mean = (logarithms.sum::<f64>() / shares.len() as f64).exp();
            Some(shares.iter().map(|share| (share / mean).ln()).collect())
        }
    }
}

/// scipy's logit.
fn logit(share: f64) -> f64 {
    if (0.3..=0.65).contains(&share) {
        let double = 2.0 * (share - 0.5);
        double.ln_1p() - (-double).ln_1p()
    } else {
        (share / (1.0 - share)).ln()
    }
}

fn other_start(boosted: &Estimator<'_, '_>, what: &str) -> ModelError {
    ModelError::Unsupported(format!(
        "{} starts from {what} (`init`): fit it without, or with init='zero'",
        boosted.class.name()
    ))
}
