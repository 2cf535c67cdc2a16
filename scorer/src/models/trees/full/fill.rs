use super::PLACES;
use crate::models::trees::Ensemble;
use crate::models::trees::ensemble::Node;

/// Fills a tree up so that every leaf lies `steps` below the root: `put` is given the place of each inner node, and what the leaves give is
/// returned.
///
/// # Panics
///
/// When the tree is deeper, or there is no such tree.
pub fn fill(
    trees: &Ensemble,
    tree: usize,
    steps: u32,
    mut put: impl FnMut(usize, &Node<f32>),
) -> [f64; PLACES] {
    let (nodes, values) = trees.of_tree(tree);
    let root = trees.trees[tree].root;
    let mut leaves = [0.0; PLACES];
    let mut open = vec![(1, 0, steps)];
    while let Some((place, at, left)) = open.pop() {
        let node = &nodes[at];
        let child = (node.child - root) as usize;
        if child == at {
            // All places below are this leaf.
            let first = (place << left) - (1 << steps);
            leaves[first..first + (1 << left)].fill(values[at]);
        } else {
            put(place, node);
            open.push((2 * place, child, left - 1));
            open.push((2 * place + 1, child + 1, left - 1));
        }
    }
    leaves
}
