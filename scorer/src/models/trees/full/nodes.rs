use super::fill::fill;
use super::{FEATURES, PLACES};
use crate::models::trees::Ensemble;

/// Readings that walk side by side: as many as have their places in the registers of a processor with 16 of them.
const ABREAST: usize = 8;

/// A full tree for any processor.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The threshold and the feature of each inner node.
    nodes: [(f32, u32); PLACES],
    /// What each leaf gives, from the first one on.
    values: [f64; PLACES],
    /// From the root to each leaf. A loop of so many is faster than one of a fixed number, which the compiler writes out, with places that
    /// find no register.
    steps: u32,
}

/// A reading. Features that are not there are 0.
type Reading = [f32; FEATURES];

impl Tree {
    /// The tree of this number.
    ///
    /// # Panics
    ///
    /// When it does not fit, or there is no such tree.
    pub fn new(trees: &Ensemble, tree: usize) -> Self {
        let steps = trees.trees[tree].depth;
        let mut nodes = [(f32::INFINITY, 0); PLACES];
        let values = fill(trees, tree, steps, |place, node| {
            nodes[place] = (node.threshold, node.feature);
        });
        Self {
            nodes,
            values,
            steps,
        }
    }

    /// Which leaves the readings end in.
    ///
    /// The remainders change nothing: a place is one of an inner node, and no feature is behind the last. The compiler sees by them
    /// that there is nothing to check.
    fn leaves(&self, readings: &[Reading; ABREAST]) -> [usize; ABREAST] {
        let mut places = [1; ABREAST];
        for _ in 0..self.steps {
            for (place, reading) in places.iter_mut().zip(readings) {
                let (threshold, feature) = self.nodes[*place % PLACES];
                let goes_right = reading[feature as usize % FEATURES] > threshold;
                *place = 2 * *place + usize::from(goes_right);
            }
        }
        let first = 1 << self.steps;
        places.map(|place| (place - first) % PLACES)
    }
}

/// Adds to each of the `sums` what the trees give for its reading, in the order of the trees; `readings` holds as many numbers for each.
pub fn add_sums(trees: &[Tree], readings: &[f32], sums: &mut [f64]) {
    let width = (readings.len() / sums.len().max(1)).max(1);
    let groups: Vec<_> = readings
        .chunks(ABREAST * width)
        .map(|rows| group(rows, width))
        .collect();
    for tree in trees {
        for (group, sums) in groups.iter().zip(sums.chunks_mut(ABREAST)) {
            for (sum, leaf) in sums.iter_mut().zip(tree.leaves(group)) {
                *sum += tree.values[leaf];
            }
        }
    }
}

/// Up to [`ABREAST`] readings of `width` numbers each. What is not there is 0.
fn group(readings: &[f32], width: usize) -> [Reading; ABREAST] {
    let mut group = [Reading::default(); ABREAST];
    for (whole, reading) in group.iter_mut().zip(readings.chunks_exact(width)) {
        whole[..width].copy_from_slice(reading);
    }
    group
}
