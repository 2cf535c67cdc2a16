use jiff::Timestamp;

use super::{Error, SimulateArgs};

/// The layout of a plant: its sensors and its times.
#[derive(Clone, Debug)]
pub(super) struct Plant {
    /// Chooses every random stream.
    pub seed: u64,
    /// Number of devices.
    pub devices: u32,
    /// Tags of each device.
    pub tags: u32,
    /// Numbers in each reading.
    pub features: usize,
    /// Share of the scored readings that are anomalous.
    pub anomaly_rate: f64,
    /// Times of the history.
    pub training: Ticks,
    /// Times of the readings to score.
    pub scoring: Ticks,
}

/// Evenly spaced times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    /// The first time, milliseconds since 1970.
    pub start: i64,
    /// Milliseconds between two times.
    pub step: i64,
    /// How many.
    pub count: u32,
}

impl Ticks {
    /// The times, milliseconds since 1970.
    pub(super) fn iter(self) -> impl Iterator<Item = i64> {
        (0..i64::from(self.count)).map(move |index| self.start + index * self.step)
    }
}

/// One sensor's place in the plant, both from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The device.
    pub device: u32,
    /// The tag on the device.
    pub tag: u32,
}

impl Plant {
    /// Lays the plant out, or says what does not fit.
    pub(super) fn new(args: &SimulateArgs) -> Result<Self, Error> {
        let tags = match args.tags {
            Some(tags) if args.sensors.is_multiple_of(tags) => tags,
            Some(tags) => {
                return Err(Error::Tags {
                    tags,
                    sensors: args.sensors,
                });
            }
            None => (1..=5)
                .rev()
                .find(|tags| args.sensors.is_multiple_of(*tags))
                .unwrap_or(1),
        };
        let (training, scoring) = ticks(args)?;
        Ok(Self {
            seed: args.seed,
            devices: args.sensors / tags,
            tags,
            features: args.features as usize,
            anomaly_rate: args.anomaly_rate,
            training,
            scoring,
        })
    }

    /// Number of sensors.
    pub(super) fn sensors(&self) -> u32 {
        self.devices * self.tags
    }

    /// Every sensor's place, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let tags = self.tags;
        (1..=self.devices).flat_map(move |device| (1..=tags).map(move |tag| Place { device, tag }))
    }

    /// Rows of the history and of the readings together; the readings once more for events.
    pub(super) fn total_rows(&self, with_events: bool) -> u64 {
        let readings = u64::from(self.scoring.count) * (1 + u64::from(with_events));
        u64::from(self.sensors()) * (u64::from(self.training.count) + readings)
    }

    /// Names of the feature columns.
    pub(super) fn feature_names(&self) -> Vec<String> {
        match self.features {
            1 => vec!["Value".to_owned()],
            features => (1..=features)
                .map(|feature| format!("Value{feature}"))
                .collect(),
        }
    }
}

/// The times of the history, which ends where the readings start, and of the readings.
fn ticks(args: &SimulateArgs) -> Result<(Ticks, Ticks), Error> {
    let start = args.start.as_millisecond();
    let train_step = i64::from(args.train_interval_seconds) * 1000;
    let train_count = count(args.train_hours, train_step);
    let training = Ticks {
        start: start - i64::from(train_count) * train_step,
        step: train_step,
        count: train_count,
    };
    let step = i64::from(args.interval_seconds) * 1000;
    let scoring = Ticks {
        start,
        step,
        count: count(args.hours, step),
    };
    let end = scoring.start + i64::from(scoring.count) * step;
    for time in [training.start, end] {
        Timestamp::from_millisecond(time).map_err(|_| Error::Time { start: args.start })?;
    }
    Ok((training, scoring))
}

/// How many steps of `step` milliseconds begin within `hours`; at least one.
#[allow(clippy::cast_possible_truncation)] // hours are limited by the arguments: at most 3.6e11 milliseconds
fn count(hours: f64, step: i64) -> u32 {
    let length = (hours * 3_600_000.0).round() as i64;
    u32::try_from((length + step - 1) / step)
        .unwrap_or(u32::MAX)
        .max(1)
}
