//! Random histories.

use fleetscore_ingest::{Reading, Reason, Refusal};
use proptest::prelude::*;

use crate::manifest::Shape;

pub const SECOND: i64 = 1_000_000_000;
/// 2026-11-28T09:00:00Z.
pub const BASE: i64 = 1_795_856_400 * SECOND;

/// What happens to a partition. Times are in nanoseconds since 1970.
#[derive(Clone, Debug)]
pub enum Event {
    Reading(Sent),
    Idle(i64),
    CloseAll,
    /// A checkpoint: rows are taken by so many, and the state is saved.
    Checkpoint(usize),
    /// Everything since the last checkpoint is lost and comes again.
    Crash,
}

/// A reading that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub arrival: i64,
    pub time: i64,
    pub key: u8,
    pub is_selected: bool,
    pub values: Option<[f64; 2]>,
}

impl Sent {
    pub fn packed(&self) -> Vec<u8> {
        pack(&format!("sensor {}", self.key))
    }

    pub fn reading<'a>(&'a self, key: &'a [u8]) -> Reading<'a> {
        Reading {
            time: self.time,
            key,
            is_selected: self.is_selected,
            features: match &self.values {
                Some(values) => Ok(values),
                None => Err(Refusal {
                    reason: Reason::NotFinite,
                    field: None,
                    value: None,
                }),
            },
        }
    }
}

pub fn pack(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_le_bytes(), text.as_bytes()].concat()
}

pub fn shape() -> impl Strategy<Value = Shape> {
    let window = prop_oneof![
        2 => Just(None),
        6 => (prop::sample::select(vec![5i64, 10, 15, 20, 30, 60]), 1i64..=4)
            .prop_map(|(hop, hops)| Some((hop * hops, hop))),
    ];
    let start = prop_oneof![
        1 => Just(i64::MIN),
        2 => (-120i64..=120).prop_map(|half| BASE + half * SECOND / 2),
    ];
    (
        window,
        prop::sample::select(vec![60i64, 120]),
        0i64..=60,
        0i64..=60,
        1i64..=60,
        50i64..=400,
        any::<bool>(),
        start,
    )
        .prop_map(
            |(window, segment, tolerance, early, idle, max_age, drop_same_time, start)| Shape {
                window,
                segment,
                tolerance,
                early,
                idle,
                max_age,
                drop_same_time,
                max_sensors: 10,
                start,
            },
        )
}

pub fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(step(), 1..250).prop_map(|steps| {
        let mut clock = BASE;
        let place = |(passed, mut event): (i64, Event)| {
            clock += passed * SECOND / 2;
            match &mut event {
                Event::Reading(sent) => {
                    sent.arrival += clock;
                    sent.time += clock;
                }
                Event::Idle(now) => *now += clock,
                Event::CloseAll | Event::Checkpoint(_) | Event::Crash => (),
            }
            event
        };
        steps.into_iter().map(place).collect()
    })
}

/// How many half seconds pass, and what happens, with times against the clock.
fn step() -> impl Strategy<Value = (i64, Event)> {
    let event = prop_oneof![
        60 => sent().prop_map(Event::Reading),
        2 => (0i64..=40).prop_map(|late| Event::Idle(-late * SECOND)),
        1 => Just(Event::CloseAll),
        4 => (1usize..=12).prop_map(Event::Checkpoint),
        2 => Just(Event::Crash),
    ];
    (prop_oneof![9 => 0i64..=8, 1 => 0i64..=200], event)
}

fn sent() -> impl Strategy<Value = Sent> {
    let skew = prop_oneof![
        70 => -60i64..=20,
        20 => -300i64..=150,
        1 => -1000i64..=1000,
    ];
    // Some are exact in binary, some are not, some are huge.
    let value = || {
        prop_oneof![
            6 => (-40i32..=40).prop_map(|quarter| f64::from(quarter) / 4.0),
            6 => -1e3f64..1e3,
            1 => prop_oneof![Just(f64::MAX), Just(-f64::MAX), Just(-0.0), Just(5e-324)],
        ]
    };
    let values = prop_oneof![
        15 => (value(), value()).prop_map(|(a, b)| Some([a, b])),
        1 => Just(None),
    ];
    let key = prop_oneof![4 => 0u8..4, 1 => 0u8..8];
    (skew, key, prop::bool::weighted(0.9), values).prop_map(|(skew, key, is_selected, values)| {
        Sent {
            arrival: 0,
            time: skew * SECOND / 2,
            key,
            is_selected,
            values,
        }
    })
}
