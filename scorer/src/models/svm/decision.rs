use super::OneClassSvm;
use crate::models::path::Path;

impl OneClassSvm {
    /// The decision function of every row: f(x) = sum of alpha K(scaler(x), sv) - rho, less the threshold where there is one.
    ///
    /// `rows` holds n rows of d unscaled numbers, row-major; `scores` receives n scores. Those of an RBF kernel are within 1e-12
    /// times the sum of the coefficients' sizes of [`OneClassSvm::decision`], beside its own rounding; those that rounding might
    /// turn to the other sign are its own, so that no label differs.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold d numbers for each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64]) {
        self.decisions_by(Path::chosen(), rows, scores);
    }

    /// The same in the processor's instructions of one path.
    pub(super) fn decisions_by(&self, path: Path, rows: &[f64], scores: &mut [f64]) {
        assert_eq!(
            rows.len(),
            scores.len() * self.features,
            "one score a row of {} numbers",
            self.features
        );
        self.prepared.score(self, path, rows, scores);
        let mut scaled = Vec::new();
        for (row, score) in rows.chunks_exact(self.features).zip(scores) {
            if score.is_nan() {
                scaled.resize(self.features, 0.0);
                self.scaler.apply(row, &mut scaled);
                *score = self.decision(&scaled);
            }
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
        let decision = sum - self.rho;
        self.threshold
            .map_or(decision, |threshold| decision - threshold)
    }
}
