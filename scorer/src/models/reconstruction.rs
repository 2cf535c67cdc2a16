//! scikit-learn's `PCA` at the end of a chain: how badly principal components give a reading back.

use super::check::check_finite;

/// Principal components as a detector. What is measured is the mean of the squared differences between the d numbers of a row and those
/// that its components give back.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reconstruction {
    /// d numbers (`mean_`).
    pub mean: Vec<f64>,
    /// k rows of d numbers (`components_`).
    pub directions: Vec<f64>,
}

impl Reconstruction {
    /// Checks the parts and puts them together.
    ///
    /// Errors when a shape differs from the others, a number is not finite, or there are as many components as features, so that each
    /// reading comes back as it was.
    pub fn new(mean: Vec<f64>, directions: Vec<f64>) -> Result<Self, String> {
        let (features, numbers) = (mean.len(), directions.len());
        if features == 0 || numbers == 0 || !numbers.is_multiple_of(features) {
            return Err(format!(
                "{numbers} numbers in its directions do not fit its {features} means"
            ));
        }
        if numbers / features >= features {
            return Err(format!(
                "it keeps {} components of {features} features, so each reading comes back as it was: fit it with fewer",
                numbers / features
            ));
        }
        check_finite("means", &mean)?;
        check_finite("directions", &directions)?;
        Ok(Self { mean, directions })
    }

    /// Numbers of a row that it takes.
    pub fn features(&self) -> usize {
        self.mean.len()
    }

    /// The number of components.
    pub fn components(&self) -> usize {
        self.directions.len() / self.mean.len()
    }

    /// Writes the error of each of n rows, row-major.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `errors`.
    pub fn decisions(&self, rows: &[f64], errors: &mut [f64]) {
        let d = self.features();
        assert_eq!(rows.len(), errors.len() * d, "an error a row");
        let (mut differences, mut rest) = (vec![0.0; d], vec![0.0; d]);
        for (row, error) in rows.chunks_exact(d).zip(errors) {
            for ((difference, x), mean) in differences.iter_mut().zip(row).zip(&self.mean) {
                *difference = x - mean;
            }
            rest.copy_from_slice(&differences);
            for direction in self.directions.chunks_exact(d) {
                let terms = differences.iter().zip(direction).map(|(x, y)| x * y);
                let component: f64 = terms.sum();
                for (rest, weight) in rest.iter_mut().zip(direction) {
                    *rest -= component * weight;
                }
            }
            *error = rest.iter().map(|x| x * x).sum::<f64>() / d as f64;
        }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        size_of_val(self.mean.as_slice()) + size_of_val(self.directions.as_slice())
    }
}
