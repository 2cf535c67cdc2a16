//! What scikit-learn says about a model's rows, and the comparison with it.

use std::path::Path;

use fleetscore_scorer::models::{Model, is_anomaly};

/// Rows of inputs, with scikit-learn's score and prediction for each.
pub struct Expected {
    /// The rows' inputs, row-major.
    pub rows: Vec<f64>,
    pub scores: Vec<f64>,
    pub anomalies: Vec<bool>,
}

impl Expected {
    /// Reads a file whose last columns are score and prediction; the inputs begin at column `first`.
    pub fn read(path: &Path, first: usize) -> Self {
        let mut expected = Self {
            rows: Vec::new(),
            scores: Vec::new(),
            anomalies: Vec::new(),
        };
        for record in csv::Reader::from_path(path).unwrap().into_records() {
            let record = record.unwrap();
            let score = record.len() - 2;
            let number = |column: usize| record[column].parse::<f64>().unwrap();
            expected.rows.extend((first..score).map(number));
            expected.scores.push(number(score));
            expected.anomalies.push(&record[score + 1] == "1");
        }
        assert!(
            !expected.scores.is_empty(),
            "{} has no rows",
            path.display()
        );
        expected
    }

    /// Asserts the scores within rounding, and every prediction; of single precision, only those it can decide.
    pub fn assert_scores(&self, model: &Model, name: &str) {
        let mut scores = vec![f64::NAN; self.scores.len()];
        model.decisions(&self.rows, &mut scores);
        let sum: f64 = model
            .coefficients
            .iter()
            .map(|coefficient| coefficient.abs())
            .sum();
        let tolerance = self.tolerance(model, sum);
        for (row, (score, expected)) in scores.iter().zip(&self.scores).enumerate() {
            let difference = (score - expected).abs();
            assert!(
                difference <= tolerance,
                "{name} row {row}: {score}, expected {expected}"
            );
            if !model.origin.single_precision || expected.abs() > tolerance {
                assert_eq!(
                    is_anomaly(*score),
                    self.anomalies[row],
                    "{name} row {row}: {score}"
                );
            }
        }
    }

    /// Kernels without bound are compared relative to the largest score too.
    fn tolerance(&self, model: &Model, sum: f64) -> f64 {
        let largest = self
            .scores
            .iter()
            .fold(sum, |largest, score| largest.max(score.abs()));
        let scale = if model.kernel.name() == "rbf" {
            sum
        } else {
            largest + model.rho.abs()
        };
        if model.origin.single_precision {
            1e-4 * scale
        } else {
            1e-12 * scale
        }
    }
}
