//! The terms of the sum over the support vectors.

#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "several arrays of a fixed length in step are what the compiler unrolls"
)]

use super::blocks::Columns;
use super::lanes::Lanes;
use super::shape::Shape;

/// What [`add_terms`] adds up: what each of `L` rows starts from, its features, a column each, and support vectors.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a, const L: usize, const S: usize> {
    /// What each row adds to every sum over the features.
    pub starts: &'a [f64; L],
    /// One column a feature.
    pub tile: &'a [[f64; L]],
    /// The support vectors.
    pub blocks: &'a Columns<S>,
}

/// Adds the values of the kernel, times the coefficients, to the sum of each row.
///
/// The sums over the features of all rows and `S` support vectors are in registers at once, so that each number that is loaded
/// is used several times.
#[inline(always)]
pub(super) fn add_terms<I: Lanes<L>, const L: usize, const D: usize, const S: usize, K: Shape>(
    lanes: I,
    shape: K,
    terms: Terms<'_, L, S>,
    sums: &mut [f64; L],
) {
    let Terms {
        starts,
        tile,
        blocks,
    } = terms;
    let mut totals = lanes.load(sums);
    for block in blocks.iter() {
        let [vector_starts, coefficients, vectors @ ..] = block else {
            continue;
        };
        let mut x = [lanes.all(0.0); S];
        for vector in 0..S {
            x[vector] = lanes.add(lanes.load(starts), lanes.all(vector_starts[vector]));
        }
        if D == 0 {
            add_features(lanes, shape, tile, vectors, &mut x);
        } else if let (Some(tile), Some(vectors)) = (tile.first_chunk::<D>(), vectors.first_chunk())
        {
            add_features(lanes, shape, tile, vectors as &[[f64; S]; D], &mut x);
        }
        for vector in 0..S {
            let values = shape.finish(lanes, x[vector]);
            totals = lanes.multiply_add(values, lanes.all(coefficients[vector]), totals);
        }
    }
    *sums = lanes.store(totals);
}

#[inline(always)]
fn add_features<I: Lanes<L>, const L: usize, const S: usize, K: Shape>(
    lanes: I,
    shape: K,
    tile: &[[f64; L]],
    vectors: &[[f64; S]],
    x: &mut [I::Vector; S],
) {
    for (column, weights) in tile.iter().zip(vectors) {
        let column = lanes.load(column);
        for vector in 0..S {
            x[vector] = shape.add(lanes, x[vector], column, lanes.all(weights[vector]));
        }
    }
}
