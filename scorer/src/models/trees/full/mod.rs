//! Small trees over few features, filled up so that every leaf lies as many steps below the root: where a node lies needs no pointer
//! then. Place 1 is the root, and below place p lie 2 p and 2 p + 1. Place 0 is of no use.
//!
//! [`nodes`] walks them on any processor, [`tables`] and [`x86`] in the registers of one that has AVX-512.

mod fill;
mod nodes;
#[cfg(target_arch = "x86_64")]
mod tables;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
use tables::{ABREAST, group};
#[cfg(target_arch = "x86_64")]
use x86::{Avx512, add_sums};

use super::Ensemble;
use crate::models::path::Path;

/// Steps from the root to a leaf at most.
const STEPS: u32 = 8;
/// Leaves of a tree at most, and places of its inner nodes.
const PLACES: usize = 1 << STEPS;
/// Features of a reading at most.
const FEATURES: usize = 8;

/// The trees of an ensemble, filled up. A tree of isolation of 256 samples, scikit-learn's default, fits.
#[derive(Debug)]
pub(super) enum Full {
    /// For any processor.
    Nodes(Vec<nodes::Tree>),
    /// For registers of AVX-512.
    #[cfg(target_arch = "x86_64")]
    Tables(Vec<tables::Tree>, Avx512),
}

impl Full {
    /// Fills the trees up for a path. None when one is too deep, or a reading has too many features.
    pub fn new(trees: &Ensemble, features: usize, path: Path) -> Option<Self> {
        if !fit(trees, features) {
            return None;
        }
        let all = 0..trees.count();
        #[cfg(target_arch = "x86_64")]
        if path == Path::Avx512
            && let Some(avx512) = Avx512::detect()
        {
            let trees = all.map(|tree| tables::Tree::new(trees, tree));
            return Some(Self::Tables(trees.collect(), avx512));
        }
        let trees = all.map(|tree| nodes::Tree::new(trees, tree));
        Some(Self::Nodes(trees.collect()))
    }

    /// Bytes of memory that [`Self::new`] takes at most.
    pub fn bytes(trees: &Ensemble, features: usize) -> usize {
        if fit(trees, features) {
            #[cfg(target_arch = "x86_64")]
            const TABLES: usize = size_of::<tables::Tree>();
            #[cfg(not(target_arch = "x86_64"))]
            const TABLES: usize = 0;
            trees.count() * size_of::<nodes::Tree>().max(TABLES)
        } else {
            0
        }
    }

    /// Adds to each of the `sums` what the trees give for its reading, as [`super::Ensemble::sum`] does; `readings` holds as many
    /// numbers for each.
    pub fn add_sums(&self, readings: &[f32], sums: &mut [f64]) {
        match self {
            Self::Nodes(trees) => nodes::add_sums(trees, readings, sums),
            #[cfg(target_arch = "x86_64")]
            Self::Tables(trees, avx512) => match readings.len() / sums.len().max(1) {
                0..=2 => add_by_tables::<1>(trees, *avx512, readings, sums),
                3..=4 => add_by_tables::<2>(trees, *avx512, readings, sums),
                5..=6 => add_by_tables::<3>(trees, *avx512, readings, sums),
                _ => add_by_tables::<{ FEATURES / 2 }>(trees, *avx512, readings, sums),
            },
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn add_by_tables<const PAIRS: usize>(
    trees: &[tables::Tree],
    avx512: Avx512,
    readings: &[f32],
    sums: &mut [f64],
) {
    let width = (readings.len() / sums.len().max(1)).max(1);
    let groups = readings.chunks(ABREAST * width);
    let groups: Vec<_> = groups.map(|rows| group::<PAIRS>(rows, width)).collect();
    add_sums(avx512, trees, &groups, sums);
}

fn fit(trees: &Ensemble, features: usize) -> bool {
    trees.width() == 1 && trees.depth() <= STEPS && features <= FEATURES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::trees::{Number, Split};

    /// Numbers in steps of 0.1, so that readings lie on thresholds.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, count: u32) -> u32 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            u32::try_from(self.0 >> 33).unwrap() % count
        }

        fn number(&mut self) -> f64 {
            f64::from(self.below(40)) * 0.1 - 2.0
        }
    }

    /// A tree of at most so many steps; about one node of four above them is a leaf.
    fn tree(numbers: &mut Numbers, steps: u32, features: u32) -> Vec<Split> {
        let leaf = |value| Split {
            children: None,
            feature: 0,
            threshold: 0.0,
            value,
        };
        let mut splits = vec![leaf(1.0)];
        let mut open = vec![(0, 0)];
        while let Some((at, step)) = open.pop() {
            splits[at] = leaf(f64::from(numbers.below(1000)) / 7.0);
            if step == steps || (step > 0 && numbers.below(4) == 0) {
                continue;
            }
            let first = splits.len();
            splits[at].children = Some([
                u32::try_from(first).unwrap(),
                u32::try_from(first + 1).unwrap(),
            ]);
            splits[at].feature = numbers.below(features);
            splits[at].threshold = numbers.number();
            splits.extend([leaf(0.0), leaf(0.0)]);
            open.extend([(first, step + 1), (first + 1, step + 1)]);
        }
        splits
    }

    #[test]
    fn sums_are_those_of_the_plain_walk() {
        let mut numbers = Numbers(7);
        for features in 1..=u32::try_from(FEATURES).unwrap() {
            let mut trees = Ensemble::default();
            for steps in [0, 1, 3, 5, 7, STEPS, STEPS] {
                trees
                    .add(&tree(&mut numbers, steps, features), Some)
                    .unwrap();
            }
            let width = features as usize;
            for path in Path::available() {
                let full = Full::new(&trees, width, path).unwrap();
                for rows in [1, 7, 8, 9, 15, 16, 17, 32, 33, 100] {
                    let numbers = (0..rows * width).map(|_| numbers.number());
                    let readings: Vec<f32> = numbers.map(f32::of).collect();
                    let mut sums = vec![0.5; rows];
                    full.add_sums(&readings, &mut sums);
                    for (reading, sum) in readings.chunks(width).zip(sums) {
                        let mut plain = [0.5];
                        trees.add_sums(reading, &mut plain);
                        assert_eq!(sum.to_bits(), plain[0].to_bits(), "{path:?}, {reading:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_left_to_others() {
        let mut numbers = Numbers(3);
        let mut trees = Ensemble::default();
        trees.add(&tree(&mut numbers, STEPS + 1, 2), Some).unwrap();
        assert!(Full::new(&trees, 2, Path::Scalar).is_none());
        assert_eq!(Full::bytes(&trees, 2), 0);
        let mut trees = Ensemble::default();
        trees.add(&tree(&mut numbers, STEPS, 2), Some).unwrap();
        assert!(Full::new(&trees, FEATURES + 1, Path::Scalar).is_none());
        assert!(Full::bytes(&trees, FEATURES) > 0);
    }
}
