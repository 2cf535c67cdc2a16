//! Partial aggregates of several partitions.

use fleetscore_crds::AggregateFunction;
use fleetscore_ingest::{FeaturePartials, Partials};
use proptest::prelude::*;

const ALL: [AggregateFunction; 10] = [
    AggregateFunction::Avg,
    AggregateFunction::Count,
    AggregateFunction::Sum,
    AggregateFunction::Min,
    AggregateFunction::Max,
    AggregateFunction::Range,
    AggregateFunction::StdDev,
    AggregateFunction::Var,
    AggregateFunction::First,
    AggregateFunction::Last,
];

fn row(readings: &[(i64, f64)]) -> Partials {
    let mut partials = Partials::new(vec![FeaturePartials::new(ALL)]);
    partials.push(readings[0].0, &[readings[0].1]);
    for &(time, value) in &readings[1..] {
        partials.add(0, time, &[value]);
    }
    partials
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Quarters are added up exactly, so the order makes no difference but for variances, which are right within rounding.
    #[test]
    fn merged_rows_are_those_of_all_readings(parts in prop::collection::vec(prop::collection::vec((0i64..5, -400i32..400), 1..20), 1..6)) {
        let parts: Vec<Vec<(i64, f64)>> = parts
            .iter()
            .map(|part| part.iter().map(|(time, quarters)| (*time, f64::from(*quarters) / 4.0)).collect())
            .collect();
        let whole = row(&parts.concat());
        let mut merged = whole.clone();
        merged.clone_from(&row(&parts[0]));
        for part in &parts[1..] {
            merged.merge_row(0, &row(part), 0);
        }
        for function in ALL {
            let (merged, whole) = (merged.value(0, 0, function), whole.value(0, 0, function));
            if matches!(function, AggregateFunction::StdDev | AggregateFunction::Var) {
                prop_assert_eq!(merged.is_some(), whole.is_some());
                let (merged, whole) = (merged.unwrap_or_default(), whole.unwrap_or_default());
                prop_assert!((merged - whole).abs() <= 1e-9 * whole.max(1.0), "{} {}", merged, whole);
            } else {
                prop_assert_eq!(merged, whole);
            }
        }
    }
}

#[test]
fn of_equal_times_the_first_comes_first_and_the_last_last() {
    let mut lower = row(&[(5, 1.0), (5, 2.0), (7, 3.0), (7, 4.0)]);
    assert_eq!(lower.value(0, 0, AggregateFunction::First), Some(1.0));
    assert_eq!(lower.value(0, 0, AggregateFunction::Last), Some(4.0));
    lower.merge_row(0, &row(&[(7, 6.0), (5, 5.0)]), 0);
    assert_eq!(lower.value(0, 0, AggregateFunction::First), Some(1.0));
    assert_eq!(lower.value(0, 0, AggregateFunction::Last), Some(6.0));
}

#[test]
fn one_reading_has_no_deviation() {
    let row = row(&[(5, -0.0)]);
    assert_eq!(row.value(0, 0, AggregateFunction::StdDev), None);
    assert_eq!(row.value(0, 0, AggregateFunction::Var), None);
    let sum = row.value(0, 0, AggregateFunction::Sum);
    assert_eq!(sum.map(f64::to_bits), Some((-0.0f64).to_bits()));
}

#[test]
fn only_what_is_needed_is_kept() {
    let partials = Partials::new(vec![
        FeaturePartials::new([AggregateFunction::Count]),
        FeaturePartials::new([AggregateFunction::Avg, AggregateFunction::Last]),
    ]);
    let kept = |feature: usize| {
        let columns = partials.features[feature].columns().into_iter();
        columns
            .filter_map(|(name, column)| column.map(|_| name))
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(0), Vec::<&str>::new());
    assert_eq!(kept(1), ["sum", "last"]);
    assert_eq!(
        (partials.first_time, partials.last_time),
        (None, Some(Vec::new()))
    );
}
