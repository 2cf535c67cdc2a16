//! The scores of rows, a tile at a time.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "a loop over a fixed number of lanes is what the compiler vectorises"
)]

use super::form::Form;
use super::instructions::Instructions;
use super::shape::Products;
use super::sums::sums;
use super::tile::Tile;
use crate::models::svm::OneClassSvm;

/// With a border elsewhere than at 0, what is left of rho is rounded before the sign is known: on both sides, each by half of this
/// share of it, and as much again for the bound itself.
const ROUNDING: f64 = 2.0 * f64::EPSILON;

/// Whether a fast score within `bound` of the reference's has the reference's sign: else the reference decides.
#[inline]
fn is_settled(score: f64, bound: f64) -> bool {
    score.abs() > bound
}

/// Rows to score.
pub(super) struct Task<'a> {
    /// The model.
    pub model: &'a OneClassSvm,
    /// What it is turned into.
    pub form: &'a Form,
    /// n rows of d unscaled numbers.
    pub rows: &'a [f64],
}

/// Writes the score of each row, or NaN where it is within its bound of 0 or cannot be worked out.
#[inline(always)]
pub(super) fn score<I: Instructions<L>, const L: usize>(
    instructions: I,
    task: &Task<'_>,
    scores: &mut [f64],
) {
    let Task { model, form, rows } = task;
    if matches!(form, Form::Reference) {
        scores.fill(f64::NAN);
        return;
    }
    let mut tile = Tile::<L>::new(model.features);
    let tiles = rows.chunks(L * model.features);
    for (rows, scores) in tiles.zip(scores.chunks_mut(L)) {
        instructions.fill(&mut tile, &model.scaler, rows);
        let (sums, near) = of_tile::<I, L>(instructions, form, &mut tile);
        let (border, rounding) = match model.threshold {
            Some(threshold) => (threshold, ROUNDING),
            None => (0.0, 0.0),
        };
        let mut settled = [0.0; L];
        for lane in 0..L {
            let decision = sums[lane] - model.rho;
            let score = decision - border + tile.poison[lane];
            settled[lane] = if is_settled(score, near[lane] + rounding * decision.abs()) {
                score
            } else {
                f64::NAN
            };
        }
        if let Ok(scores) = <&mut [f64; L]>::try_from(&mut *scores) {
            *scores = settled;
        } else {
            for (score, settled) in scores.iter_mut().zip(settled) {
                *score = settled;
            }
        }
    }
}

/// The sum over the support vectors for each row of the tile, and how near to rho it says nothing.
#[inline(always)]
fn of_tile<I: Instructions<L>, const L: usize>(
    instructions: I,
    form: &Form,
    tile: &mut Tile<L>,
) -> ([f64; L], [f64; L]) {
    match form {
        Form::Reference => ([f64::NAN; L], [0.0; L]),
        Form::Differences {
            shape,
            blocks,
            near,
        } => (
            sums::<I, L, _>(instructions, *shape, &[0.0; L], &tile.columns, blocks),
            [*near; L],
        ),
        Form::Products {
            frame,
            blocks,
            near,
        } => {
            instructions.enter(tile, frame);
            let mut starts = tile.squares;
            for start in &mut starts {
                *start = -*start;
            }
            let sums = sums::<I, L, _>(instructions, Products, &starts, &tile.columns, blocks);
            (sums, [*near; L])
        }
        Form::Curve(curve) => match tile.columns.as_slice() {
            [column] => (instructions.curve(curve, column), [curve.near; L]),
            _ => ([f64::NAN; L], [0.0; L]),
        },
        Form::Polynomial {
            shape,
            blocks,
            bound,
        } => (
            sums::<I, L, _>(instructions, *shape, &[0.0; L], &tile.columns, blocks),
            tile.squares
                .map(|square| bound.polynomial(shape.degree, square)),
        ),
        Form::Sigmoid {
            shape,
            blocks,
            bound,
        } => (
            sums::<I, L, _>(instructions, *shape, &[0.0; L], &tile.columns, blocks),
            tile.squares.map(|square| bound.sigmoid(square)),
        ),
        Form::Linear(linear) => instructions.linear(linear, tile),
    }
}
