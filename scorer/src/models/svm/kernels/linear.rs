#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "a loop over a fixed number of lanes is what the compiler vectorises"
)]

use super::bounds::{DotBound, Sizes};
use super::exponential::multiply_add;
use super::norms::{largest, squares};
use super::tile::Tile;
use crate::models::svm::OneClassSvm;

/// The linear kernel, whose support vectors add up to one.
#[derive(Debug)]
pub(super) struct Linear {
    /// sum alpha w, a number a feature.
    weights: Vec<f64>,
    /// sum |alpha| |w|, a number a feature.
    magnitudes: Vec<f64>,
    /// Largest |w|^2.
    largest: f64,
    sizes: Sizes,
}

impl Linear {
    /// Adds the support vectors up.
    pub fn new(model: &OneClassSvm, sizes: Sizes) -> Self {
        let mut weights = vec![0.0; model.features];
        let mut magnitudes = vec![0.0; model.features];
        let vectors = model.support_vectors.chunks_exact(model.features);
        for (alpha, vector) in model.coefficients.iter().zip(vectors) {
            for ((weight, magnitude), value) in weights.iter_mut().zip(&mut magnitudes).zip(vector)
            {
                *weight += alpha * value;
                *magnitude += (alpha * value).abs();
            }
        }
        Self {
            weights,
            magnitudes,
            largest: largest(squares(&model.support_vectors, model.features)),
            sizes,
        }
    }

    /// The sum over the support vectors for each row, and its bound.
    #[inline(always)]
    pub fn sums<const FUSED: bool, const L: usize>(&self, tile: &Tile<L>) -> ([f64; L], [f64; L]) {
        let (mut sums, mut products, mut rows) = ([0.0; L], [0.0; L], [0.0; L]);
        let factors = self.weights.iter().zip(&self.magnitudes);
        for (column, (weight, magnitude)) in tile.columns.iter().zip(factors) {
            for lane in 0..L {
                let size = column[lane].abs();
                sums[lane] = multiply_add::<FUSED>(column[lane], *weight, sums[lane]);
                products[lane] = multiply_add::<FUSED>(size, *magnitude, products[lane]);
                rows[lane] += size;
            }
        }
        let near = std::array::from_fn(|lane| {
            if DotBound::reach(self.largest, tile.squares[lane]) < f64::INFINITY {
                self.sizes.linear(products[lane], rows[lane])
            } else {
                f64::INFINITY
            }
        });
        (sums, near)
    }
}
