//! The sum over the support vectors of a model with an RBF kernel, several at once.

use super::exponential::{LANES, exp_of_negatives};
use super::kernel::squared_distance;

/// A kernel's width and support vectors, as in [`super::Model`].
#[derive(Clone, Copy)]
pub(super) struct Rbf<'a> {
    /// Inverse squared width, above 0.
    pub gamma: f64,
    /// n rows of as many numbers as a row of readings has.
    pub vectors: &'a [f64],
    /// n coefficients.
    pub coefficients: &'a [f64],
}

/// The sum of alpha exp(-gamma |row - sv|^2) over all support vectors.
pub(super) type Sum = fn(&Rbf<'_>, &[f64]) -> f64;

impl Rbf<'_> {
    /// The ways to the sum that this processor has, the fastest first; there is always one.
    pub(super) fn ways() -> impl Iterator<Item = Sum> {
        #[cfg(target_arch = "x86_64")]
        let special = {
            use std::arch::is_x86_feature_detected as has;
            let avx512 = has!("avx512f") && has!("avx512dq") && has!("avx512vl") && has!("fma");
            let avx2 = has!("avx2") && has!("fma");
            [
                avx512.then_some(sum_with_avx512 as Sum),
                avx2.then_some(sum_with_avx2 as Sum),
            ]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let special: [Option<Sum>; 0] = [];
        special.into_iter().flatten().chain([sum::<false> as Sum])
    }
}

/// Defines `$name`: the sum in the instructions of processors with `$features`.
///
/// `Rbf::ways` hands it out on such a processor alone.
#[cfg(target_arch = "x86_64")]
macro_rules! sum_with {
    ($name:ident, $features:literal) => {
        fn $name(rbf: &Rbf<'_>, row: &[f64]) -> f64 {
            #[target_feature(enable = $features)]
            fn with_features(rbf: &Rbf<'_>, row: &[f64]) -> f64 {
                sum::<true>(rbf, row)
            }
            // SAFETY: `with_features` is safe code that asks for nothing but a processor with these features, and
            // `Rbf::ways` has made sure of them.
            #[allow(
                unsafe_code,
                reason = "the one call of a function for some processors only"
            )]
            unsafe {
                with_features(rbf, row)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
sum_with!(sum_with_avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
sum_with!(sum_with_avx512, "avx512f,avx512dq,avx512vl,fma");

#[allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
#[inline(always)]
fn sum<const FUSED: bool>(rbf: &Rbf<'_>, row: &[f64]) -> f64 {
    let width = row.len();
    let mut total = 0.0;
    let vectors = rbf.vectors.chunks(LANES * width);
    for (coefficients, vectors) in rbf.coefficients.chunks(LANES).zip(vectors) {
        let mut lanes = [0.0; LANES];
        if let ([x], Ok(vectors)) = (row, <&[f64; LANES]>::try_from(vectors)) {
            for (lane, y) in lanes.iter_mut().zip(vectors) {
                *lane = -rbf.gamma * ((x - y) * (x - y));
            }
        } else {
            for (lane, vector) in lanes.iter_mut().zip(vectors.chunks_exact(width)) {
                *lane = -rbf.gamma * squared_distance(row, vector);
            }
        }
        exp_of_negatives::<FUSED>(&mut lanes);
        for (coefficient, value) in coefficients.iter().zip(lanes) {
            total += coefficient * value;
        }
    }
    total
}
