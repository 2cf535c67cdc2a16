//! What scikit-learn says about a model's rows, and the comparison with it.

use std::path::Path;

use fleetscore_scorer::models::{Estimator, Model, OneClassSvm, Verdicts};

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
        let mut verdicts = Verdicts::default();
        model.score(&self.rows, &mut verdicts);
        assert_eq!(verdicts.len(), self.scores.len(), "{name}");
        let Estimator::OneClassSvm(svm) = &model.estimator else {
            panic!("{name}: {:?}", model.estimator)
        };
        let sum: f64 = svm
            .coefficients
            .iter()
            .map(|coefficient| coefficient.abs())
            .sum();
        let single_precision = model.origin.single_precision;
        let tolerance = self.tolerance(svm, single_precision, sum);
        for (row, ((score, is_anomaly), expected)) in verdicts.iter().zip(&self.scores).enumerate()
        {
            let difference = (score - expected).abs();
            assert!(
                difference <= tolerance,
                "{name} row {row}: {score}, expected {expected}"
            );
            if !single_precision || expected.abs() > tolerance {
                assert_eq!(is_anomaly, self.anomalies[row], "{name} row {row}: {score}");
            }
        }
    }

    /// Kernels without bound are compared relative to the largest score too.
    fn tolerance(&self, svm: &OneClassSvm, single_precision: bool, sum: f64) -> f64 {
        let largest = self
            .scores
            .iter()
            .fold(sum, |largest, score| largest.max(score.abs()));
        let scale = if svm.kernel.name() == "rbf" {
            sum
        } else {
            largest + svm.rho.abs()
        };
        if single_precision {
            1e-4 * scale
        } else {
            1e-12 * scale
        }
    }
}
