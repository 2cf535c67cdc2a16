use super::estimator::Estimator;
use super::transformers;
use crate::models::formats::limits::Meter;
use crate::models::{self, ModelError, Reconstruction};

/// Reads a fitted `PCA` that nothing follows, as a detector.
pub fn read(
    pca: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let (mean, directions) = transformers::directions(pca, meter)?;
    Reconstruction::new(mean, directions)
        .map(models::Estimator::Reconstruction)
        .map_err(|problem| ModelError::Unsupported(format!("PCA at the end: {problem}")))
}
