use rand_chacha::ChaCha8Rng;

use super::anomaly::{Episode, Kind, mean_gap};
use super::plant::{Place, Plant};
use super::random::{Purpose, normal, stream, uniform, wave, whole};

/// Values are whole multiples of one ten-thousandth, so that CSV (four decimals) and Parquet hold exactly the same numbers.
pub(super) const UNITS: f64 = 10_000.0;

const DAY: f64 = 86_400_000.0;

/// A kind of quantity: the ranges that a sensor of it draws its character from.
struct Quantity {
    level: (f64, f64),
    rhythm: (f64, f64),
    noise: (f64, f64),
}

/// Temperature (degrees Celsius), pressure (bar), vibration (mm/s), flow (m3/h), current (A).
const QUANTITIES: [Quantity; 5] = [
    Quantity {
        level: (40.0, 90.0),
        rhythm: (0.5, 4.0),
        noise: (0.1, 0.6),
    },
    Quantity {
        level: (2.0, 12.0),
        rhythm: (0.05, 0.3),
        noise: (0.02, 0.1),
    },
    Quantity {
        level: (1.0, 6.0),
        rhythm: (0.05, 0.4),
        noise: (0.05, 0.2),
    },
    Quantity {
        level: (50.0, 400.0),
        rhythm: (2.0, 15.0),
        noise: (0.5, 4.0),
    },
    Quantity {
        level: (10.0, 120.0),
        rhythm: (1.0, 8.0),
        noise: (0.2, 1.5),
    },
];

/// How one number of a sensor's readings behaves.
#[derive(Clone, Debug)]
struct Feature {
    level: f64,
    rhythm: f64,
    /// In turns of a day.
    phase: f64,
    noise: f64,
    /// A day.
    drift: f64,
}

impl Feature {
    fn draw(quantity: &Quantity, phase: f64, stream: &mut ChaCha8Rng) -> Self {
        let noise = uniform(stream, quantity.noise.0, quantity.noise.1);
        Self {
            level: uniform(stream, quantity.level.0, quantity.level.1),
            rhythm: uniform(stream, quantity.rhythm.0, quantity.rhythm.1),
            phase,
            noise,
            drift: noise * uniform(stream, -0.5, 0.5),
        }
    }

    /// The undisturbed value at `time`; the drift counts from `origin`. Both in milliseconds.
    fn base(&self, time: i64, origin: i64) -> f64 {
        let days = time as f64 / DAY;
        let drifted = (time - origin) as f64 / DAY;
        self.level + self.rhythm * wave(days + self.phase) + self.drift * drifted
    }

    /// How far an anomaly moves the value: out of the daily rhythm's range, and `size` noise deviations further.
    fn offset(&self, episode: &Episode) -> f64 {
        episode.direction * (2.0 * self.rhythm + episode.size * self.noise)
    }
}

/// What one step of a sensor did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Step {
    /// Whether the reading belongs to an anomaly.
    pub anomalous: bool,
    /// The anomaly that began with this reading.
    pub began: Option<Episode>,
}

/// One sensor: its character, and where its random streams stand.
#[derive(Clone, Debug)]
pub(super) struct Sensor {
    /// Where it is.
    pub place: Place,
    /// The reading of the last step, in ten-thousandths; before the first step, the undisturbed values.
    pub values: Box<[i64]>,
    features: Box<[Feature]>,
    noise: ChaCha8Rng,
    origin: i64,
    anomalies: Option<Anomalies>,
}

/// What goes wrong with a sensor, and when.
#[derive(Clone, Debug)]
struct Anomalies {
    stream: ChaCha8Rng,
    mean_gap: f64,
    /// Readings until the next anomaly.
    gap: u32,
    current: Option<(Episode, u32)>,
}

impl Sensor {
    /// The sensor as it goes through its history, without anomalies.
    pub(super) fn training(plant: &Plant, index: u32, place: Place) -> Self {
        Self::new(plant, index, place, Purpose::Training)
    }

    /// The sensor as it goes through the readings to score.
    pub(super) fn scoring(plant: &Plant, index: u32, place: Place) -> Self {
        let mut sensor = Self::new(plant, index, place, Purpose::Scoring);
        if plant.anomaly_rate > 0.0 {
            let stream = stream(plant.seed, index, Purpose::Anomalies);
            sensor.anomalies = Some(Anomalies::new(stream, mean_gap(plant.anomaly_rate)));
        }
        sensor
    }

    fn new(plant: &Plant, index: u32, place: Place, purpose: Purpose) -> Self {
        let mut character = stream(plant.seed, index, Purpose::Character);
        let phase = uniform(&mut character, 0.0, 1.0);
        let features: Box<[Feature]> = (0..plant.features)
            .map(|feature| {
                let quantity = &QUANTITIES[(place.tag as usize - 1 + feature) % QUANTITIES.len()];
                Feature::draw(quantity, phase, &mut character)
            })
            .collect();
        let noise = stream(plant.seed, index, purpose);
        let origin = plant.scoring.start;
        let values = features
            .iter()
            .map(|feature| to_units(feature.base(origin, origin)))
            .collect();
        Self {
            place,
            values,
            features,
            noise,
            origin,
            anomalies: None,
        }
    }

    /// Makes the reading at `time`, milliseconds since 1970, in `values`.
    pub(super) fn step(&mut self, time: i64) -> Step {
        let began = self.anomalies.as_mut().and_then(Anomalies::begin);
        let episode = self
            .anomalies
            .as_ref()
            .and_then(|anomalies| anomalies.current)
            .map(|(episode, _)| episode);
        for (feature, value) in self.features.iter().zip(&mut self.values) {
            // Drawn even where it is not used, so that an anomaly does not change the noise after it.
            let noise = feature.noise * normal(&mut self.noise);
            let base = feature.base(time, self.origin);
            match episode {
                None => *value = to_units(base + noise),
                Some(episode) => match episode.kind {
                    Kind::Spike | Kind::LevelShift => {
                        *value = to_units(base + noise + feature.offset(&episode));
                    }
                    Kind::NoiseBurst => *value = to_units(base + noise * episode.size),
                    Kind::Stuck => {}
                },
            }
        }
        if let Some(anomalies) = &mut self.anomalies {
            anomalies.advance();
        }
        Step {
            anomalous: episode.is_some(),
            began,
        }
    }
}

impl Anomalies {
    fn new(stream: ChaCha8Rng, mean_gap: f64) -> Self {
        let mut anomalies = Self {
            stream,
            mean_gap,
            gap: 0,
            current: None,
        };
        anomalies.gap = anomalies.draw_gap();
        anomalies
    }

    /// Uniform between nothing and twice the mean.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive; saturates for tiny rates
    fn draw_gap(&mut self) -> u32 {
        whole(
            &mut self.stream,
            0,
            (2.0 * self.mean_gap).min(f64::from(u32::MAX - 1)) as u32,
        )
    }

    /// Begins the next anomaly if it is due.
    fn begin(&mut self) -> Option<Episode> {
        if self.current.is_some() || self.gap > 0 {
            return None;
        }
        let episode = Episode::draw(&mut self.stream);
        self.current = Some((episode, episode.rows));
        Some(episode)
    }

    /// One reading has passed.
    fn advance(&mut self) {
        match &mut self.current {
            Some((_, left)) if *left > 1 => *left -= 1,
            Some(_) => {
                self.current = None;
                // At least one normal reading between two anomalies, so that the list of anomalies matches the labels.
                self.gap = self.draw_gap().max(1);
            }
            None => self.gap = self.gap.saturating_sub(1),
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // readings are far below 2^63 ten-thousandths
fn to_units(value: f64) -> i64 {
    (value * UNITS).round() as i64
}
