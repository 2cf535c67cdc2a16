use std::fmt;

use rand_chacha::ChaCha8Rng;

use super::random::{uniform, whole};

/// What is wrong with the sensor during an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One to three readings far outside of the usual range.
    Spike,
    /// The level jumps out of the usual range, stays there, and jumps back.
    LevelShift,
    /// The same value again and again. Each value alone is a usual one, so a model that sees single readings misses it.
    Stuck,
    /// The noise becomes six to ten times as strong.
    NoiseBurst,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Spike => "spike",
            Self::LevelShift => "level-shift",
            Self::Stuck => "stuck",
            Self::NoiseBurst => "noise-burst",
        })
    }
}

/// A kind with how often it comes and how many readings it lasts.
struct Habit {
    kind: Kind,
    weight: u32,
    shortest: u32,
    longest: u32,
}

const HABITS: [Habit; 4] = [
    Habit {
        kind: Kind::Spike,
        weight: 6,
        shortest: 1,
        longest: 3,
    },
    Habit {
        kind: Kind::LevelShift,
        weight: 1,
        shortest: 24,
        longest: 96,
    },
    Habit {
        kind: Kind::Stuck,
        weight: 1,
        shortest: 24,
        longest: 96,
    },
    Habit {
        kind: Kind::NoiseBurst,
        weight: 2,
        shortest: 12,
        longest: 48,
    },
];

/// One anomaly of one sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Episode {
    /// What is wrong.
    pub kind: Kind,
    /// How many readings it lasts.
    pub rows: u32,
    /// 1 or -1: up or down.
    pub direction: f64,
    /// Spike, level shift: how far outside, in noise deviations. Noise burst: the factor on the noise.
    pub size: f64,
}

impl Episode {
    /// Draws an anomaly.
    pub(super) fn draw(stream: &mut ChaCha8Rng) -> Self {
        let habit = draw_habit(stream);
        let (low, high) = match habit.kind {
            Kind::Spike => (8.0, 20.0),
            Kind::LevelShift => (5.0, 9.0),
            Kind::Stuck => (0.0, 0.0),
            Kind::NoiseBurst => (6.0, 10.0),
        };
        Self {
            kind: habit.kind,
            rows: whole(stream, habit.shortest, habit.longest),
            direction: if whole(stream, 0, 1) == 0 { -1.0 } else { 1.0 },
            size: uniform(stream, low, high),
        }
    }
}

fn draw_habit(stream: &mut ChaCha8Rng) -> &'static Habit {
    let total: u32 = HABITS.iter().map(|habit| habit.weight).sum();
    let mut ticket = whole(stream, 0, total - 1);
    for habit in &HABITS {
        if ticket < habit.weight {
            return habit;
        }
        ticket -= habit.weight;
    }
    &HABITS[0]
}

/// The mean number of normal readings between two anomalies, so that the share `rate` of all readings is anomalous.
pub(super) fn mean_gap(rate: f64) -> f64 {
    let total: u32 = HABITS.iter().map(|habit| habit.weight).sum();
    let lengths: f64 = HABITS
        .iter()
        .map(|h| f64::from(h.weight) * f64::from(h.shortest + h.longest) / 2.0)
        .sum();
    let mean_length = lengths / f64::from(total);
    mean_length * (1.0 - rate) / rate
}
