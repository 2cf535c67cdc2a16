//! The parts of the work compiled for the instructions of each [`Path`], and the choice between them.

use super::curve::Curve;
use super::form::Frame;
use super::lanes::{Any, FUSED, Lanes};
use super::linear::Linear;
use super::path::Path;
use super::scores::{Task, score};
use super::shape::Shape;
use super::sums::{Terms, add_terms};
use super::tile::Tile;
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use crate::models::Scaler;

/// The parts of the work that are worth compiling for some instructions, each a function of its own: in one large function the
/// compiler vectorises much less (measured: a fifth of the speed).
pub(super) trait Instructions<const L: usize>: Lanes<L> {
    /// See [`Tile::fill`].
    fn fill(self, tile: &mut Tile<L>, scaler: &Scaler, rows: &[f64]);

    /// See [`Tile::enter`].
    fn enter(self, tile: &mut Tile<L>, frame: &Frame);

    /// See [`add_terms`].
    fn add_terms<const D: usize, const S: usize, K: Shape>(
        self,
        shape: K,
        terms: Terms<'_, L, S>,
        sums: &mut [f64; L],
    );

    /// See [`Curve::values`].
    fn curve(self, curve: &Curve, column: &[f64; L]) -> [f64; L];

    /// See [`Linear::sums`].
    fn linear(self, linear: &Linear, tile: &Tile<L>) -> ([f64; L], [f64; L]);
}

impl<const L: usize> Instructions<L> for Any {
    fn fill(self, tile: &mut Tile<L>, scaler: &Scaler, rows: &[f64]) {
        tile.fill(scaler, rows);
    }

    fn enter(self, tile: &mut Tile<L>, frame: &Frame) {
        tile.enter(frame);
    }

    fn add_terms<const D: usize, const S: usize, K: Shape>(
        self,
        shape: K,
        terms: Terms<'_, L, S>,
        sums: &mut [f64; L],
    ) {
        add_terms::<_, L, D, S, K>(self, shape, terms, sums);
    }

    fn curve(self, curve: &Curve, column: &[f64; L]) -> [f64; L] {
        curve.values::<FUSED, L>(column)
    }

    fn linear(self, linear: &Linear, tile: &Tile<L>) -> ([f64; L], [f64; L]) {
        linear.sums::<FUSED, L>(tile)
    }
}

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
/// A tile's rows are 24 with AVX-512 and 8 with AVX2: with 4 support vectors for each, their sums fill 12 of the 32 registers or
/// 8 of the 16, and exp takes the others. What the processor lacks, the instructions of all do.
pub(super) fn score_by(path: Path, task: &Task<'_>, scores: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    match (path, Avx512::detect(), Avx2::detect()) {
        (Path::Avx512, Some(avx512), _) => return score::<_, 24>(avx512, task, scores),
        (Path::Avx2, _, Some(avx2)) => return score::<_, 8>(avx2, task, scores),
        _ => {}
    }
    score::<_, 8>(Any, task, scores);
}

/// 2^x of one number, as the path works it out.
#[cfg(test)]
pub(super) fn exp2_by(path: Path, x: f64) -> f64 {
    #[cfg(target_arch = "x86_64")]
    match (path, Avx512::detect(), Avx2::detect()) {
        (Path::Avx512, Some(avx512), _) => return avx512.store(avx512.exp2(avx512.all(x)))[0],
        (Path::Avx2, _, Some(avx2)) => return avx2.store(avx2.exp2(avx2.all(x)))[0],
        _ => {}
    }
    let [power] = Any.store(Any.exp2(Any.all(x)));
    power
}
