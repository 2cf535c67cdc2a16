//! Fewer points that look the same: the extremes of every stretch of time, and the anomalies.

/// Stretches of time whose extremes are kept.
const BUCKETS: usize = 150;
/// Anomalies marked at most.
const MARKS: usize = 300;
/// Points kept at most: two extremes a bucket, and the marks.
pub(super) const POINTS: usize = 2 * BUCKETS + MARKS;

/// Positions of the points to draw of one line, ascending: all when there are few, else the lowest and
/// highest value of each of 150 equal stretches of time, and `marks`. Values that are not finite are left out.
///
/// `times` ascend and are as long as `values`.
pub(super) fn points(times: &[i64], values: &[f64], marks: &[usize]) -> Vec<usize> {
    let finite = |position: &usize| values.get(*position).is_some_and(|value| value.is_finite());
    let all = (0..times.len()).filter(finite);
    if times.len() <= POINTS {
        return all.collect();
    }
    let mut lowest = [None; BUCKETS];
    let mut highest = [None; BUCKETS];
    for position in all {
        let bucket = bucket(times, position);
        let value = value_at(values, position);
        if let Some(slot) = lowest.get_mut(bucket)
            && slot.is_none_or(|low| value < value_at(values, low))
        {
            *slot = Some(position);
        }
        if let Some(slot) = highest.get_mut(bucket)
            && slot.is_none_or(|high| value > value_at(values, high))
        {
            *slot = Some(position);
        }
    }
    let extremes = lowest.into_iter().chain(highest).flatten();
    let mut kept: Vec<_> = extremes
        .chain(marks.iter().copied().filter(finite))
        .collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Positions of the anomalies to mark, ascending: all up to 300, else the one of lowest score in each of
/// 300 groups of neighbours.
pub(super) fn marks(scores: &[f64], anomalies: &[bool]) -> Vec<usize> {
    let is_anomaly = |(position, is): (usize, &bool)| is.then_some(position);
    let all: Vec<usize> = anomalies
        .iter()
        .enumerate()
        .filter_map(is_anomaly)
        .collect();
    let count = all.len().min(MARKS);
    (0..count)
        .filter_map(|group| {
            let neighbours = all.get(group * all.len() / count..(group + 1) * all.len() / count)?;
            let score = |position: &usize| value_at(scores, *position);
            neighbours
                .iter()
                .copied()
                .min_by(|one, other| score(one).total_cmp(&score(other)))
        })
        .collect()
}

/// The stretch of time, of equal ones between the first and the last, that a position falls into.
fn bucket(times: &[i64], position: usize) -> usize {
    let first = times.first().copied().unwrap_or_default();
    let since = |time: Option<&i64>| time.map_or(0, |time| time.abs_diff(first));
    let (offset, span) = (since(times.get(position)), since(times.last()));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 150"
    )]
    let bucket = (offset as f64 / (span as f64 + 1.0) * BUCKETS as f64) as usize;
    bucket.min(BUCKETS - 1)
}

fn value_at(values: &[f64], position: usize) -> f64 {
    values.get(position).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn readings() -> impl Strategy<Value = Vec<(i64, f64, bool)>> {
        let reading = (
            any::<i64>(),
            prop_oneof![9 => -1e9..1e9, 1 => Just(f64::NAN)],
            any::<bool>(),
        );
        prop::collection::vec(reading, 0..3000)
    }

    proptest! {
        #[test]
        fn extremes_and_marks_stay(mut readings in readings()) {
            readings.sort_by_key(|reading| reading.0);
            let times: Vec<_> = readings.iter().map(|reading| reading.0).collect();
            let values: Vec<_> = readings.iter().map(|reading| reading.1).collect();
            let anomalies: Vec<_> = readings.iter().map(|reading| reading.2).collect();
            let marks = marks(&values, &anomalies);
            let kept = points(&times, &values, &marks);

            prop_assert!(kept.len() <= POINTS);
            prop_assert!(kept.is_sorted() && marks.is_sorted());
            prop_assert!(marks.iter().all(|mark| anomalies[*mark]));
            let total = anomalies.iter().filter(|is| **is).count();
            prop_assert_eq!(marks.len(), total.min(MARKS));
            prop_assert!(marks.iter().filter(|mark| values[**mark].is_finite()).all(|mark| kept.contains(mark)));
            let finite = values.iter().copied().filter(|value| value.is_finite());
            let drawn = kept.iter().map(|position| values[*position]);
            prop_assert_eq!(finite.clone().reduce(f64::min), drawn.clone().reduce(f64::min));
            prop_assert_eq!(finite.reduce(f64::max), drawn.reduce(f64::max));
        }
    }

    #[test]
    fn every_spike_of_a_long_line_is_drawn() {
        let times: Vec<i64> = (0..86_400).collect();
        let mut values = vec![0.0; times.len()];
        for spike in (300..86_400).step_by(5_000) {
            values[spike] = if spike % 2 == 0 { 50.0 } else { -50.0 };
        }
        let kept = points(&times, &values, &[]);
        for spike in (300..86_400).step_by(5_000) {
            assert!(kept.contains(&spike), "spike at {spike}");
        }
    }
}
