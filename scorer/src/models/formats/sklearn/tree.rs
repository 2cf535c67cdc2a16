use super::estimator::Estimator;
use crate::models::ModelError;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Structures;
use crate::models::trees::Split;

/// What scikit-learn writes in place of a leaf's first child.
const NO_CHILD: f64 = -1.0;
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
        // Each node with its four fields.
        meter.take(count * (size_of::<Split>() + 4 * size_of::<f64>()))?;
        let left = nodes.field("left_child")?.numbers();
        let right = nodes.field("right_child")?.numbers();
        let features = nodes.field("feature")?.numbers();
        let thresholds = nodes.field("threshold")?.numbers();
        let children = left.into_iter().zip(right);
        let compared = features.into_iter().zip(thresholds);
        let mut splits = Vec::with_capacity(count);
        for (at, ((left, right), (feature, threshold))) in children.zip(compared).enumerate() {
            let Some(split) = split(left, right, feature, threshold) else {
                return Err(ModelError::Invalid(format!(
                    "node {at} of a Tree has the children {left} and {right} and the feature {feature}, which are no positions"
                )));
            };
            splits.push(split);
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
    Ok(nodes.field("n_node_samples")?.numbers())
}

fn split(left: f64, right: f64, feature: f64, threshold: f64) -> Option<Split> {
    if left != NO_CHILD {
        return inner(left, right, feature, threshold);
    }
    Some(Split {
        children: None,
        feature: 0,
        threshold,
        value: 0.0,
    })
}

/// A node that is no leaf; nothing where children or feature are no positions.
pub fn inner(left: f64, right: f64, feature: f64, threshold: f64) -> Option<Split> {
    Some(Split {
        children: Some([position(left)?, position(right)?]),
        feature: position(feature)?,
        threshold,
        value: 0.0,
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // What is no whole number within the range is another one then.
fn position(number: f64) -> Option<u32> {
    let position = number as u32;
    (f64::from(position) == number).then_some(position)
}
