use super::model::Model;

/// Whether a score means an anomaly: everything but a strictly positive score does, as in libsvm.
pub fn is_anomaly(score: f64) -> bool {
    let normal = score > 0.0;
    !normal
}

impl Model {
    /// The decision function of every row: f(x) = sum of alpha K(scaler(x), sv) - rho.
    ///
    /// `rows` holds n rows of d unscaled numbers, row-major; `scores` receives n scores. This is the reference: it sums over
    /// the support vectors in the order of the file with libsvm's operations (`svm_predict_values` in libsvm's `svm.cpp`).
    ///
    /// # Panics
    ///
    /// When `rows` does not hold d numbers for each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64]) {
        assert_eq!(
            rows.len(),
            scores.len() * self.features,
            "one score a row of {} numbers",
            self.features
        );
        let mut scaled = vec![0.0; self.features];
        for (row, score) in rows.chunks_exact(self.features).zip(scores) {
            self.scaler.apply(row, &mut scaled);
            *score = self.decision(&scaled);
        }
    }

    /// The decision function of one scaled row of d numbers.
    pub fn decision(&self, scaled: &[f64]) -> f64 {
        let vectors = self.support_vectors.chunks_exact(self.features);
        let mut sum = 0.0;
        for (coefficient, vector) in self.coefficients.iter().zip(vectors) {
            sum += coefficient * self.kernel.evaluate(scaled, vector);
        }
        sum - self.rho
    }
}
