use serde::Deserialize;

use super::{invalid, unsupported};
use crate::models::ModelError;
use crate::models::formats::limits::Meter;
use crate::models::trees::{Ensemble, Split};

/// A leaf's first child.
const NO_CHILD: i32 = -1;
/// A node that compares with a set of categories.
const CATEGORICAL: u8 = 1;

/// A tree, a number a node in each list.
#[derive(Deserialize)]
pub struct Tree {
    left_children: Vec<i32>,
    right_children: Vec<i32>,
    split_indices: Vec<u32>,
    /// Thresholds, and what leaves give.
    split_conditions: Vec<f32>,
    #[serde(default)]
    split_type: Vec<u8>,
    #[serde(default, rename = "tree_param")]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    size_leaf_vector: Option<String>,
}

/// Why a tree cannot be read.
pub enum TreeError {
    /// It is none.
    Broken(String),
    /// Of itself.
    Other(ModelError),
}

impl TreeError {
    /// The error of the model's tree `at`.
    pub fn of_tree(self, at: usize) -> ModelError {
        match self {
            Self::Broken(problem) => invalid(&format!("tree {at} {problem}")),
            Self::Other(error) => error,
        }
    }
}

impl Tree {
    /// The number of nodes, those among them to which no path leads.
    pub fn len(&self) -> usize {
        self.left_children.len()
    }

    /// The nodes to which paths lead, children behind their parents.
    pub fn splits(&self, meter: &mut Meter<'_>) -> Result<Vec<Split>, TreeError> {
        let count = self.len();
        if self
            .parameters
            .size_leaf_vector
            .as_deref()
            .is_some_and(|size| !matches!(size, "0" | "1"))
        {
            return Err(TreeError::Other(unsupported(
                "leaves of several numbers; train with multi_strategy='one_output_per_tree'",
            )));
        }
        let lists = [
            self.right_children.len(),
            self.split_indices.len(),
            self.split_conditions.len(),
        ];
        if count == 0 || lists.iter().any(|length| *length != count) {
            return Err(TreeError::Broken(format!(
                "has {count} nodes, and lists of {lists:?}"
            )));
        }
        // The nodes here, in order and with their places, and those of the ensemble.
        let bytes = size_of::<Split>() * 2 + size_of::<usize>() * 3 + <Ensemble>::NODE_BYTES * 3;
        meter
            .take(count.saturating_mul(bytes))
            .map_err(TreeError::Other)?;
        let (mut order, mut splits) = (vec![0], Vec::new());
        let mut seen = vec![false; count];
        while let Some(&at) = order.get(splits.len()) {
            if std::mem::replace(&mut seen[at], true) {
                return Err(TreeError::Broken(format!(
                    "comes to node {at} on two paths"
                )));
            }
            if self.left_children[at] == NO_CHILD {
                splits.push(self.leaf(at));
                continue;
            }
            if self.split_type.get(at) == Some(&CATEGORICAL) {
                return Err(TreeError::Other(unsupported(
                    "splits by categories; readings are numbers here: train without enable_categorical",
                )));
            }
            let behind = u32::try_from(order.len()).unwrap_or(u32::MAX);
            for child in [self.left_children[at], self.right_children[at]] {
                let position = usize::try_from(child).ok();
                let Some(child) = position.filter(|child| *child < count) else {
                    let problem = format!("has node {child} behind node {at}, of {count}");
                    return Err(TreeError::Broken(problem));
                };
                order.push(child);
            }
            splits.push(Split {
                children: Some([behind, behind.saturating_add(1)]),
                feature: self.split_indices[at],
                threshold: self.split_conditions[at].into(),
                value: 0.0,
            });
        }
        Ok(splits)
    }

    fn leaf(&self, at: usize) -> Split {
        Split {
            children: None,
            feature: 0,
            threshold: 0.0,
            value: self.split_conditions[at].into(),
        }
    }
}
