//! The walk through full trees in AVX-512: a level of a tree lies in a few registers, in which 16 readings find their nodes at once.
//! All `unsafe` of the trees is here.
//!
//! What makes it sound: a function compiled for some processors only asks for nothing but the instructions that it is compiled
//! to. [`add_sums`] alone calls them, and there is no token but from `detect`, which has found those instructions on this
//! processor. Loads and stores go through references to arrays of just as many numbers as a register holds.

use std::arch::x86_64::{
    __m512, __m512i, _CMP_GT_OQ, _mm512_add_epi32, _mm512_castsi512_ps, _mm512_cmp_ps_mask,
    _mm512_cmpge_epi32_mask, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_add_epi32,
    _mm512_mask_blend_epi32, _mm512_mask_blend_ps, _mm512_or_si512, _mm512_permutex2var_epi32,
    _mm512_permutex2var_ps, _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_setr_epi32,
    _mm512_storeu_si512, _mm512_test_epi32_mask,
};

use super::tables::{ABREAST, Group, Table, Tree};
use super::{PLACES, STEPS};

/// Groups whose walks are interleaved: the processor works on one while it waits for another's node.
const GROUPS: usize = 2;

/// Proof that this processor has avx512f.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// The token, where the processor has it.
    pub fn detect() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

/// Adds to each of the `sums` what the trees give for its reading, in the order of the trees. The groups hold [`ABREAST`] readings
/// each, the last one may hold fewer.
#[allow(unsafe_code, reason = "see the head of this file")]
pub(super) fn add_sums<const PAIRS: usize>(
    _: Avx512,
    trees: &[Tree],
    groups: &[Group<PAIRS>],
    sums: &mut [f64],
) {
    for tree in trees {
        // SAFETY: the token exists, so this processor has the features.
        unsafe { add_tree(tree, groups, sums) }
    }
}

#[target_feature(enable = "avx512f")]
fn add_tree<const PAIRS: usize>(tree: &Tree, groups: &[Group<PAIRS>], sums: &mut [f64]) {
    let (pairs, single) = groups.as_chunks::<GROUPS>();
    let (of_pairs, of_single) = sums.split_at_mut((pairs.len() * GROUPS * ABREAST).min(sums.len()));
    for (groups, sums) in pairs.iter().zip(of_pairs.chunks_mut(GROUPS * ABREAST)) {
        let leaves = walk(tree, groups);
        add(tree, leaves.as_flattened(), sums);
    }
    for (group, sums) in single.iter().zip(of_single.chunks_mut(ABREAST)) {
        let leaves = walk(tree, std::array::from_ref(group));
        add(tree, leaves.as_flattened(), sums);
    }
}

#[inline]
fn add(tree: &Tree, leaves: &[u32], sums: &mut [f64]) {
    for (sum, leaf) in sums.iter_mut().zip(leaves) {
        *sum += tree.values[*leaf as usize % PLACES];
    }
}

/// The places of the leaves in which the readings end.
#[inline]
#[target_feature(enable = "avx512f")]
fn walk<const PAIRS: usize, const N: usize>(
    tree: &Tree,
    groups: &[Group<PAIRS>; N],
) -> [[u32; ABREAST]; N] {
    let mut places = [_mm512_set1_epi32(1); N];
    for level in 0..STEPS {
        for (place, group) in places.iter_mut().zip(groups) {
            let threshold = _mm512_castsi512_ps(find(&tree.thresholds, level, *place));
            let number = number(group, find(&tree.columns, level, *place));
            let goes_right = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(number, threshold);
            let left = _mm512_add_epi32(*place, *place);
            *place = _mm512_mask_add_epi32(left, goes_right, left, _mm512_set1_epi32(1));
        }
    }
    places.map(|place| store(place))
}

/// The numbers that the readings have in these columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn number<const PAIRS: usize>(group: &Group<PAIRS>, column: __m512i) -> __m512 {
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let at = _mm512_or_si512(column, lanes);
    let mut number = load(&group[0][0]);
    for (pair, [first, second]) in (0..).zip(group) {
        let of_pair = _mm512_permutex2var_ps(load(first), at, load(second));
        let from = _mm512_set1_epi32(pair * 2 * 16);
        let is_there = _mm512_cmpge_epi32_mask(at, from);
        number = _mm512_mask_blend_ps(is_there, number, of_pair);
    }
    number
}

/// What a table has at these places, all of one level. A register is looked up by the lowest 4 bits of a place, a pair by 5; the bits
/// above choose between pairs.
#[inline]
#[target_feature(enable = "avx512f")]
fn find(table: &Table, level: u32, place: __m512i) -> __m512i {
    let one = |at: usize| _mm512_permutexvar_epi32(place, load_whole(&table[at]));
    let pair = |at: usize| {
        _mm512_permutex2var_epi32(load_whole(&table[at]), place, load_whole(&table[at + 1]))
    };
    let either = |bit: i32, without: __m512i, with: __m512i| {
        let has_bit = _mm512_test_epi32_mask(place, _mm512_set1_epi32(bit));
        _mm512_mask_blend_epi32(has_bit, without, with)
    };
    let four = |at: usize| either(32, pair(at), pair(at + 2));
    match level {
        0..=3 => one(0),
        4 => one(1),
        5 => pair(2),
        6 => four(4),
        _ => either(64, four(8), four(12)),
    }
}

#[inline]
#[allow(unsafe_code, reason = "see the head of this file")]
#[target_feature(enable = "avx512f")]
fn load(numbers: &[f32; ABREAST]) -> __m512 {
    // SAFETY: the array is what is read.
    unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
}

#[inline]
#[allow(unsafe_code, reason = "see the head of this file")]
#[target_feature(enable = "avx512f")]
fn load_whole(numbers: &[i32; ABREAST]) -> __m512i {
    // SAFETY: the array is what is read.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

#[inline]
#[allow(unsafe_code, reason = "see the head of this file")]
#[target_feature(enable = "avx512f")]
fn store(places: __m512i) -> [u32; ABREAST] {
    let mut stored = [0_u32; ABREAST];
    // SAFETY: the array is what is written.
    unsafe { _mm512_storeu_si512(stored.as_mut_ptr().cast(), places) };
    stored
}
