//! scikit-learn's `GaussianMixture`: how likely a reading is.

use std::f64::consts::TAU;

use super::check::check_finite;
use super::shares;

/// A mixture of normal distributions: a reading's likelihood is the logarithm of its density.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mixture {
    /// Number of features d of a reading.
    pub features: usize,
    /// How much each of the k components counts (`weights_`).
    pub weights: Vec<f64>,
    /// k rows of d numbers (`means_`).
    pub means: Vec<f64>,
    /// What the shape of `factors` is.
    pub covariance: Covariance,
    /// The Cholesky factors of the inverse covariances (`precisions_cholesky_`).
    pub factors: Vec<f64>,
}

/// What the components' covariances have in common. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Covariance {
    /// k matrices of d x d.
    Full = 0,
    /// One matrix of d x d.
    Tied = 1,
    /// k rows of d numbers: one a feature.
    Diagonal = 2,
    /// k numbers: one a component.
    Spherical = 3,
}

impl Covariance {
    /// All of them, by their numbers.
    pub const ALL: [Self; 4] = [Self::Full, Self::Tied, Self::Diagonal, Self::Spherical];

    /// The numbers that k components of d features have.
    pub fn count(self, components: usize, features: usize) -> Option<usize> {
        let matrix = features.checked_mul(features);
        match self {
            Self::Full => components.checked_mul(matrix?),
            Self::Tied => matrix,
            Self::Diagonal => components.checked_mul(features),
            Self::Spherical => Some(components),
        }
    }
}

impl Mixture {
    /// Components at most: a class is two bytes.
    const MOST: usize = 1 << 16;

    /// Checks the parts and puts them together.
    ///
    /// Errors when a shape differs from the others, a number is not finite, a weight is negative, or what has to be above 0 is not.
    pub fn new(
        features: usize,
        weights: Vec<f64>,
        means: Vec<f64>,
        covariance: Covariance,
        factors: Vec<f64>,
    ) -> Result<Self, String> {
        let components = weights.len();
        if features == 0 || components == 0 || components > Self::MOST {
            return Err(format!(
                "it has {components} components of {features} features"
            ));
        }
        if components.checked_mul(features) != Some(means.len())
            || covariance.count(components, features) != Some(factors.len())
        {
            return Err(format!(
                "{} means and {} numbers of covariances do not fit its {components} components of {features} features",
                means.len(),
                factors.len()
            ));
        }
        check_finite("weights", &weights)?;
        check_finite("means", &means)?;
        check_finite("covariances", &factors)?;
        if weights.iter().any(|weight| *weight < 0.0) || !weights.iter().any(|it| *it > 0.0) {
            return Err("its weights are none above 0, or one is below".into());
        }
        let mixture = Self {
            features,
            weights,
            means,
            covariance,
            factors,
        };
        if !mixture.diagonal().all(|number| number > 0.0) {
            return Err("a covariance is not positive".into());
        }
        Ok(mixture)
    }

    /// Numbers of the components.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The numbers of the factors whose product is the root of the determinant, component by component.
    fn diagonal(&self) -> impl Iterator<Item = f64> + '_ {
        let step = match self.covariance {
            Covariance::Full | Covariance::Tied => self.features + 1,
            Covariance::Diagonal | Covariance::Spherical => 1,
        };
        let size = match self.covariance {
            Covariance::Full | Covariance::Tied => self.features * self.features,
            Covariance::Diagonal => self.features,
            Covariance::Spherical => 1,
        };
        let matrices = self.factors.chunks_exact(size);
        matrices.flat_map(move |matrix| matrix.iter().step_by(step).copied())
    }

    /// Writes the likelihood of each of n rows, row-major; where there is room for classes, the component that it is most likely of
    /// and the share of the second of two, or of that one of more.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64], classes: &mut [u16]) {
        assert_eq!(rows.len(), scores.len() * self.features, "a score a row");
        let terms = self.terms();
        let mut classes = classes.iter_mut();
        let mut likely = Vec::with_capacity(self.components());
        for (row, score) in rows.chunks_exact(self.features).zip(scores) {
            likely.clear();
            self.weigh(row, &terms, &mut likely);
            let all = log_of_sum(&likely);
            let Some(class) = classes.next() else {
                *score = all;
                continue;
            };
            let component = shares::first_largest(&likely);
            *class = shares::position(component);
            let counted = if likely.len() == 2 { 1 } else { component };
            *score = (likely.get(counted).copied().unwrap_or(f64::NAN) - all).exp();
        }
    }

    /// Of each component the logarithms of determinant and weight.
    fn terms(&self) -> Vec<(f64, f64)> {
        let d = self.features;
        let diagonal: Vec<f64> = self.diagonal().map(f64::ln).collect();
        let determinant = |component: usize| match self.covariance {
            Covariance::Tied => diagonal.iter().sum::<f64>(),
            Covariance::Spherical => {
                d as f64 * diagonal.get(component).copied().unwrap_or(f64::NAN)
            }
            Covariance::Full | Covariance::Diagonal => {
                diagonal.iter().skip(component * d).take(d).sum()
            }
        };
        let weights = self.weights.iter().enumerate();
        weights
            .map(|(component, weight)| (determinant(component), weight.ln()))
            .collect()
    }

    /// Appends the logarithm of each component's density times its weight.
    fn weigh(&self, row: &[f64], terms: &[(f64, f64)], likely: &mut Vec<f64>) {
        let d = self.features;
        let constant = d as f64 * TAU.ln();
        for (component, (mean, (determinant, weight))) in
            self.means.chunks_exact(d).zip(terms).enumerate()
        {
            let differences = row.iter().zip(mean).map(|(x, mean)| x - mean);
            let squares = match self.covariance {
                Covariance::Full => self.turned(row, mean, component),
                Covariance::Tied => self.turned(row, mean, 0),
                Covariance::Diagonal => {
                    let factors = self.factors.iter().skip(component * d);
                    differences
                        .zip(factors)
                        .map(|(x, factor)| square(x * factor))
                        .sum()
                }
                Covariance::Spherical => {
                    let factor = self.factors.get(component).copied().unwrap_or(f64::NAN);
                    differences.map(|x| square(x * factor)).sum::<f64>()
                }
            };
            likely.push(-0.5 * (constant + squares) + determinant + weight);
        }
    }

    /// The squared length of (row - mean) times a matrix.
    fn turned(&self, row: &[f64], mean: &[f64], matrix: usize) -> f64 {
        let d = self.features;
        let matrix = self
            .factors
            .chunks_exact(d * d)
            .nth(matrix)
            .unwrap_or_default();
        let column = |column: usize| {
            let weights = matrix.iter().skip(column).step_by(d);
            let terms = row.iter().zip(mean).zip(weights);
            terms
                .map(|((x, mean), weight)| (x - mean) * weight)
                .sum::<f64>()
        };
        (0..d).map(|at| square(column(at))).sum()
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        let numbers = self.weights.len() + self.means.len() + self.factors.len();
        numbers * size_of::<f64>()
    }
}

fn square(x: f64) -> f64 {
    x * x
}

/// ln(e^a + e^b + ...)
fn log_of_sum(numbers: &[f64]) -> f64 {
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() || numbers.iter().any(|number| number.is_nan()) {
        return f64::NAN;
    }
    let sum: f64 = numbers.iter().map(|number| (number - largest).exp()).sum();
    largest + sum.ln()
}
