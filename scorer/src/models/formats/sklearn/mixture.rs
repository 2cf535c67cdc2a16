use super::estimator::{Estimator, quoted};
use crate::models::formats::limits::Meter;
use crate::models::mixture::Covariance;
use crate::models::{self, Mixture, ModelError};

/// Reads a fitted `GaussianMixture`: what its `score_samples` uses. See scikit-learn's `mixture/_gaussian_mixture.py`.
pub fn read(
    mixture: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let covariance = match mixture.text("covariance_type")? {
        "full" => Covariance::Full,
        "tied" => Covariance::Tied,
        "diag" => Covariance::Diagonal,
        "spherical" => Covariance::Spherical,
        other => {
            return Err(ModelError::Unsupported(format!(
                "GaussianMixture with the covariance_type {}; supported are full, tied, diag and spherical",
                quoted(other)
            )));
        }
    };
    let weights = mixture.array("weights_", meter)?;
    let means = mixture.array("means_", meter)?;
    let (&[count], &[components, features]) = (weights.shape.as_slice(), means.shape.as_slice())
    else {
        return Err(unfit("weights_ and means_ have other numbers of axes"));
    };
    let factors = mixture.array("precisions_cholesky_", meter)?;
    let shape = match covariance {
        Covariance::Full => vec![components, features, features],
        Covariance::Tied => vec![features, features],
        Covariance::Diagonal => vec![components, features],
        Covariance::Spherical => vec![components],
    };
    if count != components || factors.shape != shape {
        return Err(unfit(&format!(
            "{count} weights and `precisions_cholesky_` of the shape {:?} do not fit {components} components of {features} features",
            factors.shape
        )));
    }
    let made = Mixture::new(
        features,
        weights.values,
        means.values,
        covariance,
        factors.values,
    );
    made.map(models::Estimator::Mixture)
        .map_err(|problem| unfit(&problem))
}

fn unfit(problem: &str) -> ModelError {
    ModelError::unfit(format!("GaussianMixture: {problem}"))
}
