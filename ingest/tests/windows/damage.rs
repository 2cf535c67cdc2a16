//! Bytes that are no state, or not this stream's.

use fleetscore_ingest::{Partition, StateError};
use proptest::prelude::*;

use crate::history::{BASE, SECOND, Sent};
use crate::manifest::Shape;

const HEADER: usize = 16;

fn shape(window: Option<(i64, i64)>) -> Shape {
    Shape {
        window,
        segment: 60,
        tolerance: 10,
        early: 10,
        idle: 10,
        max_age: 1000,
        drop_same_time: true,
        max_sensors: 100,
        start: BASE,
    }
}

fn sent(second: i64, key: u8) -> Sent {
    Sent {
        arrival: BASE + second * SECOND,
        time: BASE + second * SECOND,
        key,
        is_selected: true,
        values: Some([f64::from(key), 0.5]),
    }
}

fn read(partition: &mut Partition, sent: &Sent) {
    let key = sent.packed();
    partition.add(sent.arrival, &sent.reading(&key)).unwrap();
}

/// With open panes, times that came, waiting rows, and a sensor that is gone.
fn state(shape: &Shape) -> Vec<u8> {
    let mut partition = Partition::new(shape.rules());
    for second in 0..100 {
        read(
            &mut partition,
            &sent(second, u8::try_from(second % 7).unwrap()),
        );
    }
    partition.count_empty();
    partition.save().unwrap()
}

fn unpacked(state: &[u8]) -> Vec<u8> {
    let length = u64::from_le_bytes(state[8..HEADER].try_into().unwrap());
    zstd::bulk::decompress(&state[HEADER..], usize::try_from(length).unwrap()).unwrap()
}

fn packed(state: &[u8], raw: &[u8]) -> Vec<u8> {
    let length = (raw.len() as u64).to_le_bytes();
    let packed = zstd::bulk::compress(raw, 1).unwrap();
    [&state[..8], &length, &packed].concat()
}

/// It may only be wrong from then on; it must not break down.
fn goes_on(mut partition: Partition) {
    for second in [0, 30, 90, 100, 105, 200] {
        let sent = sent(second, 1);
        let key = sent.packed();
        let _ = partition.add(sent.arrival, &sent.reading(&key));
    }
    partition.idle(i64::MAX);
    partition.close_all();
    while partition.take_rows(10).is_some() {}
    partition.tally().total().readings();
    partition.save().unwrap();
}

fn windows() -> impl Strategy<Value = Option<(i64, i64)>> {
    prop::sample::select(vec![None, Some((10, 10)), Some((30, 10))])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), with_header in any::<bool>()) {
        let shape = shape(Some((10, 10)));
        let header = &state(&shape)[..HEADER];
        let bytes = if with_header { [header, &bytes].concat() } else { bytes };
        prop_assert!(Partition::load(&bytes, shape.rules()).is_err());
    }

    #[test]
    fn a_damaged_state_does_no_harm(window in windows(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let shape = shape(window);
        let state = state(&shape);
        let mut raw = unpacked(&state);
        for (place, byte) in damage {
            let place = place.index(raw.len());
            raw[place] = byte;
        }
        if let Ok(partition) = Partition::load(&packed(&state, &raw), shape.rules()) {
            goes_on(partition);
        }
    }

    #[test]
    fn a_number_that_is_damaged_does_no_harm(window in windows(), place in any::<prop::sample::Index>(), number in prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX / 2, i64::MAX])) {
        let shape = shape(window);
        let state = state(&shape);
        let mut raw = unpacked(&state);
        let place = place.index(raw.len() - 8);
        raw[place..place + 8].copy_from_slice(&number.to_le_bytes());
        if let Ok(partition) = Partition::load(&packed(&state, &raw), shape.rules()) {
            goes_on(partition);
        }
    }
}

#[test]
fn a_state_that_is_cut_or_longer_is_refused() {
    for window in [None, Some((10, 10)), Some((30, 10))] {
        let shape = shape(window);
        let state = state(&shape);
        let raw = unpacked(&state);
        let refused = |bytes: &[u8]| Partition::load(bytes, shape.rules()).is_err();
        assert!((0..state.len()).all(|length| refused(&state[..length])));
        assert!(refused(&[&state[..], &[0]].concat()));
        let empty = zstd::bulk::compress(&[], 1).unwrap();
        assert!(refused(&[&state[..], &empty].concat()));
        assert!(
            (0..raw.len())
                .step_by(37)
                .all(|length| refused(&packed(&state, &raw[..length])))
        );
        assert!(refused(&packed(&state, &[&raw[..], &[0]].concat())));
    }
}

#[test]
fn lengths_that_lie_take_no_memory() {
    let shape = shape(Some((10, 10)));
    let mut state = state(&shape);
    for length in [u64::MAX, 1 << 35] {
        state[8..HEADER].copy_from_slice(&length.to_le_bytes());
        let refused = Partition::load(&state, shape.rules());
        assert!(matches!(refused, Err(StateError::TooLarge(found)) if found == length));
    }
    state[8..HEADER].copy_from_slice(&(1u64 << 34).to_le_bytes());
    assert!(Partition::load(&state, shape.rules()).is_err());
}

#[test]
fn a_state_of_another_version_or_stream_is_refused() {
    let shape = shape(Some((10, 10)));
    let mut state = state(&shape);
    let mut others = vec![shape.clone(); 5];
    others[0].window = Some((20, 10));
    others[1].window = None;
    others[2].segment = 120;
    others[3].drop_same_time = false;
    others[4].start += SECOND;
    for other in others {
        let refused = Partition::load(&state, other.rules());
        assert!(matches!(refused, Err(StateError::OtherRules)));
    }
    let mut patient = shape.clone();
    patient.tolerance = 20;
    patient.max_sensors = 1;
    assert!(Partition::load(&state, patient.rules()).is_ok());
    state[4] = 2;
    let refused = Partition::load(&state, shape.rules());
    assert!(matches!(refused, Err(StateError::Version(2))));
}
