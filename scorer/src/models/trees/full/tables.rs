use super::fill::fill;
use super::{PLACES, STEPS};
use crate::models::trees::Ensemble;

/// Readings that walk side by side.
pub const ABREAST: usize = 16;

/// A full tree, in tables for the places of its inner nodes that registers are filled from.
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
    /// The tree of this number.
    ///
    /// # Panics
    ///
    /// When it does not fit, or there is no such tree.
    pub fn new(trees: &Ensemble, tree: usize) -> Self {
        let mut thresholds = [[f32::INFINITY.to_bits().cast_signed(); ABREAST]; PLACES / ABREAST];
        let mut columns = [[0; ABREAST]; PLACES / ABREAST];
        let values = fill(trees, tree, STEPS, |place, node| {
            let (register, lane) = (place / ABREAST, place % ABREAST);
            thresholds[register][lane] = node.threshold.to_bits().cast_signed();
            columns[register][lane] = node.feature.cast_signed() << 4;
        });
        Self {
            thresholds,
            columns,
            values,
        }
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
