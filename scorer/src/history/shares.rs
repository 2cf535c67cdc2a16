use super::Shares;

/// Steps between 0 and 1 in which shares are counted.
const STEPS: usize = 10_000;

/// Counts sensors by their share of anomalies: the same memory for any number of them, and the order does not matter.
#[derive(Clone, Debug)]
pub struct ShareCounts {
    counts: Vec<u64>,
    sensors: u64,
    max: f64,
}

impl Default for ShareCounts {
    fn default() -> Self {
        Self {
            counts: vec![0; STEPS + 1],
            sensors: 0,
            max: 0.0,
        }
    }
}

impl ShareCounts {
    /// Adds a sensor that was scored; one without readings has no share.
    pub fn add(&mut self, anomalies: u64, rows: u64) {
        if rows == 0 {
            return;
        }
        let share = (anomalies as f64 / rows as f64).min(1.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to STEPS"
        )]
        let step = (share * STEPS as f64).round() as usize;
        if let Some(count) = self.counts.get_mut(step) {
            *count += 1;
        }
        self.sensors += 1;
        self.max = self.max.max(share);
    }

    /// The quantiles by nearest rank, to half a step; none without sensors.
    pub fn spread(&self) -> Option<Shares> {
        if self.sensors == 0 {
            return None;
        }
        Some(Shares {
            p50: self.at(50),
            p90: self.at(90),
            p99: self.at(99),
            max: self.max,
        })
    }

    fn at(&self, percent: u64) -> f64 {
        let rank = (u128::from(self.sensors) * u128::from(percent)).div_ceil(100);
        let mut below = 0_u128;
        for (step, count) in self.counts.iter().enumerate() {
            below += u128::from(*count);
            if below >= rank {
                return (step as f64 / STEPS as f64).min(self.max);
            }
        }
        self.max
    }
}
