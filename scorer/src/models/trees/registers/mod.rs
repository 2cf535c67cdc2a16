//! Small trees over few features, walked in the processor's registers: [`Full`] lays them out, [`Avx512`] walks them.

mod full;
mod x86;

use full::{ABREAST, FEATURES, STEPS, Tree, group};
use x86::{Avx512, add_sums};

use super::Ensemble;

/// The trees of an ensemble, laid out for registers. A tree of isolation of 256 samples, scikit-learn's default, fits.
#[derive(Debug)]
pub(super) struct Full {
    trees: Vec<Tree>,
    avx512: Avx512,
}

impl Full {
    /// Lays the trees out. None when one is too deep, a reading has too many features, or the processor cannot walk so.
    pub fn new(trees: &Ensemble, features: usize) -> Option<Self> {
        let avx512 = Avx512::detect().filter(|_| fit(trees, features))?;
        let trees = (0..trees.count()).map(|tree| Tree::new(trees, tree));
        Some(Self {
            trees: trees.collect(),
            avx512,
        })
    }

    /// Bytes of memory that [`Self::new`] takes at most.
    pub fn bytes(trees: &Ensemble, features: usize) -> usize {
        if fit(trees, features) {
            trees.count() * size_of::<Tree>()
        } else {
            0
        }
    }

    /// Adds to each of the `sums` what the trees give for its reading, as [`super::Ensemble::sum`] does; `readings` holds as many
    /// numbers for each.
    pub fn add_sums(&self, readings: &[f32], sums: &mut [f64]) {
        match readings.len() / sums.len().max(1) {
            0..=2 => self.add_by::<1>(readings, sums),
            3..=4 => self.add_by::<2>(readings, sums),
            5..=6 => self.add_by::<3>(readings, sums),
            _ => self.add_by::<{ FEATURES / 2 }>(readings, sums),
        }
    }

    fn add_by<const PAIRS: usize>(&self, readings: &[f32], sums: &mut [f64]) {
        let width = (readings.len() / sums.len().max(1)).max(1);
        let groups = readings.chunks(ABREAST * width);
        let groups: Vec<_> = groups.map(|rows| group::<PAIRS>(rows, width)).collect();
        add_sums(self.avx512, &self.trees, &groups, sums);
    }
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
            let Some(full) = Full::new(&trees, width) else {
                assert!(Avx512::detect().is_none(), "{features} features fit");
                return;
            };
            for rows in [1, 15, 16, 17, 32, 33, 100] {
                let numbers = (0..rows * width).map(|_| numbers.number());
                let readings: Vec<f32> = numbers.map(f32::of).collect();
                let mut sums = vec![0.5; rows];
                full.add_sums(&readings, &mut sums);
                for (reading, sum) in readings.chunks(width).zip(sums) {
                    let mut plain = [0.5];
                    trees.add_sums(reading, &mut plain);
                    assert_eq!(sum.to_bits(), plain[0].to_bits(), "{reading:?}");
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_left_to_others() {
        let mut numbers = Numbers(3);
        let mut trees = Ensemble::default();
        trees.add(&tree(&mut numbers, STEPS + 1, 2), Some).unwrap();
        assert!(Full::new(&trees, 2).is_none());
        assert_eq!(Full::bytes(&trees, 2), 0);
        let mut trees = Ensemble::default();
        trees.add(&tree(&mut numbers, STEPS, 2), Some).unwrap();
        assert!(Full::new(&trees, FEATURES + 1).is_none());
        assert!(Full::bytes(&trees, FEATURES) > 0);
    }
}
