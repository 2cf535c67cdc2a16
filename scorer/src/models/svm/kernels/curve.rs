#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]

use super::bounds::Sizes;
use super::exponential::multiply_add;
use super::series::{ERROR, PIECE, REACH, SERIES, TERMS};
use crate::models::svm::OneClassSvm;

/// With fewer support vectors, or more than a quarter as many pieces, making the curve costs more than it saves (measured: see
/// docs/benchmarks.md). The number of rows is no part of the rule, so that a row's score does not depend on how the rows are
/// cut.
const MIN_VECTORS: usize = 256;

/// The sum over the support vectors of an RBF model of one feature, as one polynomial for each piece of the line.
///
/// Each piece of the line first sums its support vectors up as Chebyshev moments; the polynomial of a piece then needs the
/// moments of its neighbours only, not the support vectors (the idea of the fast Gauss transform, Greengard and Strain 1991).
#[derive(Debug)]
pub(super) struct Curve {
    /// Where the first piece begins.
    start: f64,
    /// Pieces to a unit of length.
    pieces_a_unit: f64,
    /// The polynomial of each piece, in x from -1 to 1 within it; outside of the pieces the sum is 0.
    pieces: Vec<[f64; TERMS]>,
    /// How near to rho the sum says nothing.
    pub near: f64,
}

impl Curve {
    /// The curve of a model that is worth one.
    pub fn of(model: &OneClassSvm, gamma: f64, sizes: Sizes) -> Option<Self> {
        let vectors = &model.support_vectors;
        if model.features != 1 || vectors.len() < MIN_VECTORS {
            return None;
        }
        let least = vectors.iter().copied().fold(f64::INFINITY, f64::min);
        let most = vectors.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let pieces_a_unit = gamma.sqrt() / PIECE;
        let spanned = (most - least) * pieces_a_unit;
        let limit = (vectors.len() / 4) as f64;
        let affordable = spanned + 2.0 * REACH as f64 + 3.0 <= limit;
        if !affordable {
            return None;
        }
        let mut curve = Self {
            start: least - (REACH as f64 + 0.5) / pieces_a_unit,
            pieces_a_unit,
            pieces: Vec::new(),
            near: 0.0,
        };
        let count = piece(curve.place(most))? + REACH + 1;
        let moments = curve.moments(model, count)?;
        curve.pieces = polynomials(&moments);
        curve.near = sizes.curve(count as f64, ERROR);
        Some(curve)
    }

    /// Where on the line, in pieces from its start.
    #[inline(always)]
    fn place(&self, z: f64) -> f64 {
        (z - self.start) * self.pieces_a_unit
    }

    /// For each piece and degree, the sum of alpha T(w) over its support vectors w. None where rounding has moved one off.
    fn moments(&self, model: &OneClassSvm, pieces: usize) -> Option<Vec<[f64; TERMS]>> {
        let mut moments = vec![[0.0; TERMS]; pieces];
        for (alpha, vector) in model.coefficients.iter().zip(&model.support_vectors) {
            let place = self.place(*vector);
            let piece = piece(place)?;
            let y = 2.0 * (place - piece as f64) - 1.0;
            let (mut before, mut polynomial) = (*alpha * y, *alpha);
            for moment in moments.get_mut(piece)? {
                *moment += polynomial;
                (before, polynomial) = (polynomial, 2.0 * y * polynomial - before);
            }
        }
        Some(moments)
    }

    /// The sum over the support vectors at each of the scaled readings.
    #[inline(always)]
    pub fn values<const FUSED: bool, const L: usize>(&self, column: &[f64; L]) -> [f64; L] {
        let mut values = [0.0; L];
        for (value, z) in values.iter_mut().zip(column) {
            let place = self.place(*z);
            let Some(piece) = piece(place) else { continue };
            if let Some([first @ .., last]) = self.pieces.get(piece) {
                let x = 2.0 * (place - piece as f64) - 1.0;
                *value = *last;
                for factor in first.iter().rev() {
                    *value = multiply_add::<FUSED>(*value, x, *factor);
                }
            }
        }
        values
    }
}

/// The piece that a place is in; none before the first.
#[inline(always)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place too far for the number is behind the last piece"
)]
fn piece(place: f64) -> Option<usize> {
    (place >= 0.0).then_some(place as usize)
}

/// The polynomial of every piece, from the moments of its neighbours.
fn polynomials(moments: &[[f64; TERMS]]) -> Vec<[f64; TERMS]> {
    let mut polynomials = vec![[0.0; TERMS]; moments.len()];
    for (at, moments) in moments.iter().enumerate() {
        if moments.iter().all(|moment| *moment == 0.0) {
            continue;
        }
        let near = at.saturating_sub(REACH)..(at + REACH + 1).min(polynomials.len());
        let series = SERIES.iter().skip((near.start + REACH) - at);
        for (polynomial, matrix) in polynomials[near].iter_mut().zip(series) {
            for (moment, factors) in moments.iter().zip(matrix) {
                for (sum, factor) in polynomial.iter_mut().zip(factors) {
                    *sum += moment * factor;
                }
            }
        }
    }
    polynomials
}
