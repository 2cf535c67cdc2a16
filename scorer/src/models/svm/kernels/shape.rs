//! The kernels as what they do to each feature and to the sum over the features.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
use std::f64::consts::LOG2_E;

use super::lanes::Lanes;

/// Highest power of 2 that is worked out; tanh is 1 long before.
const MOST: f64 = 1020.0;

/// A kernel: a sum over the features, and what is made of it.
pub(super) trait Shape: Copy {
    /// `sum` with one more feature, z of the rows and w of the support vector: of the dot product, as most kernels have it.
    #[inline(always)]
    fn add<I: Lanes<L>, const L: usize>(
        self,
        lanes: I,
        sum: I::Vector,
        z: I::Vector,
        w: I::Vector,
    ) -> I::Vector {
        lanes.multiply_add(z, w, sum)
    }

    /// The kernel's values from the sums.
    fn finish<I: Lanes<L>, const L: usize>(self, lanes: I, sums: I::Vector) -> I::Vector;
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
    fn add<I: Lanes<L>, const L: usize>(
        self,
        lanes: I,
        sum: I::Vector,
        z: I::Vector,
        w: I::Vector,
    ) -> I::Vector {
        let difference = lanes.subtract(z, w);
        lanes.multiply_add(difference, difference, sum)
    }

    #[inline(always)]
    fn finish<I: Lanes<L>, const L: usize>(self, lanes: I, sums: I::Vector) -> I::Vector {
        lanes.exp2(lanes.multiply(sums, lanes.all(self.factor)))
    }
}

impl Shape for Products {
    #[inline(always)]
    fn finish<I: Lanes<L>, const L: usize>(self, lanes: I, sums: I::Vector) -> I::Vector {
        lanes.exp2(sums)
    }
}

impl Shape for Polynomial {
    /// By repeated squaring, as libsvm does.
    #[inline(always)]
    fn finish<I: Lanes<L>, const L: usize>(self, lanes: I, sums: I::Vector) -> I::Vector {
        let (gamma, coef0) = (lanes.all(self.gamma), lanes.all(self.coef0));
        let mut square = lanes.multiply_add(gamma, sums, coef0);
        let mut power = lanes.all(1.0);
        let mut exponent = self.degree;
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = lanes.multiply(power, square);
            }
            square = lanes.multiply(square, square);
            exponent /= 2;
        }
        power
    }
}

impl Shape for Sigmoid {
    /// tanh(b) = 1 - 2 / (1 + e^2b)
    #[inline(always)]
    fn finish<I: Lanes<L>, const L: usize>(self, lanes: I, sums: I::Vector) -> I::Vector {
        let (gamma, coef0) = (lanes.all(self.gamma), lanes.all(self.coef0));
        let argument = lanes.multiply_add(gamma, sums, coef0);
        let mut numbers = lanes.store(lanes.multiply(argument, lanes.all(2.0 * LOG2_E)));
        for number in &mut numbers {
            *number = if *number > MOST { MOST } else { *number };
        }
        numbers = lanes.store(lanes.exp2(lanes.load(&numbers)));
        for number in &mut numbers {
            *number = 1.0 - 2.0 / (1.0 + *number);
        }
        lanes.load(&numbers)
    }
}
