//! The parts of the work that are compiled for some instructions each.

use super::any::{Any, FUSED};
use super::curve::Curve;
use super::lanes::Lanes;
use super::linear::Linear;
use super::shape::Shape;
use super::terms::{Terms, add_terms};
use super::tile::{Frame, Tile};
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
