//! Random forests, extra trees and decision trees.

use super::estimator::Estimator;
use super::tree::Nodes;
use super::version::Version;
use super::{labels, tree};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::trees::{Ensemble, Forest, ForestKind};
use crate::models::{self, ModelError};

/// From here on leaves hold shares of classes; before, their weights.
const SHARES: Version = Version(1, 3);

/// Reads a fitted forest of trees that vote, or one decision tree: what its `predict` and `predict_proba` use.
pub fn read(
    forest: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let (kind, classifies, of) = match forest.class {
        Class::RandomForestClassifier => (ForestKind::Random, true, Class::DecisionTreeClassifier),
        Class::RandomForestRegressor => (ForestKind::Random, false, Class::DecisionTreeRegressor),
        Class::ExtraTreesClassifier => (ForestKind::Extra, true, Class::ExtraTreeClassifier),
        Class::ExtraTreesRegressor => (ForestKind::Extra, false, Class::ExtraTreeRegressor),
        Class::DecisionTreeClassifier => (ForestKind::Tree, true, forest.class),
        Class::DecisionTreeRegressor => (ForestKind::Tree, false, forest.class),
        Class::ExtraTreeClassifier => (ForestKind::ExtraTree, true, forest.class),
        _ => (ForestKind::ExtraTree, false, forest.class),
    };
    let version = Version::of(forest)?;
    let features = tree::features(forest)?;
    labels::check_one_target(forest)?;
    let labels = classifies
        .then(|| labels::read(forest, meter))
        .transpose()?;
    let width = labels.as_ref().map_or(1, |labels| labels.len());
    let mut trees = Ensemble::new(width);
    let mut add = |estimator: &Estimator<'_, '_>, at| {
        let (splits, mut values) = tree(estimator, width, meter)?;
        if classifies && version <= SHARES {
            values.chunks_exact_mut(width).for_each(to_shares);
        }
        let known = |feature: u32| Some(feature).filter(|it| (*it as usize) < features);
        let added = trees.add_rows(&splits, &values, known);
        added.map_err(|problem| tree::invalid(forest, &format!("tree {at} {problem}")))
    };
    if kind.is_single() {
        add(forest, 0)?;
    } else {
        let estimators = forest.list("estimators_")?;
        tree::check_count(forest, estimators.len())?;
        for (at, &estimator) in estimators.iter().enumerate() {
            add(&forest.part("estimators_", estimator, of)?, at)?;
        }
    }
    let forest_of = Forest::new(kind, trees, features, labels);
    let forest = forest_of.map_err(|problem| tree::invalid(forest, &problem))?;
    Ok(models::Estimator::Forest(forest))
}

type Tree = (Vec<models::trees::Split>, Vec<f64>);

/// The nodes of a tree, and the numbers of each.
fn tree(
    estimator: &Estimator<'_, '_>,
    width: usize,
    meter: &mut Meter<'_>,
) -> Result<Tree, ModelError> {
    let tree = estimator.part("tree_", estimator.required("tree_")?, Class::Tree)?;
    let nodes = Nodes::of(&tree, meter)?;
    meter.go_on()?;
    // The vectors of the ensemble grow by doubling.
    let bytes = Ensemble::<f32>::NODE_BYTES + (width - 1) * size_of::<f64>();
    meter.take(nodes.len().saturating_mul(3 * bytes))?;
    let values = tree.array("values", meter)?;
    if values.shape != [nodes.len(), 1, width] {
        return Err(ModelError::unfit(format!(
            "`values` of a Tree of {} nodes has the shape {:?}, not one row of {width} a node",
            nodes.len(),
            values.shape
        )));
    }
    Ok((nodes.into_splits(), values.values))
}

/// Divides weights by their sum, added up in numpy's order; where there are none they stay.
fn to_shares(weights: &mut [f64]) {
    let sum = sum(weights);
    if sum != 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}

/// numpy's sum: eight at a time, and beyond 128 in halves.
fn sum(numbers: &[f64]) -> f64 {
    if numbers.len() < 8 {
        return numbers.iter().fold(0.0, |sum, number| sum + number);
    }
    if numbers.len() > 128 {
        let half = numbers.len() / 2;
        let (first, second) = numbers.split_at(half - half % 8);
        return sum(first) + sum(second);
    }
    let (eights, rest) = numbers.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (at, eight) in eights.iter().enumerate() {
        for (sum, number) in sums.iter_mut().zip(eight) {
            *sum = if at == 0 { *number } else { *sum + number };
        }
    }
    let (pairs, _) = sums.as_chunks::<2>();
    let [one, two, three, four] = [0, 1, 2, 3].map(|at: usize| pairs[at][0] + pairs[at][1]);
    let all = (one + two) + (three + four);
    rest.iter().fold(all, |sum, number| sum + number)
}
