use crate::ledger::{Confusion, ScoreSummary};
use crate::models::is_anomaly;

/// Sums over the readings of one sensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Readings scored.
    pub rows: u64,
    /// Readings left out.
    pub skipped: u64,
    /// Readings predicted as anomaly.
    pub anomalies: u64,
    min: f64,
    max: f64,
    sum: f64,
    labels: Option<Confusion>,
}

impl Tally {
    /// Adds the scores of some readings, with the known truth where there is one.
    pub fn add(&mut self, scores: &[f64], labels: Option<&[bool]>) {
        for &score in scores {
            self.min = if self.rows == 0 {
                score
            } else {
                self.min.min(score)
            };
            self.max = if self.rows == 0 {
                score
            } else {
                self.max.max(score)
            };
            self.sum += score;
            self.rows += 1;
            self.anomalies += u64::from(is_anomaly(score));
        }
        if let Some(labels) = labels {
            let confusion = self.labels.get_or_insert_default();
            scores
                .iter()
                .zip(labels)
                .for_each(|(&score, &label)| count(confusion, is_anomaly(score), label));
        }
    }

    /// Range of the scores; none without readings.
    pub fn score(&self) -> Option<ScoreSummary> {
        (self.rows > 0).then(|| ScoreSummary {
            min: self.min,
            mean: self.sum / self.rows as f64,
            max: self.max,
        })
    }

    /// Predictions against the known truth; none without labels.
    pub fn labels(&self) -> Option<Confusion> {
        self.labels
    }
}

fn count(confusion: &mut Confusion, predicted: bool, known: bool) {
    let cell = match (predicted, known) {
        (true, true) => &mut confusion.true_positives,
        (true, false) => &mut confusion.false_positives,
        (false, true) => &mut confusion.false_negatives,
        (false, false) => &mut confusion.true_negatives,
    };
    *cell += 1;
}
