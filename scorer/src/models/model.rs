use fleetscore_crds::ModelFormat;

use super::kernels::Prepared;
use super::{Kernel, ModelError, Scaler};

/// A sensor's trained model: a scaler and a one-class SVM behind it. [`Model::new`] makes one, with consistent shapes.
///
/// Its numbers must not change after its first scores: what makes them fast is worked out then.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Model {
    /// Applied to every reading first.
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
    /// Where the model comes from.
    pub origin: Origin,
    pub(super) prepared: Prepared,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The format that it was read from; never `Auto`.
    pub format: ModelFormat,
    /// What wrote the file, such as `scikit-learn 1.9.1`, where the file says.
    pub producer: Option<String>,
    /// Whether the file holds single precision only, so that labels may differ from the original model's.
    pub single_precision: bool,
    /// Names of the features, where the file says.
    pub feature_names: Option<Vec<String>>,
    /// What of the file is the model, where the file is a dict, tuple or list.
    pub parts: Option<Parts>,
}

/// What was taken out of a dict, tuple or list, by key or position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What the model is made of, in the order in which readings go through it.
    pub taken: Vec<String>,
    /// What has no part in scoring.
    pub left: Vec<String>,
}

impl Origin {
    /// An origin of double precision that says nothing else.
    pub fn new(format: ModelFormat) -> Self {
        Self {
            format,
            producer: None,
            single_precision: false,
            feature_names: None,
            parts: None,
        }
    }
}

impl Model {
    /// Checks the parts of a model and puts them together; see the fields for shapes.
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
        origin: Origin,
    ) -> Result<Self, ModelError> {
        let model = Self {
            scaler,
            kernel,
            features,
            support_vectors,
            coefficients,
            rho,
            origin,
            prepared: Prepared::default(),
        };
        model
            .check_shapes()
            .and_then(|()| model.check_numbers())
            .map_err(|problem| {
                ModelError::Invalid(format!(
                    "{problem}; train the model again, or save it as it was fitted"
                ))
            })?;
        Ok(model)
    }

    /// Bytes of memory that the model takes, with what it is turned into to be scored fast.
    pub fn bytes(&self) -> usize {
        let scaler = self.scaler.vectors();
        let scaler: usize = scaler.iter().map(|(_, values)| values.len()).sum();
        let names = self.origin.feature_names.iter().flatten();
        let names: usize = names
            .map(|name| name.capacity() + size_of::<String>())
            .sum();
        let (vectors, coefficients) = (self.support_vectors.len(), self.coefficients.len());
        // The model; in the other form, every support vector has a start beside its coefficient.
        let numbers = (vectors + coefficients) + (vectors + 2 * coefficients) + scaler;
        size_of::<Self>() + 8 * numbers + names
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
        for (name, values) in self.scaler.vectors() {
            if values.len() != d {
                return Err(format!(
                    "the scaler's {name} has {} features, the SVM {d}",
                    values.len()
                ));
            }
        }
        match &self.origin.feature_names {
            Some(names) if names.len() != d => Err(format!(
                "{} feature names, but the SVM has {d} features",
                names.len()
            )),
            _ => Ok(()),
        }
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
        for (name, values) in self.scaler.vectors() {
            check_finite(&format!("the scaler's {name}"), values)?;
        }
        match &self.scaler {
            Scaler::Standard {
                scale: Some(scale), ..
            } if scale.contains(&0.0) => {
                Err("the scaler's scale contains 0, and it divides by it".into())
            }
            Scaler::MinMax {
                clip: Some((low, high)),
                ..
            } if low.partial_cmp(high).is_none_or(std::cmp::Ordering::is_gt) => Err(format!(
                "the scaler clips to the empty range {low} to {high}"
            )),
            _ => Ok(()),
        }
    }
}

fn check_finite(name: &str, values: &[f64]) -> Result<(), String> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!(
            "{name}: number {at} is {}, not finite",
            values.get(at).unwrap_or(&f64::NAN)
        )),
        None => Ok(()),
    }
}
