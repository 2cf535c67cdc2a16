//! 2^x with a table of 2^(k/16), for processors with instructions to look it up in registers.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]

use super::exponential::{LEAST, WHOLE};
use super::lanes::Lanes;

/// Adding it leaves x rounded to sixteenths, whose number is then in the low bits of the sum.
const SIXTEENTHS: f64 = WHOLE / 16.0;

/// Lanes with what 2^x by a table of sixteenths takes.
pub(super) trait TableLanes<const L: usize>: Lanes<L> {
    /// The sum rounded down, where `a + b` rounds to the nearest.
    fn add_down(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// x less the next sixteenth that is not above it.
    fn above_sixteenth(self, x: Self::Vector) -> Self::Vector;

    /// The number of the table that the low 4 bits of each lane say.
    fn pick(self, table: &[f64; 16], bits: Self::Vector) -> Self::Vector;

    /// a * 2^n, n being the whole number that is next to x and not above it.
    fn scale(self, a: Self::Vector, x: Self::Vector) -> Self::Vector;
}

/// The polynomial of degree 5 closest to 2^r for 0 <= r <= 1/16 in relative error: 40.8 units.
const SIXTEENTH: [f64; 6] = [
    0.999_999_999_999_995_6,
    0.693_147_180_565_138_6,
    0.240_226_505_986_180_95,
    0.055_504_175_224_030_866,
    0.009_616_074_021_094_698,
    0.001_362_529_677_028_368,
];

/// 2^(k/16)
const POWERS: [f64; 16] = [
    1.0,
    1.044_273_782_427_413_8,
    1.090_507_732_665_257_7,
    1.138_788_634_756_691_6,
    1.189_207_115_002_721,
    1.241_857_812_073_484,
    1.296_839_554_651_009_6,
    1.354_255_546_936_892_7,
    std::f64::consts::SQRT_2,
    1.476_826_145_939_499_3,
    1.542_210_825_407_940_7,
    1.610_490_331_949_254_3,
    1.681_792_830_507_429,
    1.756_252_160_373_299_5,
    1.834_008_086_409_342_4,
    1.915_206_561_397_147_4,
];

/// x = n + k/16 + r with whole numbers n and k < 16 and 0 <= r <= 1/16, so 2^x = 2^n 2^(k/16) 2^r. All is rounded down, so that n
/// is what an instruction that scales by whole powers of 2 makes of x itself.
///
/// r may be rounded, to 1/16 for a tiny x below 0: 0.05 units. The table, the polynomial's last step and the product round by 1
/// unit each, the steps before by 0.1 together.
#[inline(always)]
pub(super) fn exp2_by_table<I: TableLanes<L>, const L: usize>(lanes: I, x: I::Vector) -> I::Vector {
    // It also keeps the results from being subnormal, which many processors are slow at.
    let x = lanes.at_least(x, lanes.all(LEAST));
    let power = lanes.pick(&POWERS, lanes.add_down(x, lanes.all(SIXTEENTHS)));
    let r = lanes.above_sixteenth(x);
    let [factors @ .., last] = SIXTEENTH;
    let mut sum = lanes.all(last);
    for factor in factors.iter().rev() {
        sum = lanes.multiply_add(sum, r, lanes.all(*factor));
    }
    lanes.scale(lanes.multiply(sum, power), x)
}

#[cfg(test)]
mod tests {
    use super::super::any::Any;
    use super::*;

    /// Without instructions for its steps it is slow, but as exact.
    impl<const L: usize> TableLanes<L> for Any {
        fn add_down(self, a: [f64; L], b: [f64; L]) -> [f64; L] {
            std::array::from_fn(|lane| {
                let sum = a[lane] + b[lane];
                if sum - b[lane] > a[lane] {
                    sum.next_down()
                } else {
                    sum
                }
            })
        }

        fn above_sixteenth(self, x: [f64; L]) -> [f64; L] {
            x.map(|x| x - (x * 16.0).floor() / 16.0)
        }

        fn pick(self, table: &[f64; 16], bits: [f64; L]) -> [f64; L] {
            bits.map(|bits| table[usize::from(bits.to_bits().to_le_bytes()[0] % 16)])
        }

        fn scale(self, a: [f64; L], x: [f64; L]) -> [f64; L] {
            std::array::from_fn(|lane| a[lane] * x[lane].floor().exp2())
        }
    }

    #[test]
    fn the_table_is_exact() {
        for (k, power) in (0_u8..).zip(POWERS) {
            assert_eq!(power, (f64::from(k) / 16.0).exp2(), "{k}");
        }
    }
}
