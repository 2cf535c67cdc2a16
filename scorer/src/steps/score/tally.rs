use std::collections::BTreeMap;

use crate::ledger::{Confusion, ScoreSummary};
use crate::models::{Labels, Verdicts};

/// A power of two that is small enough for any number of scores to be summed up, and no digit is lost by.
const SMALL: f64 = 1.0 / 18_446_744_073_709_551_616.0;

/// Labels whose readings are counted in a ledger.
const LABELS: usize = 32;

/// Sums over the readings of one sensor, whose scores are finite.
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
    /// The sum of the scores times [`SMALL`]: the sum of large ones may not be finite.
    small_sum: f64,
    labels: Option<Confusion>,
    /// Readings of each class.
    classes: Vec<u64>,
}

impl Tally {
    /// Adds the verdicts of some readings, with the known truth where there is one.
    pub fn add(&mut self, verdicts: &Verdicts, labels: Option<&[bool]>) {
        for (score, is_anomaly) in verdicts.iter() {
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
            self.small_sum += score * SMALL;
            self.rows += 1;
            self.anomalies += u64::from(is_anomaly);
        }
        for &class in verdicts.classes() {
            let class = usize::from(class);
            if self.classes.len() <= class {
                self.classes.resize(class + 1, 0);
            }
            if let Some(count) = self.classes.get_mut(class) {
                *count += 1;
            }
        }
        if let Some(labels) = labels {
            let confusion = self.labels.get_or_insert_default();
            let predicted = verdicts.anomalies().iter().zip(labels);
            predicted.for_each(|(&predicted, &label)| count(confusion, predicted, label));
        }
    }

    /// Readings by label: the most frequent labels.
    pub fn classes(&self, labels: &Labels) -> BTreeMap<String, u64> {
        let mut counts: Vec<(usize, u64)> = self.classes.iter().copied().enumerate().collect();
        counts.retain(|(_, count)| *count > 0);
        // Of as frequent ones the first.
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let most = counts.into_iter().take(LABELS);
        most.map(|(class, count)| (labels.text(class).into_owned(), count))
            .collect()
    }

    /// Range of the scores, or values; none without readings.
    pub fn score(&self) -> Option<ScoreSummary> {
        (self.rows > 0).then(|| ScoreSummary {
            min: self.min,
            mean: self.mean(),
            max: self.max,
        })
    }

    fn mean(&self) -> f64 {
        let (mean, rows) = (self.sum / self.rows as f64, self.rows as f64);
        if mean.is_finite() {
            return mean;
        }
        // Rounding may take it beyond the scores that it is the mean of.
        (self.small_sum / rows / SMALL).clamp(self.min, self.max)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(scores: &[f64]) -> Verdicts {
        scores.iter().map(|score| (*score, *score <= 0.0)).collect()
    }

    fn summary(scores: &[f64]) -> ScoreSummary {
        let mut tally = Tally::default();
        tally.add(&verdicts(scores), None);
        tally.score().unwrap()
    }

    #[test]
    fn scores_are_counted_and_held_against_the_truth() {
        let mut tally = Tally::default();
        assert_eq!((tally.score(), tally.labels()), (None, None));
        tally.add(&verdicts(&[0.5, 0.0]), Some(&[false, true]));
        tally.add(&verdicts(&[-1.5, 3.0, -0.5]), Some(&[false, true, true]));
        assert_eq!((tally.rows, tally.anomalies), (5, 3));
        let score = tally.score().unwrap();
        assert_eq!((score.min, score.mean, score.max), (-1.5, 0.3, 3.0));
        let labels = tally.labels().unwrap();
        assert_eq!((labels.true_positives, labels.false_positives), (2, 1));
        assert_eq!((labels.true_negatives, labels.false_negatives), (1, 1));
    }

    /// Whatever the scores are: which of them are anomalies is the model's to say.
    #[test]
    fn anomalies_are_those_that_the_model_says() {
        let mut tally = Tally::default();
        let said: Verdicts = [(0.0, false), (0.5, true), (-1.0, false)]
            .into_iter()
            .collect();
        tally.add(&said, Some(&[true, true, true]));
        let labels = tally.labels().unwrap();
        assert_eq!(
            (
                tally.anomalies,
                labels.true_positives,
                labels.false_negatives
            ),
            (1, 1, 2)
        );
    }

    #[test]
    fn readings_are_counted_by_label() {
        let mut tally = Tally::default();
        let mut verdicts = Verdicts::default();
        for class in (0..40).chain([39, 7, 39]) {
            verdicts.push_class(0.5, class, class == 39);
        }
        tally.add(&verdicts, None);
        assert_eq!((tally.rows, tally.anomalies), (43, 3));
        let labels = Labels::Integers((100..140).collect());
        let classes = tally.classes(&labels);
        assert_eq!(classes.len(), 32);
        assert_eq!((classes["139"], classes["107"], classes["100"]), (3, 2, 1));
        assert!(!classes.contains_key("138"));
    }

    #[test]
    fn the_mean_of_large_scores_is_finite() {
        assert_eq!(summary(&[1.0, 2.5, -0.5]).mean, 1.0);
        assert_eq!(summary(&[f64::MAX; 7]).mean, f64::MAX);
        assert_eq!(summary(&[f64::MIN; 7]).mean, f64::MIN);
        let mixed = summary(&[1.5e308, 1.5e308, 0.0, 1.5e308]);
        assert!((mixed.mean / 1.125e308 - 1.0).abs() < 1e-15, "{mixed:?}");
        let back = summary(&[1.5e308, 1.5e308, -1.5e308, -1.5e308]);
        assert_eq!((back.min, back.mean, back.max), (-1.5e308, 0.0, 1.5e308));
    }
}
