//! `TreeEnsembleRegressor` and `TreeEnsembleClassifier`.

use std::collections::HashMap;

use super::chain::refused;
use super::graph::{floats, integer, integers, string, strings};
use super::proto::NodeProto;
use crate::models::ModelError;
use crate::models::formats::limits::{self, Meter};
use crate::models::network::{Activation, Layer, Operation, Trees};
use crate::models::trees::{Ensemble, Split};

/// Nodes of all trees.
const MOST_NODES: usize = 4 << 20;

/// A tree, by its number in the file.
#[derive(Default)]
struct Tree {
    splits: Vec<Split>,
    /// Children by the numbers of nodes.
    children: Vec<Option<[i64; 2]>>,
    /// The position of each node by its number.
    positions: HashMap<i64, usize>,
    /// What each node gives if it is a leaf.
    values: Vec<f64>,
}

/// What leaves give, and to which sums.
struct Weights {
    numbers: Vec<f64>,
    trees: Vec<i64>,
    nodes: Vec<i64>,
    sums: Vec<i64>,
    /// Number of sums.
    width: usize,
    /// Whether it is the sum of one of two classes.
    one_of_two: bool,
}

/// The layers that the operator stands for.
///
/// Errors when its lists do not fit each other, or it works in a way that is not read.
pub fn layers(node: &NodeProto, meter: &mut Meter<'_>) -> Result<Vec<Layer>, ModelError> {
    let is_classifier = node.op_type == "TreeEnsembleClassifier";
    let weights = Weights::of(node, is_classifier)?;
    let width = weights.width;
    let mut trees = trees(node, width, meter)?;
    weights.put(node, &mut trees)?;
    let count = trees.len() as f64;
    let mut ensemble = Ensemble::new(width);
    for (number, tree) in trees {
        let added = ensemble.add_rows(&tree.splits, &tree.values, Some);
        added.map_err(|problem| unfit(node, &format!("has a tree {number} that {problem}")))?;
    }
    let base = match floats(node, "base_values") {
        base if base.is_empty() => vec![0.0; width],
        base if base.len() == width => base,
        _ => return Err(refused(node, "whose base_values are not one for each sum")),
    };
    let trees = |start: Vec<f64>| {
        let trees = Trees::new(ensemble, start).map_err(|problem| unfit(node, &problem))?;
        Ok::<_, ModelError>(Layer::Trees(trees))
    };
    let mut layers = match string(node, "aggregate_function").unwrap_or("SUM") {
        "SUM" => vec![trees(base)?],
        "AVERAGE" => vec![
            trees(vec![0.0; width])?,
            Layer::Columns(Operation::Divide, vec![count; width]),
            Layer::Columns(Operation::Add, base),
        ],
        _ => return Err(refused(node, "whose aggregate_function is not read")),
    };
    layers.extend(weights.after(node, is_classifier)?);
    Ok(layers)
}

impl Weights {
    fn of(node: &NodeProto, is_classifier: bool) -> Result<Self, ModelError> {
        let start = if is_classifier { "class" } else { "target" };
        let given = |name: &str| integers(node, &format!("{start}_{name}"));
        let numbers = floats(node, &format!("{start}_weights"));
        let (trees, nodes, sums) = (given("treeids"), given("nodeids"), given("ids"));
        if [trees.len(), nodes.len(), sums.len()] != [numbers.len(); 3] {
            return Err(unfit(
                node,
                "does not have as many weights as places for them",
            ));
        }
        let outputs = if is_classifier {
            let numbers = ["classlabels_ints", "classlabels_int64s"];
            let numbers: usize = numbers.iter().map(|name| integers(node, name).len()).sum();
            numbers + strings(node, "classlabels_strings").len()
        } else {
            let targets = integer(node, "n_targets").unwrap_or(1);
            usize::try_from(targets).unwrap_or(0)
        };
        // Of two classes the weights may be those of one.
        let two = is_classifier && outputs == 2;
        let one_of_two = two && sums.iter().all(|it| sums.first() == Some(it));
        if two && !one_of_two {
            return Err(refused(
                node,
                "whose two classes have weights of their own each, which is not read",
            ));
        }
        Ok(Self {
            numbers,
            trees,
            nodes,
            sums,
            width: if one_of_two { 1 } else { outputs },
            one_of_two,
        })
    }

    /// Puts them into the leaves.
    fn put(&self, node: &NodeProto, trees: &mut [(i64, Tree)]) -> Result<(), ModelError> {
        let numbers = trees.iter().map(|(number, _)| *number);
        let by_number: HashMap<i64, usize> = numbers.zip(0..).collect();
        let places = self.trees.iter().zip(&self.nodes).zip(&self.sums);
        for (weight, ((tree, name), sum)) in self.numbers.iter().zip(places) {
            let tree = by_number.get(tree).and_then(|tree| trees.get_mut(*tree));
            let sum = if self.one_of_two {
                Some(0)
            } else {
                usize::try_from(*sum).ok()
            };
            let place = tree.and_then(|(_, tree)| {
                let position = *tree.positions.get(name)?;
                let is_leaf = tree.children.get(position)?.is_none();
                let sum = sum.filter(|sum| *sum < self.width && is_leaf)?;
                tree.values.get_mut(position * self.width + sum)
            });
            match place {
                Some(value) => *value += weight,
                None => {
                    return Err(unfit(
                        node,
                        "has weights of leaves or classes that are not there",
                    ));
                }
            }
        }
        Ok(())
    }

    /// What becomes of the sums.
    fn after(&self, node: &NodeProto, is_classifier: bool) -> Result<Vec<Layer>, ModelError> {
        let all_positive = self.numbers.iter().all(|weight| *weight >= 0.0);
        let transform = string(node, "post_transform").unwrap_or("NONE");
        let one_of_two = self.one_of_two;
        match transform {
            // The sum is the share of the second class.
            "NONE" if one_of_two && all_positive => Ok(vec![Layer::BothShares]),
            "LOGISTIC" if one_of_two && !all_positive => Ok(vec![
                Layer::Activate(Activation::Sigmoid),
                Layer::BothShares,
            ]),
            "NONE" if !one_of_two => Ok(Vec::new()),
            "LOGISTIC" if is_classifier && !one_of_two => {
                Ok(vec![Layer::Activate(Activation::Sigmoid)])
            }
            "SOFTMAX" if is_classifier && !one_of_two => {
                Ok(vec![Layer::Activate(Activation::Softmax)])
            }
            _ => Err(refused(
                node,
                "whose post_transform is not read with these weights",
            )),
        }
    }
}

/// The trees in the order of the file, with their numbers, and room for what their leaves give.
fn trees(
    node: &NodeProto,
    width: usize,
    meter: &mut Meter<'_>,
) -> Result<Vec<(i64, Tree)>, ModelError> {
    let of_node = |name: &str| integers(node, &format!("nodes_{name}"));
    let (numbers, names, features) = (
        of_node("treeids"),
        of_node("nodeids"),
        of_node("featureids"),
    );
    let (first, second) = (of_node("truenodeids"), of_node("falsenodeids"));
    let (modes, thresholds) = (strings(node, "nodes_modes"), floats(node, "nodes_values"));
    let count = numbers.len();
    if [
        names.len(),
        features.len(),
        first.len(),
        second.len(),
        modes.len(),
        thresholds.len(),
    ] != [count; 6]
    {
        return Err(unfit(
            node,
            "does not have as many numbers of each kind as nodes",
        ));
    }
    if count > MOST_NODES {
        return Err(ModelError::TooLarge {
            what: node.op_type.clone(),
            limit: format!("{MOST_NODES} nodes"),
        });
    }
    let values = limits::check_numbers("the leaves of trees", count.checked_mul(width))?;
    // As they are read, and as they are kept.
    let bytes = 3 * size_of::<Split>() + 6 * size_of::<i64>() + 64;
    meter.take(
        count
            .saturating_mul(bytes)
            .saturating_add(values.saturating_mul(24)),
    )?;
    let mut trees: Vec<(i64, Tree)> = Vec::new();
    let mut seen = HashMap::new();
    for at in 0..count {
        let tree = *seen.entry(numbers[at]).or_insert_with(|| {
            trees.push((numbers[at], Tree::default()));
            trees.len() - 1
        });
        let Some((_, tree)) = trees.get_mut(tree) else {
            continue;
        };
        let threshold = thresholds[at];
        let (children, threshold) = match modes[at].as_slice() {
            b"LEAF" => (None, 0.0),
            b"BRANCH_LEQ" => (Some([first[at], second[at]]), threshold),
            b"BRANCH_LT" => (Some([first[at], second[at]]), below(threshold)),
            _ => return Err(refused(node, "which compares in another way than is read")),
        };
        if tree
            .positions
            .insert(names[at], tree.splits.len())
            .is_some()
        {
            return Err(unfit(node, "has a node twice"));
        }
        tree.children.push(children);
        tree.splits.push(Split {
            children: None,
            feature: u32::try_from(features[at]).unwrap_or(u32::MAX),
            threshold,
            value: 0.0,
        });
    }
    for (_, tree) in &mut trees {
        let position = |name: i64| u32::try_from(*tree.positions.get(&name)?).ok();
        for (split, children) in tree.splits.iter_mut().zip(&tree.children) {
            split.children = match children.map(|names| names.map(position)) {
                None => None,
                Some([Some(first), Some(second)]) => Some([first, second]),
                Some(_) => return Err(unfit(node, "has a node whose children are not there")),
            };
        }
        tree.values = vec![0.0; tree.splits.len() * width];
    }
    Ok(trees)
}

/// A reading of single precision is below a threshold where it is at most this.
fn below(threshold: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation)] // It is of single precision in the file.
    let single = threshold as f32;
    single.next_down().into()
}

fn unfit(node: &NodeProto, problem: &str) -> ModelError {
    ModelError::Invalid(format!(
        "{} {problem}; export the graph again",
        node.op_type
    ))
}
