use std::ops::Range;

use super::Ensemble;

/// Adds what a tree gives to the sums of things that lie in order on its one feature: readings, or steps between thresholds.
///
/// `first_right` says which thing of a range is the first above a threshold; the range's end where none is.
pub(super) fn spread(
    trees: &Ensemble,
    tree: usize,
    sums: &mut [f64],
    first_right: impl Fn(f32, Range<usize>) -> usize,
) {
    let (nodes, values) = trees.of_tree(tree);
    let root = trees.trees[tree].root;
    // Nodes with the things that come to them.
    let mut open = vec![(0, 0..sums.len())];
    while let Some((at, range)) = open.pop() {
        let node = nodes[at as usize];
        let child = node.child - root;
        if child == at {
            for sum in &mut sums[range] {
                *sum += values[at as usize];
            }
            continue;
        }
        let middle = first_right(node.threshold, range.clone());
        if range.start < middle {
            open.push((child, range.start..middle));
        }
        if middle < range.end {
            open.push((child + 1, middle..range.end));
        }
    }
}
