//! 2^x of many x at once.
//!
//! The error of a polynomial here is that of its rounded coefficients, found on a fine grid in 50 digits; each step of rounding
//! adds its share. The label never depends on it: [`super::bounds`] allows for all of it. So the polynomials have no more terms
//! than that needs.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]

use super::lanes::Lanes;

/// No result is further than this off, in units of rounding (2^-53) of itself.
pub(super) const UNITS: f64 = 128.0;
/// Below this 2^x is as good as 0; it comes out as 2^-1021, or next to it.
pub(super) const LEAST: f64 = -1021.0;
/// Adding it leaves x rounded to a whole number, which is then in the low bits of the sum: 1.5 * 2^52.
pub(super) const WHOLE: f64 = 6_755_399_441_055_744.0;

/// Lanes with what 2^x by a polynomial alone takes.
pub(super) trait ExponentLanes<const L: usize>: Lanes<L> {
    /// a * 2^n, n being the low bits of `shifted`.
    fn raise(self, a: Self::Vector, shifted: Self::Vector) -> Self::Vector;
}

/// The polynomial of degree 9 closest to 2^r for |r| <= 1/2 in relative error (Remez' exchange): 122.5 units. The lowest power
/// comes first.
const HALVES: [f64; 10] = [
    1.000_000_000_000_012_7,
    0.693_147_180_559_871,
    0.240_226_506_956_496_53,
    0.055_504_108_668_685_53,
    0.009_618_129_192_067_507,
    0.001_333_355_761_761_431_3,
    0.000_154_034_349_478_844_95,
    1.525_298_483_383_396_7e-5,
    1.325_940_565_009_458_4e-6,
    1.015_033_752_961_889_9e-7,
];

/// x = n + r with a whole number n and |r| <= 1/2, so 2^x = 2^n 2^r. The polynomial goes by Estrin's scheme: more instructions
/// at once than Horner's, for two more.
///
/// r is exact. The sums of the first two terms, of the first four and of all round by 1 unit of the result each at most, and all
/// else by 0.6, also without an instruction that multiplies and adds: 3.6 units.
#[inline(always)]
pub(super) fn exp2_by_polynomial<I: ExponentLanes<L>, const L: usize>(
    lanes: I,
    x: I::Vector,
) -> I::Vector {
    let whole = lanes.all(WHOLE);
    let x = lanes.at_least(x, lanes.all(LEAST));
    let shifted = lanes.add(x, whole);
    let r = lanes.subtract(x, lanes.subtract(shifted, whole));
    let square = lanes.multiply(r, r);
    let fourth = lanes.multiply(square, square);
    let two = |least: usize| {
        lanes.multiply_add(lanes.all(HALVES[least + 1]), r, lanes.all(HALVES[least]))
    };
    let low = lanes.multiply_add(two(2), square, two(0));
    let middle = lanes.multiply_add(two(6), square, two(4));
    let high = lanes.multiply_add(two(8), fourth, middle);
    lanes.raise(lanes.multiply_add(high, fourth, low), shifted)
}

/// a * b + c, in one rounding if `FUSED`; without an instruction for that it is slow, not wrong.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    use super::super::any::Any;
    use super::super::dispatch::exp2_by;
    use super::super::table::exp2_by_table;
    use super::*;
    use crate::models::path::Path;

    /// 2^x by every path that this processor has, and by the table in steps of any processor.
    fn all(x: f64) -> Vec<f64> {
        let by_paths = Path::available().map(|path| exp2_by(path, x));
        let [by_table] = exp2_by_table::<_, 1>(Any, [x]);
        by_paths.chain([by_table]).collect()
    }

    fn check(x: f64, right: f64) -> Result<(), TestCaseError> {
        for power in all(x) {
            let off = (power - right).abs();
            prop_assert!(
                off <= UNITS * f64::EPSILON / 2.0 * right,
                "{x}: {power} is not {right}"
            );
        }
        Ok(())
    }

    #[test]
    fn ends_of_the_range() {
        for x in -1021..=1020 {
            check(f64::from(x), 2.0_f64.powi(x)).unwrap();
        }
        let least = all(-1021.0);
        for x in [-1021.0 - 1e-9, -1022.0, -1e9, -1e300, f64::NEG_INFINITY] {
            assert_eq!(all(x), least, "{x}");
        }
    }

    /// Where the sixteenth that is below changes.
    #[test]
    fn next_to_sixteenths() {
        for sixteenth in -1021 * 16..=1020 * 16 {
            let x = f64::from(sixteenth) / 16.0;
            for x in [x.next_down().max(-1021.0), x, x.next_up().min(1020.0)] {
                check(x, f64::exp2(x)).unwrap();
            }
        }
        for x in [0.0, -0.0, 5e-324, -5e-324, 1e-300, -1e-300, 1e-17, -1e-17] {
            check(x, 1.0).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        /// Against the C library's function, whose own error is below the last digit.
        #[test]
        fn as_exact_as_promised(x in prop_oneof![-1021.0..=0.0, -1.0..=0.0, -1e-6..=1e-6, 0.0..=1020.0]) {
            check(x, f64::exp2(x))?;
        }
    }
}
