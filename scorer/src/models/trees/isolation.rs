use std::hint::black_box;

use super::full::Full;
use super::number::Number;
use super::prepared::Prepared;
use super::{Ensemble, Steps, sorted};
use crate::models::path::Path;

/// Readings that are scored at a time.
const ROWS: usize = 256;
/// From so many readings of one feature on, sorting them makes up for itself.
const READINGS_IN_ORDER: usize = 128;
/// From so many readings on, walks of full trees make up for filling them up.
const READINGS_OF_FULL_TREES: usize = 128;
/// Steps on any path: a tree of N samples is never deeper than the logarithm of N to the base 2.
const DEEPEST: u32 = 64;

/// An isolation forest: the sooner its trees leave a reading alone, the lower is its score.
///
/// Every operation is scikit-learn's, in its order, so that scores are the same to the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct IsolationForest {
    /// The trees; a leaf gives the length of the path to it.
    pub trees: Ensemble,
    /// Number of features of a reading.
    pub features: usize,
    /// What the sum of the lengths is divided by, one after the other.
    pub divisors: [f64; 2],
    /// Where scores are cut into anomalies and others.
    pub border: Border,
    prepared: Prepared,
}

/// The border between anomalies and others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Border {
    /// Subtracted first: `offset_`.
    pub offset: f64,
    /// Subtracted afterwards: `threshold_` of scikit-learn up to 0.21, that of PyOD with the other sign, else 0.
    pub threshold: f64,
    /// Whether a score of exactly 0 is an anomaly, as up to scikit-learn 0.19.
    pub zero_is_anomaly: bool,
}

impl IsolationForest {
    /// Checks the parts and puts them together.
    ///
    /// Errors when there is no tree, one is deeper than a tree of isolation ever is, looks at a feature that no reading has, or a
    /// number is not finite.
    pub fn new(
        trees: Ensemble,
        features: usize,
        divisors: [f64; 2],
        border: Border,
    ) -> Result<Self, String> {
        if trees.count() == 0 {
            return Err("it has no trees".into());
        }
        if features == 0 {
            return Err("its readings have no features".into());
        }
        let depth = trees.depth();
        if depth > DEEPEST {
            return Err(format!(
                "a tree is {depth} steps deep, and no tree of isolation is deeper than {DEEPEST}"
            ));
        }
        if trees.features() > features {
            return Err(format!(
                "a tree looks at {} features, and a reading has {features}",
                trees.features()
            ));
        }
        let numbers = [
            ("divisor", divisors[0]),
            ("divisor", divisors[1]),
            ("offset", border.offset),
            ("threshold", border.threshold),
        ];
        for (name, number) in numbers {
            if !number.is_finite() {
                return Err(format!("its {name} is {number}, not finite"));
            }
        }
        if divisors[0] < 0.0 || divisors[1] <= 0.0 {
            return Err(format!(
                "its divisors are {} and {}, not above 0",
                divisors[0], divisors[1]
            ));
        }
        if !trees.values_are_finite() {
            return Err("the length of a path is not finite".into());
        }
        Ok(Self {
            trees,
            features,
            divisors,
            border,
            prepared: Prepared::default(),
        })
    }

    /// The same with the border at `threshold`: a decision function below that is an anomaly.
    ///
    /// Errors when that is not finite.
    pub fn with_threshold(self, threshold: f64) -> Result<Self, String> {
        let border = Border {
            threshold,
            zero_is_anomaly: false,
            ..self.border
        };
        Self::new(self.trees, self.features, self.divisors, border)
    }

    /// The decision function of one scaled reading, less the threshold where there is one: 0 is the border. This is the reference.
    ///
    /// NaN where a number of the reading is.
    ///
    /// # Panics
    ///
    /// When the reading has fewer numbers than the forest features.
    pub fn score(&self, scaled: &[f64]) -> f64 {
        if scaled.iter().any(|number| number.is_nan()) {
            return f64::NAN;
        }
        let reading: Vec<f32> = scaled.iter().copied().map(f32::of).collect();
        self.of_sum(self.trees.sum(&reading))
    }

    /// Writes the score of each of n scaled rows, row-major: that of [`Self::score`].
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn scores(&self, rows: &[f64], scores: &mut [f64]) {
        assert_eq!(
            rows.len(),
            scores.len() * self.features,
            "one score a row of {} numbers",
            self.features
        );
        self.scores_of_numbers(rows, scores);
        for (row, score) in rows.chunks_exact(self.features).zip(scores) {
            if row.iter().any(|number| number.is_nan()) {
                *score = f64::NAN;
            }
        }
    }

    /// The same, but for what is no number.
    fn scores_of_numbers(&self, rows: &[f64], scores: &mut [f64]) {
        if self.features == 1 && scores.len() >= READINGS_IN_ORDER {
            return self.of_one_feature(rows, scores);
        }
        if scores.len() >= READINGS_OF_FULL_TREES
            && let Some(full) = self.full()
        {
            return self.by_walks(|readings, sums| full.add_sums(readings, sums), rows, scores);
        }
        self.by_walks(
            |readings, sums| self.trees.add_sums(readings, sums),
            rows,
            scores,
        );
    }

    /// Of so many readings that working out the steps takes no longer than sorting them, by steps; also where the steps are there already.
    fn of_one_feature(&self, readings: &[f64], scores: &mut [f64]) {
        let new = || Box::new(Steps::new(&self.trees, |sum| self.of_sum(sum)));
        let steps = if scores.len() < self.trees.nodes() {
            self.prepared.steps.get()
        } else {
            Some(self.prepared.steps.get_or_init(new))
        };
        if let Some(steps) = steps {
            for (reading, score) in readings.iter().zip(scores) {
                *score = steps.of(f32::of(*reading));
            }
            return;
        }
        // What is no number has no place among the others, and gets no score either.
        let number = |reading: f64| {
            if reading.is_nan() {
                0.0
            } else {
                f32::of(reading)
            }
        };
        let readings: Vec<f32> = readings.iter().copied().map(number).collect();
        scores.fill(0.0);
        sorted::add_sums(&self.trees, &readings, scores);
        for score in scores {
            *score = self.of_sum(*score);
        }
    }

    /// The trees filled up, if they are small enough.
    fn full(&self) -> Option<&Full> {
        let new = || Full::new(&self.trees, self.features, Path::chosen());
        self.prepared.full.get_or_init(new).as_ref()
    }

    /// Walks a block at a time: `add_sums` adds what the trees give for each of its readings.
    fn by_walks(&self, add_sums: impl Fn(&[f32], &mut [f64]), rows: &[f64], scores: &mut [f64]) {
        let mut readings = Vec::with_capacity(rows.len().min(ROWS * self.features));
        let blocks = rows.chunks(ROWS * self.features);
        for (rows, scores) in blocks.zip(scores.chunks_mut(ROWS)) {
            readings.clear();
            readings.extend(rows.iter().copied().map(f32::of));
            scores.fill(0.0);
            add_sums(&readings, scores);
            for score in scores {
                *score = self.of_sum(*score);
            }
        }
    }

    /// The score of a reading whose paths' lengths have this sum.
    pub(super) fn of_sum(&self, sum: f64) -> f64 {
        let [first, second] = self.divisors;
        // Of trees of one sample, which tell nothing apart, scikit-learn takes the half.
        let ratio = if first == 0.0 {
            1.0
        } else {
            sum / first / second
        };
        // Else the compiler calls exp2, whose last bit differs.
        let share = black_box(2.0_f64).powf(-ratio);
        -share - self.border.offset - self.border.threshold
    }

    /// Bytes of memory, with what it is turned into to be scored fast.
    pub fn bytes(&self) -> usize {
        let steps = if self.features == 1 {
            Steps::bytes(&self.trees)
        } else {
            0
        };
        let full = Full::bytes(&self.trees, self.features);
        size_of::<Self>() + self.trees.bytes() + steps + full
    }
}
