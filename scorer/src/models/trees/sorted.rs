use super::Ensemble;
use super::spread::spread;

/// Adds to the `sums` of readings of one feature what the trees give, one after the other: [`Ensemble::sum`]. No reading may be NaN.
///
/// In order, the readings that come to a node are neighbours, so that a tree parts them with one search for each of its nodes, and equal
/// readings are parted once.
pub(super) fn add_sums(trees: &Ensemble, readings: &[f32], sums: &mut [f64]) {
    let mut order: Vec<(f32, usize)> = readings.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut distinct: Vec<f32> = order.iter().map(|(reading, _)| *reading).collect();
    // 0 and -0 are the same reading.
    distinct.dedup();
    let mut of_distinct = vec![0.0; distinct.len()];
    for tree in 0..trees.count() {
        spread(trees, tree, &mut of_distinct, |threshold, range| {
            let start = range.start;
            start + distinct[range].partition_point(|reading| *reading <= threshold)
        });
    }
    let mut at = 0;
    for (reading, row) in order {
        if reading != distinct[at] {
            at += 1;
        }
        sums[row] += of_distinct[at];
    }
}
