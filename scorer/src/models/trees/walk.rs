use super::Ensemble;
use super::ensemble::Node;
use super::number::Number;

/// Readings that walk side by side: the processor works on one while it waits for another's node.
const ABREAST: usize = 16;

impl<T: Number> Ensemble<T> {
    /// Adds to the `sums` of each reading, of which there are as many as a leaf gives numbers, what the trees give, one after the
    /// other: where that is one number, [`Ensemble::sum`]. `readings` holds as many numbers for each.
    ///
    /// Tree by tree, so that a tree's nodes stay at hand: a sum still grows in the order of the trees.
    pub fn add_sums(&self, readings: &[T], sums: &mut [f64]) {
        let wide = self.width;
        let width = readings.len() / (sums.len() / wide).max(1);
        for (tree, place) in self.trees.iter().enumerate() {
            let (nodes, values) = self.of_tree(tree);
            let groups = readings.chunks(ABREAST * width);
            for (readings, sums) in groups.zip(sums.chunks_mut(ABREAST * wide)) {
                let mut at = [0; ABREAST];
                for _ in 0..place.depth {
                    step(nodes, place.root, readings, width, &mut at);
                }
                if wide == 1 {
                    for (sum, at) in sums.iter_mut().zip(at) {
                        *sum += values[at as usize];
                    }
                    continue;
                }
                for (sums, at) in sums.chunks_exact_mut(wide).zip(at) {
                    let values = &values[at as usize * wide..];
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += value;
                    }
                }
            }
        }
    }
}

/// Moves each reading on by a node; at a leaf it stays.
#[inline]
fn step<T: Number>(
    nodes: &[Node<T>],
    root: u32,
    readings: &[T],
    width: usize,
    at: &mut [u32; ABREAST],
) {
    for (at, reading) in at.iter_mut().zip(readings.chunks_exact(width)) {
        let node = nodes[*at as usize];
        let goes_right = reading[node.feature as usize] > node.threshold;
        *at = node.child - root + u32::from(goes_right);
    }
}
