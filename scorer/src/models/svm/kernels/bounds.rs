//! How far a fast score may be from the reference's: where |f| is larger, both have the same sign.
//!
//! u is the unit of rounding, 2^-53; n the number of support vectors, d that of features, A the sum of |alpha|. Every bound
//! covers both sides, the fast sum's distance from the true one and the reference's own; the subtraction of rho at the end
//! never turns a sign. What is below counts first powers of u and leaves tens of u for the rest.
//!
//! The reference, `sum += alpha * exp(-gamma * S)` with S a sum of d squares: S is off by (d+2)u of itself, the exponent x by
//! (d+3)u. As x e^-x <= 1/e, that moves K by 0.37(d+3)u; exp adds 2u, the product u, the sum over n terms n u, all times A.
//!
//! RBF by differences, K = 2^-(gamma log2(e) S): the same, with 2u more in the factor and the [`UNITS`] of 2^x, whatever
//! the path: its error is a share of K, so that of the sum is the same share of A at most.
//!
//! RBF by products, in a frame z' = s(z-c), w' = s(w-c) with s^2 = gamma log2(e), |w'| <= M, N = |z'| + M: 5u of x from s. The
//! rounded coordinates move the distance t by 2u N, and K by ln2 2t 2^(-t^2) of that, at most 0.72 * 2u N. The sum that
//! starts from -|z'|^2-|w'|^2 never exceeds N^2, and each of its 2d+1 steps rounds by u N^2 at most: K moves by
//! ln2 (2d+1) u N^2 2^(-t^2). But t >= |z'| - M, so that where N is larger than 2M + 1 the power of 2 has more than made up for
//! it: over all rows 2^(-t^2) N^2 <= (2M+1)^2, and in the same way 1.5u(2M+1) covers the coordinates. From N = 2M + 8 on K is
//! below 2^-64, and so is what comes out, whose exponent is off by 1e-11 of itself at most; a row of infinite |z'|^2 is
//! left to the reference.
//!
//! The curve: see [`super::series`] for its distance from the true sum. n u for the sums over the support vectors, some 420u
//! for those over neighbours, 50u for the polynomial. A place off by 3u P, P the number of pieces of width 0.375 / sqrt(gamma),
//! moves K by 0.33 of that, once for the row and once for the support vector.
//!
//! Polynomial and sigmoid, with B >= gamma |z||w| + |coef0|: both sides have b = gamma z w + coef0 to (d+2)u B. A power p
//! multiplies that by p B^(p-1) and rounds p times. The slope of tanh is at most 1; its value 1 - 2/(1+e) is within 20u,
//! and half of the error of e as a share of e.
//!
//! Linear: f is a sum of products z alpha w over features and support vectors. Either order of the sums rounds (n+d+2) times,
//! each time by u of the sum of |z| |alpha| |w| at most.
//!
//! Numbers near the ends of the range: [`TINY`] outweighs what underflows, and what might overflow has an infinite bound.

use super::exponential::UNITS;

/// The unit of rounding.
const UNIT: f64 = f64::EPSILON / 2.0;
/// Far above the numbers that lose digits for being small, far below those that count.
const TINY: f64 = 1e-290;
/// Sums of sizes below this do not overflow, whatever their order.
const HUGE: f64 = 1e300;
/// What the products may cost in accuracy, as a share of A; otherwise the differences do the work.
const WORTH: f64 = 6e-13;

/// The sizes of a model that bounds depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The number of support vectors, n.
    pub vectors: f64,
    /// The number of features, d.
    pub features: f64,
    /// The sum of the coefficients' sizes, A.
    pub alphas: f64,
}

/// The bound of a kernel of dot products, which depends on the row.
#[derive(Clone, Copy, Debug)]
pub(super) struct DotBound {
    /// The model's sizes.
    pub sizes: Sizes,
    /// Largest |w|^2.
    pub largest: f64,
    /// Factor of the dot product.
    pub gamma: f64,
    /// |coef0|
    pub coef0: f64,
}

impl Sizes {
    /// Whether sums of the coefficients cannot overflow.
    pub fn are_usable(&self) -> bool {
        self.alphas < HUGE
    }

    fn near(&self, units: f64) -> f64 {
        self.alphas * UNIT * units + self.underflow()
    }

    /// n products alpha K, each off by the smallest normal number at most.
    fn underflow(&self) -> f64 {
        self.vectors * f64::MIN_POSITIVE
    }

    /// RBF by differences.
    pub fn differences(&self) -> f64 {
        self.near(2.0 * self.vectors + self.features + 24.0 + UNITS)
    }

    /// RBF by products, with the support vectors within `reach` of the frame's centre; none if they cost too much accuracy.
    pub fn products(&self, reach: f64) -> Option<f64> {
        let span = 2.0 * reach + 1.0;
        let units = 0.7 * (2.0 * self.features + 1.0) * span * span + 1.5 * span;
        (UNIT * units <= WORTH)
            .then(|| self.near(2.0 * self.vectors + self.features + 32.0 + UNITS + units))
    }

    /// The curve of so many pieces, whose values are within `series` of A of the true ones.
    pub fn curve(&self, pieces: f64, series: f64) -> f64 {
        self.near(2.0 * self.vectors + 2.0 * pieces + 1000.0 + series / UNIT)
    }

    /// Linear: `products` is the sum of |z| |alpha| |w| over features and support vectors, `row` that of |z| over the features.
    #[inline]
    pub fn linear(&self, products: f64, row: f64) -> f64 {
        if products < HUGE && row < HUGE {
            let underflow = self.features * (self.alphas + 1.0) + self.vectors * (row + 1.0);
            UNIT * (2.0 * self.vectors + 2.0 * self.features + 20.0) * products
                + underflow * f64::MIN_POSITIVE
        } else {
            f64::INFINITY
        }
    }
}

impl DotBound {
    /// |z||w| of a row with this |z|^2, rather more than less; infinite where a dot product might overflow.
    #[inline]
    pub fn reach(largest: f64, square: f64) -> f64 {
        let reach = (square + TINY).sqrt() * (largest + TINY).sqrt();
        if reach < HUGE.sqrt() {
            reach
        } else {
            f64::INFINITY
        }
    }

    /// B
    #[inline]
    fn argument(&self, square: f64) -> f64 {
        self.gamma * Self::reach(self.largest, square) + self.coef0 + TINY * (1.0 + self.gamma)
    }

    /// The polynomial of this degree.
    #[inline]
    pub fn polynomial(&self, degree: u32, square: f64) -> f64 {
        let degree = f64::from(degree);
        let power = self.argument(square).powf(degree);
        let size = self.sizes.alphas * power;
        if power < HUGE && size < HUGE {
            let units = degree * (2.0 * self.sizes.features + 12.0) + 2.0 * self.sizes.vectors;
            UNIT * (units + 20.0) * size + self.small()
        } else {
            f64::INFINITY
        }
    }

    /// The sigmoid.
    #[inline]
    pub fn sigmoid(&self, square: f64) -> f64 {
        let argument = self.argument(square);
        if argument < HUGE {
            let units = (2.0 * self.sizes.features + 10.0) * argument + 2.0 * self.sizes.vectors;
            UNIT * (units + 36.0 + UNITS / 2.0) * self.sizes.alphas + self.small()
        } else {
            f64::INFINITY
        }
    }

    /// What underflows in the kernel and in its products with the coefficients.
    #[inline]
    fn small(&self) -> f64 {
        (self.sizes.alphas + self.sizes.vectors) * f64::MIN_POSITIVE
    }
}
