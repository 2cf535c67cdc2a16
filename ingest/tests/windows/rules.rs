//! What follows from a manifest, and what is refused.

use fleetscore_ingest::{Partition, Reading, Rules, Verdict};

use crate::history::{BASE, SECOND, pack};
use crate::manifest::Shape;

fn shape(window: Option<(i64, i64)>, segment: i64) -> Shape {
    Shape {
        window,
        segment,
        tolerance: 0,
        early: 3600,
        idle: 10,
        max_age: 1000,
        drop_same_time: false,
        max_sensors: 10,
        start: i64::MIN,
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let message = |window, segment| {
        let spec = shape(window, segment).spec();
        Rules::new(&spec, 0).unwrap_err().to_string()
    };
    assert_eq!(
        message(Some((60, 45)), 3600),
        "window.sizeSeconds is 60: it must be a multiple of window.hopSeconds (45), so that none is cut"
    );
    assert_eq!(
        message(Some((90, 90)), 60),
        "output.segmentSeconds is 60: it must be a multiple of window.hopSeconds (90), so that none is cut"
    );
    assert_eq!(
        message(Some((60, 60)), 7000),
        "a day is 86400: it must be a multiple of output.segmentSeconds (7000), so that none is cut"
    );
    assert_eq!(
        message(Some((60, 0)), 3600),
        "window.hopSeconds is 0: it must be from 1 to 86400 seconds"
    );
}

#[test]
fn aggregates_are_of_features_and_only_with_windows() {
    let mut spec = shape(Some((60, 60)), 3600).spec();
    spec.aggregates[0].of = "c".to_owned();
    assert_eq!(
        Rules::new(&spec, 0).unwrap_err().to_string(),
        "aggregates: \"aAvg\" is of \"c\", which is none of event.columns.features; add it there"
    );
    spec.window = None;
    assert_eq!(
        Rules::new(&spec, 0).unwrap_err().to_string(),
        "aggregates must be given exactly where window is given; add the one or drop the other"
    );
}

/// Both windows of a time are open, then one of them.
#[test]
fn only_open_windows_get_a_reading() {
    let mut partition = Partition::new(shape(Some((60, 30)), 60).rules());
    let key = pack("pump");
    let mut add = |second: i64| {
        let reading = Reading {
            time: BASE + second * SECOND,
            key: &key,
            is_selected: true,
            features: Ok(&[1.0, 1.0]),
        };
        partition.add(BASE, &reading).unwrap()
    };
    assert_eq!(add(45), Verdict::Accepted);
    assert_eq!(add(61), Verdict::Accepted);
    // The window from 0 to 60 has closed, the one from 30 to 90 has not.
    assert_eq!(add(46), Verdict::Accepted);
    assert_eq!(add(15), Verdict::Late);
    partition.close_all();
    let mut rows = Vec::new();
    while let Some(taken) = partition.take_rows(1) {
        rows.push(((taken.times[0] - BASE) / SECOND, taken.partials.count[0]));
    }
    assert_eq!(rows, [(-0, 1), (30, 3), (60, 1)]);
}

#[test]
fn times_and_arrivals_of_any_size_do_no_harm() {
    let extremes = [
        i64::MIN,
        i64::MIN + 1,
        -1,
        0,
        1,
        BASE,
        i64::MAX / 2,
        i64::MAX - 1,
        i64::MAX,
    ];
    for window in [None, Some((60, 60)), Some((86_400, 3600))] {
        let mut partition = Partition::new(shape(window, 3600).rules());
        let key = pack("pump");
        for (arrival, time) in extremes.iter().flat_map(|a| extremes.map(|t| (*a, t))) {
            let reading = Reading {
                time,
                key: &key,
                is_selected: true,
                features: Ok(&[1.0, 1.0]),
            };
            partition.add(arrival, &reading).unwrap();
            partition.idle(time);
            partition.close_through(arrival);
            partition.forget(time);
        }
        partition.close_all();
        while partition.take_rows(10).is_some() {}
        let loaded = Partition::load(&partition.save().unwrap(), partition.rules().clone());
        assert_eq!(loaded.unwrap().tally().total().readings(), 81);
    }
}
