use super::Ensemble;
use super::ensemble::Node;

/// Readings that walk side by side: the processor works on one while it waits for another's node.
const ABREAST: usize = 16;

impl Ensemble {
    /// Adds to each of the `sums` what [`Ensemble::sum`] gives for a reading; `readings` holds as many numbers for each.
    ///
    /// Tree by tree, so that a tree's nodes stay at hand: a sum still grows in the order of the trees.
    pub fn add_sums(&self, readings: &[f32], sums: &mut [f64]) {
        let width = readings.len() / sums.len().max(1);
        for (tree, place) in self.trees.iter().enumerate() {
            let (nodes, values) = self.of_tree(tree);
            let groups = readings.chunks(ABREAST * width);
            for (readings, sums) in groups.zip(sums.chunks_mut(ABREAST)) {
                let mut at = [0; ABREAST];
                for _ in 0..place.depth {
                    step(nodes, place.root, readings, width, &mut at);
                }
                for (sum, at) in sums.iter_mut().zip(at) {
                    *sum += values[at as usize];
                }
            }
        }
    }
}

/// Moves each reading on by a node; at a leaf it stays.
#[inline]
fn step(nodes: &[Node], root: u32, readings: &[f32], width: usize, at: &mut [u32; ABREAST]) {
    for (at, reading) in at.iter_mut().zip(readings.chunks_exact(width)) {
        let node = nodes[*at as usize];
        let goes_right = reading[node.feature as usize] > node.threshold;
        *at = node.child - root + u32::from(goes_right);
    }
}
