//! The kernels as what they do to each feature and to the sum over the features.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "a loop over a fixed number of lanes is what the compiler vectorises"
)]

use std::f64::consts::LOG2_E;

use super::exponential::{exp2, multiply_add};

/// Highest power of 2 that is worked out; tanh is 1 long before.
const MOST: f64 = 1020.0;

/// A kernel: a sum over the features, and what is made of it.
pub(super) trait Shape: Copy {
    /// `sum` with one more feature, z of the row and w of the support vector.
    fn add<const FUSED: bool>(self, sum: f64, z: f64, w: f64) -> f64;

    /// Makes the kernel's values of the sums.
    fn finish<const FUSED: bool, const L: usize>(self, sums: &mut [f64; L]);
}

/// RBF as 2^(factor |z - w|^2), whatever the offset of the numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Differences {
    /// -gamma log2(e)
    pub factor: f64,
}

/// RBF as 2^(2 z w - |z|^2 - |w|^2), in which w is doubled already, and the rest is what the sum starts from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Products;

/// (gamma z w + coef0)^degree
#[derive(Clone, Copy, Debug)]
pub(super) struct Polynomial {
    /// Factor of the dot product.
    pub gamma: f64,
    /// Added to it.
    pub coef0: f64,
    /// The exponent.
    pub degree: u32,
}

/// tanh(gamma z w + coef0)
#[derive(Clone, Copy, Debug)]
pub(super) struct Sigmoid {
    /// Factor of the dot product.
    pub gamma: f64,
    /// Added to it.
    pub coef0: f64,
}

impl Shape for Differences {
    #[inline(always)]
    fn add<const FUSED: bool>(self, sum: f64, z: f64, w: f64) -> f64 {
        let difference = z - w;
        multiply_add::<FUSED>(difference, difference, sum)
    }

    #[inline(always)]
    fn finish<const FUSED: bool, const L: usize>(self, sums: &mut [f64; L]) {
        for lane in 0..L {
            sums[lane] *= self.factor;
        }
        exp2::<FUSED, L>(sums);
    }
}

impl Shape for Products {
    #[inline(always)]
    fn add<const FUSED: bool>(self, sum: f64, z: f64, w: f64) -> f64 {
        multiply_add::<FUSED>(z, w, sum)
    }

    #[inline(always)]
    fn finish<const FUSED: bool, const L: usize>(self, sums: &mut [f64; L]) {
        exp2::<FUSED, L>(sums);
    }
}

impl Shape for Polynomial {
    #[inline(always)]
    fn add<const FUSED: bool>(self, sum: f64, z: f64, w: f64) -> f64 {
        multiply_add::<FUSED>(z, w, sum)
    }

    /// By repeated squaring, as libsvm does.
    #[inline(always)]
    fn finish<const FUSED: bool, const L: usize>(self, sums: &mut [f64; L]) {
        let mut squares = *sums;
        for square in &mut squares {
            *square = multiply_add::<FUSED>(self.gamma, *square, self.coef0);
        }
        *sums = [1.0; L];
        let mut exponent = self.degree;
        while exponent > 0 {
            if exponent % 2 == 1 {
                for (power, square) in sums.iter_mut().zip(&squares) {
                    *power *= square;
                }
            }
            for square in &mut squares {
                *square *= *square;
            }
            exponent /= 2;
        }
    }
}

impl Shape for Sigmoid {
    #[inline(always)]
    fn add<const FUSED: bool>(self, sum: f64, z: f64, w: f64) -> f64 {
        multiply_add::<FUSED>(z, w, sum)
    }

    /// tanh(b) = 1 - 2 / (1 + e^2b)
    #[inline(always)]
    fn finish<const FUSED: bool, const L: usize>(self, sums: &mut [f64; L]) {
        for sum in sums.iter_mut() {
            let x = multiply_add::<FUSED>(self.gamma, *sum, self.coef0) * (2.0 * LOG2_E);
            *sum = if x > MOST { MOST } else { x };
        }
        exp2::<FUSED, L>(sums);
        for power in sums {
            *power = 1.0 - 2.0 / (1.0 + *power);
        }
    }
}
