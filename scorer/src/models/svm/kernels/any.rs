//! Arithmetic in the instructions that every processor of the architecture has.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]

use super::exponential::{ExponentLanes, exp2_by_polynomial, multiply_add};
use super::lanes::Lanes;

/// What every processor has. 64-bit ARM always has an instruction that multiplies and adds.
#[derive(Clone, Copy)]
pub(super) struct Any;

/// Whether [`Any`] multiplies and adds in one rounding.
pub(super) const FUSED: bool = cfg!(target_arch = "aarch64");

/// Defines methods that do the same to every lane.
macro_rules! lane_by_lane {
    ($(fn $method:ident($first:ident $(, $other:ident)*) { $result:expr })+) => {$(
        #[inline(always)]
        fn $method(self, $first: Self::Vector $(, $other: Self::Vector)*) -> Self::Vector {
            let mut results = $first;
            for lane in 0..L {
                let ($first, ($($other,)*)) = ($first[lane], ($($other[lane],)*));
                results[lane] = $result;
            }
            results
        }
    )+};
}

impl<const L: usize> Lanes<L> for Any {
    type Vector = [f64; L];

    #[inline(always)]
    fn all(self, number: f64) -> [f64; L] {
        [number; L]
    }

    #[inline(always)]
    fn load(self, numbers: &[f64; L]) -> [f64; L] {
        *numbers
    }

    #[inline(always)]
    fn store(self, vector: [f64; L]) -> [f64; L] {
        vector
    }

    lane_by_lane! {
        fn add(a, b) { a + b }
        fn subtract(a, b) { a - b }
        fn multiply(a, b) { a * b }
        fn multiply_add(a, b, c) { multiply_add::<FUSED>(a, b, c) }
        fn at_least(a, least) { if a > least { a } else { least } }
    }

    #[inline(always)]
    fn exp2(self, x: [f64; L]) -> [f64; L] {
        exp2_by_polynomial(self, x)
    }
}

impl<const L: usize> ExponentLanes<L> for Any {
    lane_by_lane! {
        fn raise(a, shifted) { f64::from_bits(a.to_bits().wrapping_add(shifted.to_bits() << 52)) }
    }
}
