use fleetscore_crds::ModelFormat;

use super::Kernel;
use super::kernels::Prepared;
use crate::models::check::check_finite;
use crate::models::{ModelError, Scaler};

/// A one-class SVM with the scaler before it. [`OneClassSvm::new`] makes one, with consistent shapes.
///
/// Its numbers must not change after its first scores: what makes them fast is worked out then.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OneClassSvm {
    /// Applied to every reading first, in the same pass.
    pub scaler: Scaler,
    /// The kernel K.
    pub kernel: Kernel,
    /// Number of features d of a reading.
    pub features: usize,
    /// Support vectors, row-major: n rows of d numbers, in the order of the file.
    pub support_vectors: Vec<f64>,
    /// The n coefficients alpha (`_dual_coef_`), in the order of the file.
    pub coefficients: Vec<f64>,
    /// The offset rho: f(x) = sum of alpha K(z, sv) - rho. scikit-learn's `_intercept_` is its negative.
    pub rho: f64,
    /// Where the border lies if not at 0: scores are then f(x) less this, and a score of 0 is no anomaly.
    pub threshold: Option<f64>,
    pub(super) prepared: Prepared,
}

impl OneClassSvm {
    /// Checks the parts of a one-class SVM and puts them together; see the fields for shapes.
    ///
    /// Errors with [`ModelError::Invalid`] when there is no support vector, a shape differs from the others, a number is not
    /// finite, gamma is negative, or a scale to divide by is 0.
    pub fn new(
        scaler: Scaler,
        kernel: Kernel,
        features: usize,
        support_vectors: Vec<f64>,
        coefficients: Vec<f64>,
        rho: f64,
    ) -> Result<Self, ModelError> {
        let svm = Self {
            scaler,
            kernel,
            features,
            support_vectors,
            coefficients,
            rho,
            threshold: None,
            prepared: Prepared::default(),
        };
        svm.check_shapes()
            .and_then(|()| svm.check_numbers())
            .map_err(ModelError::unfit)?;
        Ok(svm)
    }

    /// The same with the border at `threshold`: what lies below is an anomaly.
    ///
    /// Errors when that is not finite.
    pub fn with_threshold(self, threshold: f64) -> Result<Self, ModelError> {
        check_finite("threshold", &[threshold]).map_err(ModelError::unfit)?;
        Ok(Self {
            threshold: Some(threshold),
            prepared: Prepared::default(),
            ..self
        })
    }

    /// Errors when the border lies elsewhere, for a format that has no place for it.
    pub(in crate::models) fn check_border_at_zero(
        &self,
        format: ModelFormat,
    ) -> Result<(), ModelError> {
        match self.threshold {
            None => Ok(()),
            Some(_) => Err(ModelError::Unwritable {
                format,
                problem: "it has no place for the threshold; write the native format".into(),
            }),
        }
    }

    /// Bytes of memory beyond the value itself, with what it is turned into to be scored fast.
    pub fn bytes(&self) -> usize {
        let (vectors, coefficients) = (self.support_vectors.len(), self.coefficients.len());
        // In the other form, every support vector has a start beside its coefficient.
        let numbers = (vectors + coefficients) + (vectors + 2 * coefficients);
        8 * numbers + self.scaler.bytes()
    }

    fn check_shapes(&self) -> Result<(), String> {
        let (vectors, d) = (self.coefficients.len(), self.features);
        if vectors == 0 {
            return Err("it has no support vectors".into());
        }
        if d == 0 {
            return Err("its support vectors have no features".into());
        }
        if vectors.checked_mul(d) != Some(self.support_vectors.len()) {
            return Err(format!(
                "{} numbers in the support vectors, but {vectors} coefficients and {d} features",
                self.support_vectors.len()
            ));
        }
        self.scaler.check_shape(d)
    }

    fn check_numbers(&self) -> Result<(), String> {
        let (gamma, coef0, _) = self.kernel.parameters();
        if gamma < 0.0 {
            return Err(format!("gamma {gamma} is negative"));
        }
        let scalars = [("gamma", gamma), ("coef0", coef0), ("rho", self.rho)];
        for (name, value) in &scalars {
            check_finite(name, std::slice::from_ref(value))?;
        }
        check_finite("support vectors", &self.support_vectors)?;
        check_finite("coefficients", &self.coefficients)?;
        self.scaler.check_numbers()
    }
}
