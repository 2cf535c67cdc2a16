use std::hint;

use super::Split;
use super::number::Number;
use super::queue::Queue;

/// Trees over readings of single precision, or of another; each gives one number a reading, or several, and they are added up in the
/// trees' order.
///
/// The nodes of a tree lie by distance from its root, so that children lie side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble<T = f32> {
    /// The nodes of all trees, tree by tree.
    pub(super) nodes: Vec<Node<T>>,
    /// What each node gives if it is a leaf, else 0: as many numbers each.
    pub(super) values: Vec<f64>,
    pub(super) trees: Vec<Place>,
    /// Numbers that a leaf gives.
    pub(super) width: usize,
}

impl<T> Default for Ensemble<T> {
    fn default() -> Self {
        Self::new(1)
    }
}

/// A node: a reading goes on at the first child when its feature is at most the threshold, else at the one behind it.
///
/// A leaf is its own first child and its threshold infinite, so that readings stay there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node<T> {
    pub(super) threshold: T,
    pub(super) feature: u32,
    pub(super) child: u32,
}

/// Where a tree lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// Its first node.
    pub(super) root: u32,
    /// Steps on the longest path from the root to a leaf.
    pub(super) depth: u32,
}

impl<T> Ensemble<T> {
    /// No trees yet, whose leaves give `width` numbers.
    pub fn new(width: usize) -> Self {
        Self {
            nodes: Vec::new(),
            values: Vec::new(),
            trees: Vec::new(),
            width: width.max(1),
        }
    }
}

impl<T: Number> Ensemble<T> {
    /// Adds a tree; its first node is the root. `feature_of` says which feature of a reading one of the tree's is, if any.
    ///
    /// Errors when the nodes make no tree: a child is not behind its parent, or has another one too, or a node has no parent, a
    /// feature does not exist, or a threshold is NaN. The ensemble is of no use then.
    pub fn add(
        &mut self,
        splits: &[Split],
        feature_of: impl Fn(u32) -> Option<u32>,
    ) -> Result<(), String> {
        let values: Vec<f64> = splits.iter().map(|split| split.value).collect();
        self.add_rows(splits, &values, feature_of)
    }

    /// The same of a tree whose leaves give the rows of `values`, one a node, in place of the splits' own.
    ///
    /// Errors, too, when there are not as many.
    pub fn add_rows(
        &mut self,
        splits: &[Split],
        values: &[f64],
        feature_of: impl Fn(u32) -> Option<u32>,
    ) -> Result<(), String> {
        if Some(values.len()) != splits.len().checked_mul(self.width) {
            return Err(format!(
                "has {} values, and {} nodes that give {} each",
                values.len(),
                splits.len(),
                self.width
            ));
        }
        if splits.is_empty() {
            return Err("has no nodes".into());
        }
        let root = index(self.nodes.len())?;
        index(self.nodes.len() + splits.len())?;
        self.nodes.reserve(splits.len());
        let first_value = self.values.len();
        self.values.resize(first_value + values.len(), 0.0);
        let mut rows = self.values[first_value..].chunks_exact_mut(self.width);
        let mut queue = Queue::new(splits.len());
        while let Some((place, at)) = queue.next() {
            let split = &splits[at as usize];
            let Some(child) = queue.add(at, split.children) else {
                return Err(no_tree(at, split, splits.len()));
            };
            let child = root + child;
            // Nobody can foresee which nodes are leaves: a branch on it costs more than a choice between bits.
            let is_leaf = split.children.is_none();
            let feature = feature_of(split.feature);
            if !is_leaf && (feature.is_none() || split.threshold.is_nan()) {
                return Err(problem(at, split));
            }
            self.nodes.push(Node {
                threshold: T::floor(either(is_leaf, f64::INFINITY, split.threshold)),
                feature: hint::select_unpredictable(is_leaf, 0, feature.unwrap_or(0)),
                child: hint::select_unpredictable(is_leaf, root + place, child),
            });
            let of_node = values.iter().skip(at as usize * self.width);
            for (to, from) in rows.next().into_iter().flatten().zip(of_node) {
                *to = either(is_leaf, *from, 0.0);
            }
        }
        let depth = queue.depth()?;
        self.trees.push(Place { root, depth });
        Ok(())
    }

    /// The sum of what the trees give for one reading, where that is one number. This is the reference.
    pub fn sum(&self, reading: &[T]) -> f64 {
        let mut sum = 0.0;
        for tree in &self.trees {
            sum += self.values[self.leaf(*tree, reading) * self.width];
        }
        sum
    }

    /// The leaf of a reading.
    fn leaf(&self, tree: Place, reading: &[T]) -> usize {
        let mut at = tree.root;
        loop {
            let node = self.nodes[at as usize];
            if node.child == at {
                return at as usize;
            }
            let goes_right = reading[node.feature as usize] > node.threshold;
            at = node.child + u32::from(goes_right);
        }
    }

    /// Bytes of memory a node.
    pub const NODE_BYTES: usize = size_of::<Node<T>>() + size_of::<f64>();

    /// The nodes of a tree, by distance from its root, as [`Ensemble::add`] takes them.
    ///
    /// # Panics
    ///
    /// When there is no such tree.
    pub fn splits(&self, tree: usize) -> impl Iterator<Item = Split> + '_ {
        let root = self.trees[tree].root;
        let (nodes, values) = self.of_tree(tree);
        let values = values.iter().step_by(self.width);
        let split = move |(at, (node, value)): (u32, (&Node<T>, &f64))| Split {
            children: (node.child != at).then(|| [node.child - root, node.child - root + 1]),
            feature: node.feature,
            threshold: node.threshold.double(),
            value: *value,
        };
        (root..).zip(nodes.iter().zip(values)).map(split)
    }

    /// What the nodes of a tree give if they are leaves, in the order of [`Ensemble::splits`].
    ///
    /// # Panics
    ///
    /// When there is no such tree.
    pub fn values(&self, tree: usize) -> &[f64] {
        self.of_tree(tree).1
    }

    /// Numbers that a leaf gives.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The nodes of a tree and what each gives.
    pub(super) fn of_tree(&self, tree: usize) -> (&[Node<T>], &[f64]) {
        let start = self.trees[tree].root as usize;
        let next = self.trees.get(tree + 1).map(|next| next.root as usize);
        let end = next.unwrap_or(self.nodes.len());
        let values = start * self.width..end * self.width;
        (&self.nodes[start..end], &self.values[values])
    }

    /// Number of trees.
    pub fn count(&self) -> usize {
        self.trees.len()
    }

    /// Number of nodes of all trees.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Steps on the longest path of any tree.
    pub fn depth(&self) -> u32 {
        self.trees.iter().map(|tree| tree.depth).max().unwrap_or(0)
    }

    /// Features that a reading must have at least.
    pub fn features(&self) -> usize {
        let features = self.nodes.iter().map(|node| node.feature as usize + 1);
        features.max().unwrap_or(0)
    }

    /// Whether everything that a leaf gives is finite.
    pub fn values_are_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node<T>>()
            + self.values.capacity() * size_of::<f64>()
            + self.trees.capacity() * size_of::<Place>()
    }
}

fn index(at: usize) -> Result<u32, String> {
    u32::try_from(at).map_err(|_| "has more nodes than can be counted".into())
}

/// The first number if so, else the second, without a branch.
fn either(is_first: bool, first: f64, second: f64) -> f64 {
    let (first, second) = (first.to_bits(), second.to_bits());
    f64::from_bits(hint::select_unpredictable(is_first, first, second))
}

/// Why the children of node `at` make no tree.
#[cold]
fn no_tree(at: u32, split: &Split, nodes: usize) -> String {
    let [left, right] = split.children.unwrap_or_default();
    format!(
        "has node {at} with the children {left} and {right}, which makes no tree of {nodes} nodes"
    )
}

/// Why node `at`, which is no leaf, cannot be walked.
#[cold]
fn problem(at: u32, split: &Split) -> String {
    if split.threshold.is_nan() {
        return format!("has the threshold NaN at node {at}");
    }
    let feature = split.feature;
    format!("has a node {at} of feature {feature}, which is not there")
}
