use super::Split;
use super::split::floor;

/// Trees over readings of single precision; each gives one number a reading, and they are added up in the trees' order.
///
/// The nodes of a tree lie by distance from its root, so that children lie side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ensemble {
    /// The nodes of all trees, tree by tree.
    pub(super) nodes: Vec<Node>,
    /// What each node gives if it is a leaf, else 0.
    pub(super) values: Vec<f64>,
    pub(super) trees: Vec<Place>,
}

/// A node: a reading goes on at the first child when its feature is at most the threshold, else at the one behind it.
///
/// A leaf is its own first child and its threshold infinite, so that readings stay there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) threshold: f32,
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

impl Ensemble {
    /// Adds a tree; its first node is the root. `feature_of` says which feature of a reading one of the tree's is, if any.
    ///
    /// Errors when the nodes make no tree: a child is not behind its parent, or has another one too, or a node has no parent, a
    /// feature does not exist, or a threshold is NaN. The ensemble is of no use then.
    pub fn add(
        &mut self,
        splits: &[Split],
        feature_of: impl Fn(u32) -> Option<u32>,
    ) -> Result<(), String> {
        let (order, depth) = by_distance(splits)?;
        let root = index(self.nodes.len())?;
        let mut behind = root;
        for at in order {
            let (node, split) = (index(self.nodes.len())?, &splits[at]);
            let (node, value) = match split.children {
                Some(_) => {
                    behind = behind.saturating_add(2);
                    (inner(at, split, &feature_of, behind - 1)?, 0.0)
                }
                None => (leaf(node), split.value),
            };
            self.nodes.push(node);
            self.values.push(value);
        }
        self.trees.push(Place { root, depth });
        Ok(())
    }

    /// The sum of what the trees give for one reading. This is the reference.
    pub fn sum(&self, reading: &[f32]) -> f64 {
        let mut sum = 0.0;
        for tree in &self.trees {
            sum += self.values[self.leaf(*tree, reading)];
        }
        sum
    }

    /// The leaf of a reading.
    fn leaf(&self, tree: Place, reading: &[f32]) -> usize {
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
    pub const NODE_BYTES: usize = size_of::<Node>() + size_of::<f64>();

    /// The nodes of a tree, by distance from its root, as [`Ensemble::add`] takes them.
    ///
    /// # Panics
    ///
    /// When there is no such tree.
    pub fn splits(&self, tree: usize) -> impl Iterator<Item = Split> + '_ {
        let root = self.trees[tree].root;
        let (nodes, values) = self.of_tree(tree);
        let split = move |(at, (node, value)): (u32, (&Node, &f64))| Split {
            children: (node.child != at).then(|| [node.child - root, node.child - root + 1]),
            feature: node.feature,
            threshold: node.threshold.into(),
            value: *value,
        };
        (root..).zip(nodes.iter().zip(values)).map(split)
    }

    /// The nodes of a tree and what each gives.
    pub(super) fn of_tree(&self, tree: usize) -> (&[Node], &[f64]) {
        let start = self.trees[tree].root as usize;
        let next = self.trees.get(tree + 1).map(|next| next.root as usize);
        let end = next.unwrap_or(self.nodes.len());
        (&self.nodes[start..end], &self.values[start..end])
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
        self.nodes.capacity() * size_of::<Node>()
            + self.values.capacity() * size_of::<f64>()
            + self.trees.capacity() * size_of::<Place>()
    }
}

fn index(at: usize) -> Result<u32, String> {
    u32::try_from(at).map_err(|_| "has more nodes than can be counted".into())
}

fn leaf(at: u32) -> Node {
    Node {
        threshold: f32::INFINITY,
        feature: 0,
        child: at,
    }
}

/// Node `at` of the tree's own order.
fn inner(
    at: usize,
    split: &Split,
    feature_of: impl Fn(u32) -> Option<u32>,
    child: u32,
) -> Result<Node, String> {
    let feature = split.feature;
    let Some(feature) = feature_of(feature) else {
        return Err(format!(
            "has a node {at} of feature {feature}, which is not there"
        ));
    };
    if split.threshold.is_nan() {
        return Err(format!("has the threshold NaN at node {at}"));
    }
    Ok(Node {
        threshold: floor(split.threshold),
        feature,
        child,
    })
}

/// The nodes by distance from the root, children side by side, and the largest distance.
fn by_distance(splits: &[Split]) -> Result<(Vec<usize>, u32), String> {
    if splits.is_empty() {
        return Err("has no nodes".into());
    }
    let (mut order, mut depth) = (vec![0], 0);
    let mut has_parent = vec![false; splits.len()];
    let mut level = 0..1;
    while !level.is_empty() {
        for position in level.clone() {
            let at = order[position];
            for child in splits[at].children.into_iter().flatten() {
                let child = child as usize;
                match has_parent.get_mut(child) {
                    Some(has_parent) if child > at && !*has_parent => *has_parent = true,
                    _ => {
                        return Err(format!(
                            "has node {child} behind node {at}, of {}, which makes no tree",
                            splits.len()
                        ));
                    }
                }
                order.push(child);
            }
        }
        level = level.end..order.len();
        depth += u32::from(!level.is_empty());
    }
    if order.len() != splits.len() {
        return Err(format!(
            "has {} of {} nodes where no path leads",
            splits.len() - order.len(),
            splits.len()
        ));
    }
    Ok((order, depth))
}
