//! The kernels in the instructions that some 64-bit x86 processors have. All `unsafe` of the one-class SVM is here.
//!
//! What makes it sound: a function compiled for some processors only, be it an intrinsic or one of the parts of the work, asks
//! for nothing but the instructions that it is compiled to. They are called by the methods of a token ([`Avx2`], [`Avx512`])
//! alone, and there is no token but from its `detect`, which has found those very instructions on this processor. The line that
//! defines the token lists them; no intrinsic that its methods call needs another. Loads and stores go through references to
//! arrays of just as many numbers as a register holds.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]

use std::arch::x86_64::{
    __m256d, __m512d, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF, _mm256_add_epi64, _mm256_add_pd,
    _mm256_castpd_si256, _mm256_castsi256_pd, _mm256_fmadd_pd, _mm256_loadu_pd, _mm256_max_pd,
    _mm256_mul_pd, _mm256_set1_pd, _mm256_slli_epi64, _mm256_storeu_pd, _mm256_sub_pd,
    _mm512_add_pd, _mm512_add_round_pd, _mm512_castpd_si512, _mm512_fmadd_pd, _mm512_loadu_pd,
    _mm512_max_pd, _mm512_mul_pd, _mm512_permutex2var_pd, _mm512_reduce_pd, _mm512_scalef_pd,
    _mm512_set1_pd, _mm512_storeu_pd, _mm512_sub_pd,
};

use super::curve::Curve;
use super::exponential::{ExponentLanes, exp2_by_polynomial};
use super::instructions::Instructions;
use super::lanes::Lanes;
use super::linear::Linear;
use super::shape::Shape;
use super::table::{TableLanes, exp2_by_table};
use super::terms::{Terms, add_terms};
use super::tile::{Frame, Tile};
use crate::models::Scaler;

/// Defines the token `$name` of processors that have all of `$feature`, which work on `$lanes` rows at once.
macro_rules! instructions {
    ($name:ident, $lanes:literal, $($feature:tt),+) => {
        #[doc = concat!("Proof that this processor has ", $($feature, " "),+)]
        #[derive(Clone, Copy)]
        pub(super) struct $name(());

        impl $name {
            /// The token, where the processor has the features.
            pub fn detect() -> Option<Self> {
                let has = $(std::arch::is_x86_feature_detected!($feature))&&+;
                has.then_some(Self(()))
            }
        }

        #[allow(unsafe_code, reason = "see the head of this file")]
        impl Instructions<$lanes> for $name {
            fn fill(self, tile: &mut Tile<$lanes>, scaler: &Scaler, rows: &[f64]) {
                $(#[target_feature(enable = $feature)])+
                fn with_features(tile: &mut Tile<$lanes>, scaler: &Scaler, rows: &[f64]) {
                    tile.fill(scaler, rows);
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features(tile, scaler, rows) }
            }

            fn enter(self, tile: &mut Tile<$lanes>, frame: &Frame) {
                $(#[target_feature(enable = $feature)])+
                fn with_features(tile: &mut Tile<$lanes>, frame: &Frame) {
                    tile.enter(frame);
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features(tile, frame) }
            }

            fn add_terms<const D: usize, const S: usize, K: Shape>(
                self,
                shape: K,
                terms: Terms<'_, $lanes, S>,
                sums: &mut [f64; $lanes],
            ) {
                $(#[target_feature(enable = $feature)])+
                fn with_features<const D: usize, const S: usize, K: Shape>(
                    token: $name,
                    shape: K,
                    terms: Terms<'_, $lanes, S>,
                    sums: &mut [f64; $lanes],
                ) {
                    add_terms::<_, $lanes, D, S, K>(token, shape, terms, sums);
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features::<D, S, K>(self, shape, terms, sums) }
            }

            fn curve(self, curve: &Curve, column: &[f64; $lanes]) -> [f64; $lanes] {
                $(#[target_feature(enable = $feature)])+
                fn with_features(curve: &Curve, column: &[f64; $lanes]) -> [f64; $lanes] {
                    curve.values::<true, $lanes>(column)
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features(curve, column) }
            }

            fn linear(
                self,
                linear: &Linear,
                tile: &Tile<$lanes>,
            ) -> ([f64; $lanes], [f64; $lanes]) {
                $(#[target_feature(enable = $feature)])+
                fn with_features(
                    linear: &Linear,
                    tile: &Tile<$lanes>,
                ) -> ([f64; $lanes], [f64; $lanes]) {
                    linear.sums::<true, $lanes>(tile)
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features(linear, tile) }
            }
        }
    };
}

instructions!(Avx2, 8, "avx2", "fma");
instructions!(Avx512, 24, "avx512f", "avx512dq", "avx512vl", "fma");

/// Defines methods of a token that do the same to every register of a vector, by functions for its processor.
macro_rules! register_by_register {
    ($($method:ident($first:ident $(, $other:ident)*) = $instruction:expr;)+) => {$(
        #[inline(always)]
        fn $method(self, $first: Self::Vector $(, $other: Self::Vector)*) -> Self::Vector {
            let mut results = $first;
            for register in 0..results.len() {
                // SAFETY: `self` exists, so this processor has the features.
                results[register] = unsafe { $instruction($first[register] $(, $other[register])*) };
            }
            results
        }
    )+};
}

/// Defines the methods of a token that move numbers between memory and vectors of registers of `$width` lanes.
macro_rules! moves {
    ($lanes:literal, $width:literal, $all:ident, $load:ident, $store:ident) => {
        #[inline(always)]
        fn all(self, number: f64) -> Self::Vector {
            // SAFETY: `self` exists, so this processor has the features.
            [unsafe { $all(number) }; $lanes / $width]
        }

        #[inline(always)]
        fn load(self, numbers: &[f64; $lanes]) -> Self::Vector {
            let mut vector = self.all(0.0);
            let (chunks, _) = numbers.as_chunks::<$width>();
            for (register, chunk) in vector.iter_mut().zip(chunks) {
                // SAFETY: `self` exists, so this processor has the features; the chunk is what is read.
                *register = unsafe { $load(chunk.as_ptr()) };
            }
            vector
        }

        #[inline(always)]
        fn store(self, vector: Self::Vector) -> [f64; $lanes] {
            let mut numbers = [0.0; $lanes];
            let (chunks, _) = numbers.as_chunks_mut::<$width>();
            for (register, chunk) in vector.into_iter().zip(chunks) {
                // SAFETY: `self` exists, so this processor has the features; the chunk is what is written.
                unsafe { $store(chunk.as_mut_ptr(), register) };
            }
            numbers
        }
    };
}

#[allow(unsafe_code, reason = "see the head of this file")]
impl Lanes<8> for Avx2 {
    type Vector = [__m256d; 2];

    moves!(8, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd);

    register_by_register! {
        add(a, b) = _mm256_add_pd;
        subtract(a, b) = _mm256_sub_pd;
        multiply(a, b) = _mm256_mul_pd;
        multiply_add(a, b, c) = _mm256_fmadd_pd;
        at_least(a, least) = _mm256_max_pd;
    }

    #[inline(always)]
    fn exp2(self, x: Self::Vector) -> Self::Vector {
        exp2_by_polynomial(self, x)
    }
}

#[allow(unsafe_code, reason = "see the head of this file")]
impl ExponentLanes<8> for Avx2 {
    register_by_register! {
        raise(a, shifted) = raise;
    }
}

/// See [`ExponentLanes::raise`].
#[inline]
#[target_feature(enable = "avx2")]
fn raise(a: __m256d, shifted: __m256d) -> __m256d {
    let exponent = _mm256_slli_epi64::<52>(_mm256_castpd_si256(shifted));
    _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(a), exponent))
}

#[allow(unsafe_code, reason = "see the head of this file")]
impl Lanes<24> for Avx512 {
    type Vector = [__m512d; 3];

    moves!(24, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd);

    register_by_register! {
        add(a, b) = _mm512_add_pd;
        subtract(a, b) = _mm512_sub_pd;
        multiply(a, b) = _mm512_mul_pd;
        multiply_add(a, b, c) = _mm512_fmadd_pd;
        at_least(a, least) = _mm512_max_pd;
    }

    #[inline(always)]
    fn exp2(self, x: Self::Vector) -> Self::Vector {
        exp2_by_table(self, x)
    }
}

#[allow(unsafe_code, reason = "see the head of this file")]
impl TableLanes<24> for Avx512 {
    register_by_register! {
        add_down(a, b) = _mm512_add_round_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>;
        above_sixteenth(x) = _mm512_reduce_pd::<{ (4 << 4) | _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>;
        scale(a, x) = _mm512_scalef_pd;
    }

    #[inline(always)]
    fn pick(self, table: &[f64; 16], bits: Self::Vector) -> Self::Vector {
        let mut picked = bits;
        for register in &mut picked {
            // SAFETY: `self` exists, so this processor has the features.
            *register = unsafe { pick(table, *register) };
        }
        picked
    }
}

/// See [`TableLanes::pick`].
#[inline]
#[allow(unsafe_code, reason = "see the head of this file")]
#[target_feature(enable = "avx512f")]
fn pick(table: &[f64; 16], bits: __m512d) -> __m512d {
    let (low, high) = table.split_at(8);
    // SAFETY: each half is the 8 numbers that are read.
    let (low, high) = unsafe {
        (
            _mm512_loadu_pd(low.as_ptr()),
            _mm512_loadu_pd(high.as_ptr()),
        )
    };
    _mm512_permutex2var_pd(low, _mm512_castpd_si512(bits), high)
}
