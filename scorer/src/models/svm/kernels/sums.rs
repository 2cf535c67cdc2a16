//! The sum over the support vectors.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]

use super::blocks::Blocks;
use super::instructions::Instructions;
use super::shape::Shape;
use super::terms::Terms;

/// For each row of a tile, the sum of alpha K over the support vectors, in the order of the file.
#[inline(always)]
pub(super) fn sums<I: Instructions<L>, const L: usize, K: Shape>(
    instructions: I,
    shape: K,
    starts: &[f64; L],
    tile: &[[f64; L]],
    blocks: &Blocks,
) -> [f64; L] {
    match tile.len() {
        1 => of_width::<I, L, 1, K>(instructions, shape, starts, tile, blocks),
        2 => of_width::<I, L, 2, K>(instructions, shape, starts, tile, blocks),
        3 => of_width::<I, L, 3, K>(instructions, shape, starts, tile, blocks),
        _ => of_width::<I, L, 0, K>(instructions, shape, starts, tile, blocks),
    }
}

/// The same for `D` features, so that the loop over them is unrolled; 0 stands for any number.
#[inline(always)]
fn of_width<I: Instructions<L>, const L: usize, const D: usize, K: Shape>(
    instructions: I,
    shape: K,
    starts: &[f64; L],
    tile: &[[f64; L]],
    blocks: &Blocks,
) -> [f64; L] {
    let (wide, single) = (&blocks.wide, &blocks.single);
    let mut sums = [0.0; L];
    let terms = Terms {
        starts,
        tile,
        blocks: wide,
    };
    instructions.add_terms::<D, _, K>(shape, terms, &mut sums);
    let terms = Terms {
        starts,
        tile,
        blocks: single,
    };
    instructions.add_terms::<D, _, K>(shape, terms, &mut sums);
    sums
}
