//! The kernels compiled for the instructions of each [`Path`]. All `unsafe` of the scorer is here.
//!
//! What makes it sound: the functions compiled for some processors only are safe code, which asks for nothing but the
//! instructions that it is compiled to. They are called by the methods of a token ([`Avx2`], [`Avx512`]) alone, and there is no
//! token but from its `detect`, which has found those very instructions on this processor: both take the list of features
//! from one place, the macro.

use super::curve::Curve;
use super::linear::Linear;
use super::path::Path;
use super::scores::{Task, score};
use super::shape::Shape;
use super::sums::{Terms, add};
use super::tile::Tile;

/// The parts of the work that are worth compiling for some instructions, each a function of its own: in one large function the
/// compiler vectorises much less (measured: a fifth of the speed).
pub(super) trait Instructions: Copy {
    /// See [`add`].
    fn add<const L: usize, const D: usize, const S: usize, K: Shape>(
        self,
        shape: K,
        terms: Terms<'_, L, S>,
        sums: &mut [f64; L],
    );

    /// See [`Curve::values`].
    fn curve<const L: usize>(self, curve: &Curve, column: &[f64; L]) -> [f64; L];

    /// See [`Linear::sums`].
    fn linear<const L: usize>(self, linear: &Linear, tile: &Tile<L>) -> ([f64; L], [f64; L]);
}

/// What every processor has. 64-bit ARM always has an instruction that multiplies and adds.
#[derive(Clone, Copy)]
struct Any;

const FUSED: bool = cfg!(target_arch = "aarch64");

impl Instructions for Any {
    fn add<const L: usize, const D: usize, const S: usize, K: Shape>(
        self,
        shape: K,
        terms: Terms<'_, L, S>,
        sums: &mut [f64; L],
    ) {
        add::<FUSED, L, D, S, K>(shape, terms, sums);
    }

    fn curve<const L: usize>(self, curve: &Curve, column: &[f64; L]) -> [f64; L] {
        curve.values::<FUSED, L>(column)
    }

    fn linear<const L: usize>(self, linear: &Linear, tile: &Tile<L>) -> ([f64; L], [f64; L]) {
        linear.sums::<FUSED, L>(tile)
    }
}

/// Defines the token `$name` of processors that have all of `$feature`.
#[cfg(target_arch = "x86_64")]
macro_rules! instructions {
    ($name:ident, $($feature:tt),+) => {
        #[doc = concat!("Proof that this processor has ", $($feature, " "),+)]
        #[derive(Clone, Copy)]
        struct $name(());

        impl $name {
            /// The token, where the processor has the features.
            fn detect() -> Option<Self> {
                let has = $(std::arch::is_x86_feature_detected!($feature))&&+;
                has.then_some(Self(()))
            }
        }

        #[allow(unsafe_code, reason = "see the head of this file")]
        impl Instructions for $name {
            fn add<const L: usize, const D: usize, const S: usize, K: Shape>(
                self,
                shape: K,
                terms: Terms<'_, L, S>,
                sums: &mut [f64; L],
            ) {
                $(#[target_feature(enable = $feature)])+
                fn with_features<const L: usize, const D: usize, const S: usize, K: Shape>(
                    shape: K,
                    terms: Terms<'_, L, S>,
                    sums: &mut [f64; L],
                ) {
                    add::<true, L, D, S, K>(shape, terms, sums);
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features::<L, D, S, K>(shape, terms, sums) }
            }

            fn curve<const L: usize>(self, curve: &Curve, column: &[f64; L]) -> [f64; L] {
                $(#[target_feature(enable = $feature)])+
                fn with_features<const L: usize>(curve: &Curve, column: &[f64; L]) -> [f64; L] {
                    curve.values::<true, L>(column)
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features(curve, column) }
            }

            fn linear<const L: usize>(
                self,
                linear: &Linear,
                tile: &Tile<L>,
            ) -> ([f64; L], [f64; L]) {
                $(#[target_feature(enable = $feature)])+
                fn with_features<const L: usize>(
                    linear: &Linear,
                    tile: &Tile<L>,
                ) -> ([f64; L], [f64; L]) {
                    linear.sums::<true, L>(tile)
                }
                // SAFETY: `self` exists, so this processor has the features.
                unsafe { with_features(linear, tile) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
instructions!(Avx2, "avx2", "fma");
#[cfg(target_arch = "x86_64")]
instructions!(Avx512, "avx512f", "avx512dq", "avx512vl", "fma");

/// Whether this processor has every instruction of the path.
pub(super) fn processor_has(path: Path) -> bool {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => Avx512::detect().is_some(),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => Avx2::detect().is_some(),
        _ => path == Path::Scalar,
    }
}

/// Writes the score of each of the task's rows, or NaN where rounding may decide its sign.
///
/// Two registers of rows at once: 16 with AVX-512, 8 with AVX2. What the processor lacks, the instructions of all do.
pub(super) fn score_by(path: Path, task: &Task<'_>, scores: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    match (path, Avx512::detect(), Avx2::detect()) {
        (Path::Avx512, Some(avx512), _) => return score::<_, 16>(avx512, task, scores),
        (Path::Avx2, _, Some(avx2)) => return score::<_, 8>(avx2, task, scores),
        _ => {}
    }
    score::<_, 8>(Any, task, scores);
}
