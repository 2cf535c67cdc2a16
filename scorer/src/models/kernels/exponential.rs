//! 2^x of many x at once, in steps that the compiler turns into vector instructions.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "a loop over a fixed number of lanes is what the compiler vectorises"
)]

use std::f64::consts::LN_2;

/// Below this 2^x is as good as 0; it comes out as 2^-1021.
const LEAST: f64 = -1021.0;
/// Adding and taking it off again rounds to a whole number, which is then in the low bits of the sum: 1.5 * 2^52.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// The polynomial of degree 11 closest to 2^r for |r| <= 1/2 in relative error (Remez' exchange): 3e-18, with these rounded
/// coefficients 4e-17. The lowest power comes first.
const POLYNOMIAL: [f64; 12] = [
    1.0,
    LN_2,
    0.240_226_506_959_101_55,
    0.055_504_108_664_819_925,
    0.009_618_129_107_588_335,
    0.001_333_355_814_678_976_9,
    0.000_154_035_304_625_144_5,
    1.525_273_348_997_545_4e-5,
    1.321_543_308_967_195_5e-6,
    1.017_819_802_711_265_9e-7,
    7.074_105_613_499_429e-9,
    4.435_281_892_117_942e-10,
];

/// Replaces each x, which is at most 1020, by 2^x to a relative error below 8 units of rounding
/// (2^-53); an x below -1021 gives 2^-1021.
///
/// `FUSED` multiplies and adds in one rounding; without an instruction for that it is slow, not wrong. What is not a number
/// gives any number.
#[inline(always)]
pub(super) fn exp2<const FUSED: bool, const L: usize>(numbers: &mut [f64; L]) {
    for lane in 0..L {
        numbers[lane] = exp2_of_one::<FUSED>(numbers[lane]);
    }
}

/// x = n + r with a whole number n and |r| <= 1/2, so 2^x = 2^n 2^r. The polynomial goes by Estrin's scheme: twice the
/// instructions at once of Horner's, for two more.
#[inline(always)]
fn exp2_of_one<const FUSED: bool>(x: f64) -> f64 {
    let x = if x < LEAST { LEAST } else { x };
    let shifted = x + ROUNDING;
    let r = x - (shifted - ROUNDING);
    let r2 = r * r;
    let r4 = r2 * r2;
    let mut two = [0.0; 6];
    for pair in 0..6 {
        two[pair] = multiply_add::<FUSED>(POLYNOMIAL[2 * pair + 1], r, POLYNOMIAL[2 * pair]);
    }
    let low = multiply_add::<FUSED>(two[1], r2, two[0]);
    let middle = multiply_add::<FUSED>(two[3], r2, two[2]);
    let high = multiply_add::<FUSED>(two[5], r2, two[4]);
    let power = multiply_add::<FUSED>(multiply_add::<FUSED>(high, r4, middle), r4, low);
    // The low bits of `shifted` are n; moved to their place they add n to the exponent.
    f64::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// a * b + c, in one rounding if `FUSED`.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(x: f64) -> [f64; 2] {
        let (mut apart, mut fused) = ([x], [x]);
        exp2::<false, 1>(&mut apart);
        exp2::<true, 1>(&mut fused);
        [apart[0], fused[0]]
    }

    #[test]
    fn ends_of_the_range() {
        for x in -1021..1020 {
            assert_eq!(both(f64::from(x)), [2.0_f64.powi(x); 2], "{x}");
        }
        let least = 2.0_f64.powi(-1021);
        for x in [-1021.0 - 1e-9, -1022.0, -1e9, -1e300, f64::NEG_INFINITY] {
            assert_eq!(both(x), [least; 2], "{x}");
        }
    }

    proptest! {
        /// Against the C library's function, whose own error is below the last digit.
        #[test]
        fn as_exact_as_the_c_library(x in prop_oneof![-1021.0..=0.0, -1.0..=0.0, -1e-6..=1e-6, 0.0..=1020.0]) {
            let right = f64::exp2(x);
            for power in both(x) {
                prop_assert!((power - right).abs() <= 8.0 * f64::EPSILON / 2.0 * right, "{x}: {power} is not {right}");
            }
        }
    }
}
