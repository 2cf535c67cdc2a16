//! exp(x) of many x at once, in steps that the compiler turns into vector instructions.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]

/// Numbers that are worked on at once.
pub(super) const LANES: usize = 8;

/// Below this exp(x) is less than the smallest normal number; it counts as 0.
const LEAST: f64 = -708.0;
/// Adding and taking it off again rounds to a whole number, which is then in the low bits of the sum: 1.5 * 2^52.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has so few digits that its multiples by exponents are exact (Cody and Waite).
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1/n! for n from 13 down to 0: the Taylor polynomial, whose error for |r| <= ln(2)/2 is below 5e-18.
const TAYLOR: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
    1.0,
    1.0,
];

/// Replaces each x, which is at most 0, by exp(x), to a relative error below 1e-15.
///
/// `FUSED` multiplies and adds in one rounding; without an instruction for that it is slow, not wrong.
#[inline(always)]
pub(super) fn exp_of_negatives<const FUSED: bool>(numbers: &mut [f64; LANES]) {
    for x in numbers {
        *x = exp_of_negative::<FUSED>(*x);
    }
}

/// x = k ln 2 + r with |r| <= ln(2)/2, so exp(x) = 2^k exp(r).
#[inline(always)]
fn exp_of_negative<const FUSED: bool>(x: f64) -> f64 {
    let bounded = if x < LEAST { LEAST } else { x };
    let shifted = multiply_add::<FUSED>(bounded, std::f64::consts::LOG2_E, ROUNDING);
    let k = shifted - ROUNDING;
    let r = multiply_add::<FUSED>(-k, LN_2_HIGH, bounded);
    let r = multiply_add::<FUSED>(-k, LN_2_LOW, r);
    let mut sum = 0.0;
    for factor in TAYLOR {
        sum = multiply_add::<FUSED>(sum, r, factor);
    }
    // The low bits of `shifted` are k; k + 1023, moved to its place, is the exponent of 2^k.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    let value = if x < LEAST { 0.0 } else { sum * power };
    if x.is_nan() { x } else { value }
}

#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exp<const FUSED: bool>(x: f64) -> f64 {
        let mut numbers = [x; LANES];
        exp_of_negatives::<FUSED>(&mut numbers);
        numbers[LANES - 1]
    }

    #[test]
    fn ends_of_the_range() {
        for exp in [exp::<false>, exp::<true>] {
            assert_eq!(exp(0.0), 1.0);
            assert_eq!(exp(-0.0), 1.0);
            assert_eq!(exp(-1e300), 0.0);
            assert_eq!(exp(f64::NEG_INFINITY), 0.0);
            assert!(exp(-707.9) > 0.0);
            assert!(exp(f64::NAN).is_nan());
        }
    }

    proptest! {
        /// Against the C library's function, whose own error is below the last digit.
        #[test]
        fn as_exact_as_the_c_library(x in prop_oneof![-708.0..=0.0, -1.0..=0.0, -1e-6..=0.0]) {
            let right = f64::exp(x);
            for exp in [exp::<false>(x), exp::<true>(x)] {
                prop_assert!((exp - right).abs() <= 1e-15 * right, "{x}: {exp} is not {right}");
            }
        }
    }
}
