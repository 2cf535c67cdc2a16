//! Random numbers and curves from additions, multiplications and divisions alone.
//!
//! sin, exp and ln come from the platform's mathematics library and may differ in the last bit from machine to machine; the
//! four basic operations of IEEE 754 may not. That is what makes the same seed give the same bytes everywhere.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a random stream is for; each has its own, so that changing one does not disturb the others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The character of the sensor.
    Character = 0,
    /// The noise of the history.
    Training = 1,
    /// The noise of the readings to score.
    Scoring = 2,
    /// The anomalies.
    Anomalies = 3,
    /// What a device does to its events; the stream's number is the device's.
    Habits = 4,
    /// How long events take, and which are sent twice.
    Delivery = 5,
}

/// The random stream of one sensor for one purpose.
pub(super) fn stream(seed: u64, sensor: u32, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..12].copy_from_slice(&sensor.to_le_bytes());
    let mut stream = ChaCha8Rng::from_seed(key);
    stream.set_stream(purpose as u64);
    stream
}

/// Uniform in `[low, high)`.
pub(super) fn uniform(stream: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    let unit = (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    low + (high - low) * unit
}

/// Uniform in `low..=high`.
pub(super) fn whole(stream: &mut ChaCha8Rng, low: u32, high: u32) -> u32 {
    let span = u64::from(high - low) + 1;
    // Multiply and shift; its bias is below 2^-32 for these small spans.
    let offset = (u64::from(stream.next_u32()) * span) >> 32;
    low + u32::try_from(offset).unwrap_or(high - low)
}

/// Nearly normal, mean 0 and standard deviation 1, within 3.47: the sum of four uniform numbers (Irwin-Hall).
pub(super) fn normal(stream: &mut ChaCha8Rng) -> f64 {
    const MEAN: f64 = 2.0 * 65_535.0;
    // Each uniform number below 2^16 has the variance (2^32 - 1) / 12; this is the root of four times that.
    const DEVIATION: f64 = 37_837.227_2;
    let bits = stream.next_u64();
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    (sum as f64 - MEAN) / DEVIATION
}

/// One smooth wave in `[-1, 1]` a turn: two parabolas in the place of a sine.
pub(super) fn wave(turns: f64) -> f64 {
    let turn = turns - turns.floor();
    if turn < 0.5 {
        16.0 * turn * (0.5 - turn)
    } else {
        -16.0 * (turn - 0.5) * (1.0 - turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_has_the_moments_of_a_normal_distribution() {
        let mut stream = stream(7, 1, Purpose::Scoring);
        let draws: Vec<f64> = (0..200_000).map(|_| normal(&mut stream)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance =
            draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        assert!(draws.iter().all(|draw| draw.abs() < 3.47));
    }

    #[test]
    fn whole_numbers_reach_both_ends() {
        let mut stream = stream(7, 1, Purpose::Scoring);
        let draws: Vec<u32> = (0..1000).map(|_| whole(&mut stream, 2, 5)).collect();
        assert_eq!(
            (draws.iter().min(), draws.iter().max()),
            (Some(&2), Some(&5))
        );
    }

    #[test]
    fn the_wave_is_close_to_a_sine() {
        for step in 0..1000 {
            let turns = f64::from(step) / 100.0;
            assert!((wave(turns) - (turns * std::f64::consts::TAU).sin()).abs() < 0.06);
        }
    }
}
