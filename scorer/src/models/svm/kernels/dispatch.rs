//! The choice between the instructions of each [`Path`].

use super::any::Any;
#[cfg(test)]
use super::lanes::Lanes;
use super::scores::{Task, score};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use crate::models::path::Path;

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
