use super::{PLACES, STEPS};
use crate::models::trees::Ensemble;
use crate::models::trees::ensemble::Node;

/// Fills a tree up: `put` is given the place of each inner node, and what the leaves give is returned.
///
/// # Panics
///
/// When it is deeper than [`STEPS`], or there is no such tree.
pub fn fill(
    trees: &Ensemble,
    tree: usize,
    mut put: impl FnMut(usize, &Node<f32>),
) -> [f64; PLACES] {
    let (nodes, values) = trees.of_tree(tree);
    let root = trees.trees[tree].root;
    let mut leaves = [0.0; PLACES];
    let mut open = vec![(1, 0, STEPS)];
    while let Some((place, at, steps)) = open.pop() {
        let node = &nodes[at];
        let child = (node.child - root) as usize;
        if child == at {
            // All places below are this leaf.
            let first = (place << steps) - PLACES;
            leaves[first..first + (1 << steps)].fill(values[at]);
        } else {
            put(place, node);
            open.push((2 * place, child, steps - 1));
            open.push((2 * place + 1, child + 1, steps - 1));
        }
    }
    leaves
}
