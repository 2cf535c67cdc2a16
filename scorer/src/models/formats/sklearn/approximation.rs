//! What approximates a kernel by columns.

use super::estimator::{Estimator, quoted};
use crate::models::formats::limits::Meter;
use crate::models::transforms::{Nystroem, Sampler};
use crate::models::{ModelError, Transform};

/// Reads a fitted `Nystroem`. See scikit-learn's `kernel_approximation.py`.
pub fn nystroem(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let kernel = step.text("kernel")?;
    if kernel != "rbf" {
        return Err(ModelError::Unsupported(format!(
            "Nystroem with the kernel {}; supported is rbf: train with it",
            quoted(kernel)
        )));
    }
    if let Some(parameters) = step.get("kernel_params")
        && step.heap().dict(parameters).is_none_or(|it| !it.is_empty())
    {
        return Err(ModelError::Unsupported(
            "Nystroem with kernel_params: set gamma itself".into(),
        ));
    }
    let landmarks = step.array("components_", meter)?;
    let matrix = step.array("normalization_", meter)?;
    let (&[count, inputs], &[rows, columns]) =
        (landmarks.shape.as_slice(), matrix.shape.as_slice())
    else {
        return Err(ModelError::unfit(
            "`components_` or `normalization_` of Nystroem is no matrix",
        ));
    };
    if [rows, columns] != [count, count] {
        return Err(ModelError::unfit(format!(
            "`normalization_` of Nystroem has the shape {:?}, and there are {count} components",
            matrix.shape
        )));
    }
    let gamma = match step.get("gamma") {
        Some(_) => step.number("gamma", meter)?,
        None => 1.0 / inputs as f64,
    };
    Nystroem::new(gamma, inputs, landmarks.values, matrix.values).map(Transform::Nystroem)
}

/// Reads a fitted `RBFSampler`.
pub fn sampler(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let weights = step.array("random_weights_", meter)?;
    let offsets = step.array("random_offset_", meter)?;
    if weights.shape.len() != 2 || weights.shape.get(1..) != Some(offsets.shape.as_slice()) {
        return Err(ModelError::unfit(format!(
            "`random_weights_` of RBFSampler has the shape {:?}, and `random_offset_` {:?}",
            weights.shape, offsets.shape
        )));
    }
    Sampler::new(weights.values, offsets.values).map(Transform::Sampler)
}
