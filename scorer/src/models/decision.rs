use super::Kernel;
use super::model::Model;
use super::rbf::{Rbf, Sum};

/// Whether a score means an anomaly: everything but a strictly positive score does, as in libsvm.
pub fn is_anomaly(score: f64) -> bool {
    let normal = score > 0.0;
    !normal
}

/// Scores closer to 0 than this times the sum of the coefficients' sizes are worked out in libsvm's own operations.
const NEAR_ZERO: f64 = 1e-12;

impl Model {
    /// The decision function of every row: f(x) = sum of alpha K(scaler(x), sv) - rho.
    ///
    /// `rows` holds n rows of d unscaled numbers, row-major; `scores` receives n scores. They are within 1e-13 times the sum of
    /// the coefficients' sizes of [`Model::decision`], and those that rounding might turn to the other sign are its own.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold d numbers for each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64]) {
        self.decisions_by(Rbf::ways().next(), rows, scores);
    }

    /// The same by one of the ways to the sum over the support vectors; without one, by the reference.
    fn decisions_by(&self, sum: Option<Sum>, rows: &[f64], scores: &mut [f64]) {
        assert_eq!(
            rows.len(),
            scores.len() * self.features,
            "one score a row of {} numbers",
            self.features
        );
        let fast = self.rbf().zip(sum);
        let near = NEAR_ZERO
            * self
                .coefficients
                .iter()
                .map(|alpha| alpha.abs())
                .sum::<f64>();
        let mut scaled = vec![0.0; self.features];
        for (row, score) in rows.chunks_exact(self.features).zip(scores) {
            self.scaler.apply(row, &mut scaled);
            let fast = fast.map(|(rbf, sum)| sum(&rbf, &scaled) - self.rho);
            *score = match fast.filter(|score| score.abs() > near) {
                Some(score) => score,
                None => self.decision(&scaled),
            };
        }
    }

    /// The decision function of one scaled row of d numbers. This is the reference: it sums over the support vectors in the
    /// order of the file with libsvm's operations (`svm_predict_values` in libsvm's `svm.cpp`).
    pub fn decision(&self, scaled: &[f64]) -> f64 {
        let vectors = self.support_vectors.chunks_exact(self.features);
        let mut sum = 0.0;
        for (coefficient, vector) in self.coefficients.iter().zip(vectors) {
            sum += coefficient * self.kernel.evaluate(scaled, vector);
        }
        sum - self.rho
    }

    fn rbf(&self) -> Option<Rbf<'_>> {
        match self.kernel {
            Kernel::Rbf { gamma } if gamma > 0.0 => Some(Rbf {
                gamma,
                vectors: &self.support_vectors,
                coefficients: &self.coefficients,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use fleetscore_crds::ModelFormat;
    use proptest::prelude::*;

    use super::*;
    use crate::models::{Origin, Scaler};

    fn model(gamma: f64, vectors: Vec<f64>, coefficients: &[f64], rho: f64) -> Model {
        let (kernel, origin) = (Kernel::Rbf { gamma }, Origin::new(ModelFormat::Native));
        let features = vectors.len() / coefficients.len();
        Model::new(
            Scaler::None,
            kernel,
            features,
            vectors,
            coefficients.to_vec(),
            rho,
            origin,
        )
        .unwrap()
    }

    proptest! {
        #[test]
        fn many_at_once_as_one_by_one(
            gamma in 1e-3..10.0,
            features in 1_usize..4,
            coefficients in prop::collection::vec(0.01..1.0, 1..40),
            numbers in prop::collection::vec(-4.0..4.0, 40 * 4),
            rows in prop::collection::vec(-4.0..4.0, 12),
        ) {
            let vectors = numbers[..coefficients.len() * features].to_vec();
            // With this offset the first row's score is nothing but rounding.
            let rho = model(gamma, vectors.clone(), &coefficients, 0.0).decision(&rows[..features]);
            let model = model(gamma, vectors, &coefficients, rho);
            let bound = 1e-13 * coefficients.iter().sum::<f64>();
            for way in Rbf::ways() {
                let mut scores = vec![0.0; rows.len() / features];
                model.decisions_by(Some(way), &rows, &mut scores);
                for (row, score) in rows.chunks(features).zip(scores) {
                    let right = model.decision(row);
                    prop_assert!((score - right).abs() <= bound, "{score} is not {right}");
                    prop_assert_eq!(is_anomaly(score), is_anomaly(right));
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_gives_no_number() {
        let mut scores = [0.0];
        model(0.5, vec![1.0; 9], &[1.0; 9], 0.1).decisions(&[f64::NAN], &mut scores);
        assert!(scores[0].is_nan());
    }
}
