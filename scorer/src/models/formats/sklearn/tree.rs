use super::estimator::Estimator;
use crate::models::ModelError;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Kind, Structures};
use crate::models::trees::Split;

/// What scikit-learn writes in place of a leaf's first child.
const NO_CHILD: i64 = -1;
/// Trees of one model; no file that is read holds more.
const MOST_TREES: usize = 100_000;

/// Number of features of the readings that an estimator of trees was fitted on.
pub fn features(estimator: &Estimator<'_, '_>) -> Result<usize, ModelError> {
    match estimator.get("n_features_in_") {
        Some(_) => estimator.count("n_features_in_"),
        None => estimator.count("n_features_"),
    }
}

/// Errors when there are more trees than any model has.
pub fn check_count(estimator: &Estimator<'_, '_>, trees: usize) -> Result<(), ModelError> {
    if trees > MOST_TREES {
        return Err(ModelError::TooLarge {
            what: estimator.class.name().into(),
            limit: format!("{MOST_TREES} trees"),
        });
    }
    Ok(())
}

/// The error of an estimator whose trees make no model.
pub fn invalid(estimator: &Estimator<'_, '_>, problem: &str) -> ModelError {
    ModelError::unfit(format!("{}: {problem}", estimator.class.name()))
}

/// The nodes of a scikit-learn `Tree`, in its order: an array of structures, one a node.
pub struct Nodes {
    splits: Vec<Split>,
}

/// The name of the nodes' array.
const NODES: &str = "nodes";

impl Nodes {
    /// Reads the nodes of a tree. Whether they make one is not looked at.
    pub fn of(tree: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Self, ModelError> {
        let nodes = Structures::new(tree.heap(), tree.any_array(NODES)?, NODES)?;
        let count = nodes.len();
        if tree.count("node_count")? != count {
            return Err(ModelError::Invalid(format!(
                "a Tree has {count} nodes, but not by its `node_count`: save the model again as it was fitted"
            )));
        }
        meter.take(count * size_of::<Split>())?;
        // As every tree has them that was fitted on a processor of 64 bits, least significant first.
        let usual = nodes.words([
            ("left_child", Kind::I8),
            ("right_child", Kind::I8),
            ("feature", Kind::I8),
            ("threshold", Kind::F8),
        ])?;
        let (mut splits, mut unfit) = (Vec::with_capacity(count), false);
        match usual {
            Some(nodes) => {
                for [left, right, feature, threshold] in nodes {
                    let [left, right, feature] = [left, right, feature].map(i64::from_le_bytes);
                    let threshold = f64::from_le_bytes(threshold);
                    splits.push(split([left, right], feature, threshold, &mut unfit));
                }
            }
            None => {
                for [left, right, feature, threshold] in
                    nodes.numbers(["left_child", "right_child", "feature", "threshold"], meter)?
                {
                    let [left, right, feature] = [left, right, feature].map(whole);
                    splits.push(split([left, right], feature, threshold, &mut unfit));
                }
            }
        }
        if unfit {
            return Err(ModelError::Invalid(
                "a Tree has a node whose children or feature are no positions".into(),
            ));
        }
        Ok(Self { splits })
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.splits.len()
    }

    /// Steps from the root to each node, where children lie behind their parents.
    pub fn depths(&self) -> Vec<f64> {
        let mut depths = vec![0.0; self.splits.len()];
        for (at, split) in self.splits.iter().enumerate() {
            let depth = depths[at] + 1.0;
            for child in split.children.into_iter().flatten() {
                if let Some(child) = depths.get_mut(child as usize) {
                    *child = depth;
                }
            }
        }
        depths
    }

    /// The nodes, without what leaves give.
    pub fn into_splits(self) -> Vec<Split> {
        self.splits
    }

    /// The nodes, where a leaf gives the value of its node.
    pub fn with_values(mut self, values: &[f64]) -> Vec<Split> {
        for (split, value) in self.splits.iter_mut().zip(values) {
            split.value = *value;
        }
        self.splits
    }
}

/// Samples that each node of a tree was fitted on.
pub fn samples(tree: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Vec<f64>, ModelError> {
    let nodes = Structures::new(tree.heap(), tree.any_array(NODES)?, NODES)?;
    meter.take(nodes.len() * size_of::<f64>())?;
    let samples = nodes.numbers(["n_node_samples"], meter)?;
    Ok(samples.map(|[samples]| samples).collect())
}

/// A node; `is_unfit` becomes true where it is no leaf, and children or feature are no positions.
///
/// Without a branch on whether it is a leaf: in a tree nobody can foresee that.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // What is cut off makes it unfit.
fn split(children: [i64; 2], feature: i64, threshold: f64, is_unfit: &mut bool) -> Split {
    let is_leaf = children[0] == NO_CHILD;
    let beyond = |number: i64| number as u64 >> u32::BITS;
    *is_unfit |= !is_leaf & (beyond(children[0]) | beyond(children[1]) | beyond(feature) != 0);
    Split {
        children: (!is_leaf).then_some(children.map(|child| child as u32)),
        feature: feature as u32,
        threshold,
        value: 0.0,
    }
}

/// A node of which another number than its children says whether it is a leaf; nothing where children or feature are no positions.
pub fn node(is_leaf: bool, [left, right]: [f64; 2], feature: f64, threshold: f64) -> Option<Split> {
    let children = [left, right].map(whole);
    let mut is_unfit = !is_leaf && children[0] == NO_CHILD;
    let left = if is_leaf { NO_CHILD } else { children[0] };
    let split = split(
        [left, children[1]],
        whole(feature),
        threshold,
        &mut is_unfit,
    );
    (!is_unfit).then_some(split)
}

/// A whole number as an integer, another one as one that is no position.
#[allow(clippy::cast_possible_truncation)] // Numbers beyond the range are no positions, either.
fn whole(number: f64) -> i64 {
    let whole = number as i64;
    if whole as f64 == number {
        whole
    } else {
        i64::MIN
    }
}
