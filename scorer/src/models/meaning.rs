use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Labels, Measure};

/// What an estimator's numbers say of a reading.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Meaning {
    /// A decision function with its border at 0: what lies below is an anomaly.
    Anomaly {
        /// Whether a score of exactly 0 is an anomaly, too: so with a one-class SVM, not so with an isolation forest.
        at_zero: bool,
    },
    /// What a target is expected to be; the score is the threshold less the distance, and below 0 the reading is an anomaly.
    Residual {
        /// The largest distance that is no anomaly, from 0 up.
        threshold: f64,
    },
    /// Which of several classes a reading is of.
    Class {
        /// The classes.
        labels: Arc<Labels>,
        /// Whether each is an anomaly.
        anomalies: Arc<[bool]>,
    },
    /// A number that says nothing of anomalies.
    Value,
    /// How usual or unusual a reading is, by a detector without a border of its own.
    Measured {
        /// What it measures.
        measure: Measure,
        /// Where the border lies. Until a run says so, a score is what was measured, and no reading is an anomaly.
        threshold: Option<f64>,
    },
}

/// The kinds of what a model says, which have columns of their own in predictions.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Kind {
    /// A score with a border at 0.
    #[default]
    Anomaly,
    /// What a target is expected to be, and a score of the distance.
    Residual,
    /// A label, and how sure it is.
    Class,
    /// A number.
    Value,
}

impl Kind {
    /// Whether it is [`Kind::Anomaly`], which goes without saying.
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub fn is_anomaly(&self) -> bool {
        *self == Self::Anomaly
    }
}

impl Meaning {
    /// What a classifier says whose anomalies are told by their labels.
    pub fn of_labels(labels: &Arc<Labels>) -> Self {
        Self::Class {
            anomalies: labels.anomalies().into(),
            labels: Arc::clone(labels),
        }
    }

    /// What a detector says whose groups a run takes for classes: their labels count from 0, and none is an anomaly by itself.
    pub fn of_groups(count: usize) -> Self {
        Self::Class {
            labels: Arc::new(Labels::Integers((0_i64..).take(count).collect())),
            anomalies: vec![false; count].into(),
        }
    }

    /// Whether a score means an anomaly. What is no number is one where 0 is.
    #[inline]
    pub fn is_anomaly(&self, score: f64) -> bool {
        match self {
            Self::Anomaly { at_zero: true } => {
                let normal = score > 0.0;
                !normal
            }
            Self::Anomaly { at_zero: false } | Self::Residual { .. } => score < 0.0,
            Self::Measured { threshold, .. } => threshold.is_some() && score < 0.0,
            Self::Class { .. } | Self::Value => false,
        }
    }

    /// Whether any reading can be an anomaly.
    pub fn knows_anomalies(&self) -> bool {
        match self {
            Self::Anomaly { .. } | Self::Residual { .. } | Self::Measured { .. } => true,
            Self::Class { anomalies, .. } => anomalies.contains(&true),
            Self::Value => false,
        }
    }

    /// Makes scores of what was measured, where the border is known.
    pub(super) fn shift(&self, measured: &mut [f64]) {
        if let Self::Measured {
            measure,
            threshold: Some(threshold),
        } = *self
        {
            for score in measured {
                *score = measure.score(*score, threshold);
            }
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Anomaly { .. } | Self::Measured { .. } => Kind::Anomaly,
            Self::Residual { .. } => Kind::Residual,
            Self::Class { .. } => Kind::Class,
            Self::Value => Kind::Value,
        }
    }

    /// The labels; none where it tells no classes apart.
    pub fn labels(&self) -> Option<&Arc<Labels>> {
        match self {
            Self::Class { labels, .. } => Some(labels),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_is_on_one_side() {
        for at_zero in [true, false] {
            let meaning = Meaning::Anomaly { at_zero };
            assert!(meaning.is_anomaly(-5e-324));
            assert!(!meaning.is_anomaly(5e-324));
            assert_eq!(meaning.is_anomaly(0.0), at_zero);
            assert_eq!(meaning.is_anomaly(-0.0), at_zero);
            assert_eq!(meaning.is_anomaly(f64::NAN), at_zero);
        }
    }

    #[test]
    fn a_measure_becomes_a_score_with_a_threshold() {
        let scores = |measure, threshold| {
            let meaning = Meaning::Measured { measure, threshold };
            let mut scores = [1.0, 2.0, 3.5];
            meaning.shift(&mut scores);
            (scores, scores.map(|score| meaning.is_anomaly(score)))
        };
        let likely = scores(Measure::Likelihood, Some(2.0));
        assert_eq!(likely, ([-1.0, 0.0, 1.5], [true, false, false]));
        for measure in [Measure::Distance, Measure::Error] {
            let far = scores(measure, Some(2.0));
            assert_eq!(far, ([1.0, 0.0, -1.5], [false, false, true]));
        }
        let none = scores(Measure::Distance, None);
        assert_eq!(none, ([1.0, 2.0, 3.5], [false; 3]));
    }

    #[test]
    fn a_value_is_never_an_anomaly() {
        for score in [-1e300, -0.0, 1.0, f64::NAN] {
            assert!(!Meaning::Value.is_anomaly(score));
        }
        assert!(!Meaning::Value.knows_anomalies());
        let labels = |labels: &[i64]| Arc::new(Labels::Integers(labels.to_vec()));
        assert!(Meaning::of_labels(&labels(&[0, 1])).knows_anomalies());
        assert!(!Meaning::of_labels(&labels(&[1, 2])).knows_anomalies());
    }
}
