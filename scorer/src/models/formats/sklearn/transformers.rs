//! Fitted transformers as transforms. A new one is a reader and a line in [`READERS`].

use super::estimator::{Estimator, quoted};
use super::version::Version;
use super::{approximation, function, imputer, scaler};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::transforms::{Columns, Components, Norm, Normalizer, Polynomial};
use crate::models::{ModelError, Transform};

type Reader = fn(&Estimator<'_, '_>, &mut Meter<'_>) -> Result<Transform, ModelError>;

const READERS: &[(Class, Reader)] = &[
    (Class::StandardScaler, scaler::read),
    (Class::MinMaxScaler, scaler::read),
    (Class::RobustScaler, scaler::read),
    (Class::MaxAbsScaler, scaler::read),
    (Class::SimpleImputer, imputer::read),
    (Class::FunctionTransformer, function::read),
    (Class::PolynomialFeatures, polynomial),
    (Class::Pca, components),
    (Class::Normalizer, normalizer),
    (Class::VarianceThreshold, variance),
    (Class::Nystroem, approximation::nystroem),
    (Class::RbfSampler, approximation::sampler),
];

/// Whether the class is a transformer's that [`read`] reads.
pub fn is_known(class: Class) -> bool {
    READERS.iter().any(|(known, _)| *known == class)
}

/// Whether the n-th column that comes out is made of the n-th column that goes in, and no other.
pub fn keeps_columns(class: Class) -> bool {
    !matches!(
        class,
        Class::PolynomialFeatures
            | Class::Pca
            | Class::VarianceThreshold
            | Class::ColumnTransformer
            | Class::Nystroem
            | Class::RbfSampler
    )
}

/// Reads a fitted transformer.
///
/// Errors when it is none, or does what no transform does.
pub fn read(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    match READERS.iter().find(|(class, _)| *class == step.class) {
        Some((_, read)) => read(step, meter),
        None => Err(ModelError::Unsupported(format!(
            "{} comes before the end, and is no transformer: save make_pipeline(scaler, OneClassSVM()) with a single OneClassSVM",
            step.class.name()
        ))),
    }
}

/// See scikit-learn's `preprocessing/_polynomial.py`.
fn polynomial(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let inputs = match step.get("n_features_in_") {
        Some(_) => step.count("n_features_in_")?,
        None => step.count("n_input_features_")?,
    };
    // `degree` is the largest, or a pair of the least and the largest; fitted, both are on their own.
    let degrees = match step.get("_max_degree") {
        Some(_) => (step.count("_min_degree")?, step.count("_max_degree")?),
        None => (0, step.count("degree")?),
    };
    let distinct = step.flag("interaction_only", false)?;
    let polynomial = Polynomial::new(inputs, degrees, distinct, step.flag("include_bias", true)?)?;
    meter.grow::<[usize; 3]>(polynomial.outputs())?;
    Ok(Transform::Polynomial(polynomial))
}

/// See scikit-learn's `decomposition/_base.py`.
fn components(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let (mean, directions) = directions(step, meter)?;
    let spread = if step.flag("whiten", false)? {
        let variances = step.array("explained_variance_", meter)?.values;
        let spread: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
        // What is next to nothing, or to the largest, is what roundings have left: readings divided by it mean nothing, and versions
        // differ in what they do with it.
        let largest = spread.iter().copied().fold(1.0 / 16.0, f64::max);
        let least = 16.0 * f64::EPSILON * largest;
        if spread.iter().any(|spread| *spread < least) {
            return Err(ModelError::Unsupported(
                "PCA(whiten=True) has a component without variance: train with fewer components"
                    .into(),
            ));
        }
        Some(spread)
    } else {
        None
    };
    Components::new(mean, directions, spread).map(Transform::Components)
}

/// Means and directions of a `PCA`.
pub fn directions(
    pca: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<(Vec<f64>, Vec<f64>), ModelError> {
    let mean = pca.array("mean_", meter)?;
    let directions = pca.array("components_", meter)?;
    if mean.shape.len() != 1
        || directions.shape.len() != 2
        || directions.shape.get(1) != mean.shape.first()
    {
        return Err(ModelError::unfit(format!(
            "`components_` of PCA has the shape {:?}, and `mean_` {:?}",
            directions.shape, mean.shape
        )));
    }
    Ok((mean.values, directions.values))
}

/// See `normalize` in scikit-learn's `preprocessing/_data.py`.
fn normalizer(step: &Estimator<'_, '_>, _: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let version = Version::of(step)?;
    let norm = match step.text("norm")? {
        "l1" => Norm::L1,
        "l2" => Norm::L2,
        "max" if version >= Version(0, 24) => Norm::Max,
        "max" => {
            return Err(ModelError::Unsupported(
                "Normalizer(norm='max') of scikit-learn before 0.24, whose versions differ: fit it with a later one".into(),
            ));
        }
        other => {
            return Err(ModelError::Unsupported(format!(
                "Normalizer with the norm {}; supported are l1, l2 and max",
                quoted(other)
            )));
        }
    };
    // Before 1.0, only rows of zeros stayed as they are.
    let least = if version >= Version(1, 0) {
        10.0 * f64::EPSILON
    } else {
        0.0
    };
    Ok(Transform::Normalize(Normalizer { norm, least }))
}

/// See scikit-learn's `feature_selection/_variance_threshold.py`.
fn variance(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let variances = step.array("variances_", meter)?.values;
    let threshold = step.number("threshold", meter)?;
    let kept = variances.iter().enumerate();
    let kept = kept.filter(|(_, variance)| **variance > threshold);
    let kept: Vec<usize> = kept.map(|(column, _)| column).collect();
    Columns::new(variances.len(), kept).map(Transform::Columns)
}
