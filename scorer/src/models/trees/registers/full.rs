use crate::models::trees::Ensemble;
use crate::models::trees::ensemble::Node;

/// Steps from the root to each leaf.
pub const STEPS: u32 = 8;
/// Leaves of a tree, and places of its inner nodes.
pub const PLACES: usize = 1 << STEPS;
/// Readings that walk side by side.
pub const ABREAST: usize = 16;
/// Features of a reading at most.
pub const FEATURES: usize = 8;

/// A tree that is filled up so that every leaf lies [`STEPS`] steps below the root: where a node lies needs no pointer then. Place 1
/// is the root, and below place p lie 2 p and 2 p + 1; those from [`PLACES`] on are leaves. Place 0 is of no use.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Tree {
    /// The bits of the thresholds in single precision: a reading goes on at 2 p + 1 when its feature is above.
    pub thresholds: Table,
    /// [`ABREAST`] times the feature that is compared: where its column begins in a [`Group`].
    pub columns: Table,
    /// What each leaf gives.
    pub values: [f64; PLACES],
}

/// A number for each place of an inner node.
pub type Table = [[i32; ABREAST]; PLACES / ABREAST];

/// [`ABREAST`] readings: a column of each of `2 * PAIRS` features, one behind the other in pairs.
pub type Group<const PAIRS: usize> = [[[f32; ABREAST]; 2]; PAIRS];

impl Tree {
    /// Fills a tree up.
    ///
    /// # Panics
    ///
    /// When it is deeper than [`STEPS`], or there is no such tree.
    pub fn new(trees: &Ensemble, tree: usize) -> Self {
        let (nodes, values) = trees.of_tree(tree);
        let root = trees.trees[tree].root;
        let mut full = Self {
            thresholds: [[f32::INFINITY.to_bits().cast_signed(); ABREAST]; PLACES / ABREAST],
            columns: [[0; ABREAST]; PLACES / ABREAST],
            values: [0.0; PLACES],
        };
        let mut open = vec![(1, 0, STEPS)];
        while let Some((place, at, steps)) = open.pop() {
            let node = nodes[at];
            let child = (node.child - root) as usize;
            if child == at {
                // All places below are this leaf.
                let first = (place << steps) - PLACES;
                full.values[first..first + (1 << steps)].fill(values[at]);
            } else {
                full.put(place, node);
                open.push((2 * place, child, steps - 1));
                open.push((2 * place + 1, child + 1, steps - 1));
            }
        }
        full
    }

    fn put(&mut self, place: usize, node: Node<f32>) {
        let (register, lane) = (place / ABREAST, place % ABREAST);
        self.thresholds[register][lane] = node.threshold.to_bits().cast_signed();
        self.columns[register][lane] = node.feature.cast_signed() << 4;
    }
}

/// The group of up to [`ABREAST`] readings of `width` numbers each. What is not there is 0.
pub fn group<const PAIRS: usize>(readings: &[f32], width: usize) -> Group<PAIRS> {
    let mut group = [[[0.0; ABREAST]; 2]; PAIRS];
    for (lane, reading) in readings.chunks_exact(width).enumerate() {
        for (feature, number) in reading.iter().enumerate() {
            group[feature / 2][feature % 2][lane] = *number;
        }
    }
    group
}
