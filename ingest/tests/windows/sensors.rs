//! How many sensors a partition knows.

use fleetscore_ingest::{Partition, Reading, Verdict};

use crate::history::{BASE, SECOND, pack};
use crate::manifest::Shape;

fn shape(window: Option<(i64, i64)>, max_sensors: u32) -> Shape {
    Shape {
        window,
        segment: 60,
        tolerance: 0,
        early: 0,
        idle: 10,
        max_age: 1000,
        drop_same_time: false,
        max_sensors,
        start: i64::MIN,
    }
}

fn reading(second: i64, key: &[u8]) -> Reading<'_> {
    Reading {
        time: BASE + second * SECOND,
        key,
        is_selected: true,
        features: Ok(&[1.0, 2.0]),
    }
}

#[test]
fn one_too_many_changes_nothing() {
    let mut partition = Partition::new(shape(Some((60, 60)), 2).rules());
    for key in ["one", "two", "one"] {
        let verdict = partition.add(BASE, &reading(0, &pack(key)));
        assert_eq!(verdict, Ok(Verdict::Accepted));
    }
    let before = partition.save().unwrap();
    let key = [pack("three"), pack("pump")].concat();
    let error = partition
        .add(BASE + 90 * SECOND, &reading(90, &key))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "sensor three/pump is one more than limits.maxSensors (2): raise the limit, or look whether event.columns.keys names a sensor's keys"
    );
    assert!(partition.save().unwrap() == before);
    let filtered = Reading {
        is_selected: false,
        ..reading(50, &key)
    };
    assert_eq!(
        partition.add(BASE + 50 * SECOND, &filtered),
        Ok(Verdict::Filtered)
    );
}

#[test]
fn sensors_that_are_gone_make_room() {
    for window in [None, Some((60, 60)), Some((60, 30))] {
        let mut partition = Partition::new(shape(window, 300).rules());
        let length = window.map_or(1, |(size, _)| size);
        let mut rows = 0;
        for second in 0..20_000 {
            let key = pack(&format!("sensor {second}"));
            let verdict = partition.add(BASE + second * SECOND, &reading(second, &key));
            assert_eq!(verdict, Ok(Verdict::Accepted));
            while let Some(taken) = partition.take_rows(1000) {
                for row in 0..taken.len() {
                    let start = (taken.times[row] - BASE) / SECOND;
                    let mut its = start.max(0)..start + length;
                    assert!(its.any(|second| taken.key(row) == pack(&format!("sensor {second}"))));
                }
                rows += taken.len();
            }
            assert!(partition.sensors() <= 300);
        }
        assert!(rows >= 19_000, "{rows}");
        assert!(partition.save().unwrap().len() < 50_000);
    }
}
