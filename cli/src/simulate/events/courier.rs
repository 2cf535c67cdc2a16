use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write;

use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;

use super::super::plant::Plant;
use super::super::random::{Purpose, stream, uniform};
use super::super::sensor::Sensor;
use super::{Error, Event, EventArgs};

/// Brings events to the hub: it knows each device's habits and each sensor's luck.
pub(super) struct Courier {
    devices: Vec<Habit>,
    luck: Vec<ChaCha8Rng>,
    names: Vec<String>,
    delay: i64,
    duplicate_rate: f64,
    pending: BinaryHeap<Reverse<Event>>,
    number: u64,
}

/// What a device does to its events.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    /// It sends at whole multiples of so many milliseconds; 0: at once.
    every: i64,
    /// Its clock is so many milliseconds ahead.
    ahead: i64,
}

impl Courier {
    pub(super) fn new(plant: &Plant, args: &EventArgs) -> Self {
        let millis = |seconds: u32| i64::from(seconds) * 1000;
        let habit = |device| {
            let mut stream = stream(plant.seed, device, Purpose::Habits);
            let mut is = |share| uniform(&mut stream, 0.0, 1.0) < share;
            let (late, early) = (is(args.late_devices), is(args.early_devices));
            Habit {
                every: if late { millis(args.late_seconds) } else { 0 },
                ahead: if early { millis(args.early_seconds) } else { 0 },
            }
        };
        Self {
            devices: (1..=plant.devices).map(habit).collect(),
            luck: (0..plant.sensors())
                .map(|sensor| stream(plant.seed, sensor, Purpose::Delivery))
                .collect(),
            names: plant
                .feature_names()
                .iter()
                .map(|name| name.to_lowercase())
                .collect(),
            delay: millis(args.delay_seconds),
            duplicate_rate: args.duplicate_rate,
            pending: BinaryHeap::new(),
            number: 0,
        }
    }

    /// Takes the reading that a sensor has just made at `time`; `index` is the sensor's among all.
    pub(super) fn send(&mut self, index: usize, time: i64, sensor: &Sensor) {
        let device = sensor.place.device;
        let habit = self.devices[device as usize - 1];
        let body = self.body(time + habit.ahead, sensor);
        let sent = match habit.every {
            0 => time,
            every => (time.div_euclid(every) + 1) * every,
        };
        // All is drawn whether it is used or not, so that no option disturbs another.
        let luck = &mut self.luck[index];
        let delays = [0, 1].map(|_| delay(luck, self.delay));
        let is_doubled = uniform(luck, 0.0, 1.0) < self.duplicate_rate;
        for delay in delays.into_iter().take(1 + usize::from(is_doubled)) {
            self.number += 1;
            self.pending.push(Reverse(Event {
                arrival: sent + delay,
                number: self.number,
                device,
                body: body.clone(),
            }));
        }
    }

    /// Hands out, in order, what arrives before `time`; later readings arrive no earlier.
    pub(super) fn hand_out(
        &mut self,
        time: i64,
        push: &mut dyn FnMut(&Event) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while let Some(Reverse(next)) = self.pending.peek() {
            if next.arrival >= time {
                break;
            }
            push(next)?;
            self.pending.pop();
        }
        Ok(())
    }

    fn body(&self, time: i64, sensor: &Sensor) -> String {
        let place = sensor.place;
        let mut body = format!(
            r#"{{"ts":"{}","device":"{}","tag":"{}""#,
            instant(time),
            place.device,
            place.tag
        );
        for (name, value) in self.names.iter().zip(&sensor.values) {
            let sign = if *value < 0 { "-" } else { "" };
            let size = value.unsigned_abs();
            // Writing into text cannot fail.
            let _ = write!(
                body,
                r#","{name}":{sign}{}.{:04}"#,
                size / 10_000,
                size % 10_000
            );
        }
        body.push('}');
        body
    }
}

/// Uniform from nothing to `longest`, in milliseconds.
#[allow(clippy::cast_possible_truncation)] // a week at most
fn delay(luck: &mut ChaCha8Rng, longest: i64) -> i64 {
    uniform(luck, 0.0, longest as f64 + 1.0).floor() as i64
}

/// RFC 3339; the plant's times were checked, and early clocks are at most a week ahead of them.
pub(super) fn instant(time: i64) -> Timestamp {
    Timestamp::from_millisecond(time).unwrap_or_default()
}
