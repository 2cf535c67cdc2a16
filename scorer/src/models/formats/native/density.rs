//! Detectors by density and distance in the file.

use super::common::{length, malformed, numbers, size};
use super::head::{head, integer, put, read_head};
use crate::models::centres::CentresKind;
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::Meter;
use crate::models::mixture::Covariance;
use crate::models::{Centres, Elliptic, Estimator, Mixture, ModelError, Reconstruction};

/// The body of an elliptic envelope.
pub fn of_elliptic(elliptic: &Elliptic) -> Vec<u8> {
    let mut body = head(0, 0, None);
    put(&mut body, &[elliptic.offset]);
    put(&mut body, &elliptic.centre);
    put(&mut body, &elliptic.precision);
    body
}

/// Reads that.
pub fn elliptic(
    input: &mut Cursor<'_>,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    plain_head(input, meter)?;
    let offset = numbers(input, Some(1))?;
    let centre = numbers(input, Some(features))?;
    let precision = numbers(input, features.checked_mul(features))?;
    let offset = offset.first().copied().unwrap_or(f64::NAN);
    Elliptic::new(centre, precision, offset)
        .map(Estimator::Elliptic)
        .map_err(|problem| invalid("elliptic envelope", &problem))
}

/// The body of a mixture.
pub fn of_mixture(mixture: &Mixture) -> Vec<u8> {
    let mut body = head(mixture.covariance as u8, 0, None);
    body.extend(length(mixture.components()).to_le_bytes());
    put(&mut body, &mixture.weights);
    put(&mut body, &mixture.means);
    put(&mut body, &mixture.factors);
    body
}

/// Reads that.
pub fn mixture(
    input: &mut Cursor<'_>,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let covariance = Covariance::ALL.get(usize::from(kind(input, meter)?));
    let covariance = *covariance.ok_or_else(|| malformed("unknown covariances"))?;
    let components = size(integer(input)?)?;
    let weights = numbers(input, Some(components))?;
    let means = numbers(input, components.checked_mul(features))?;
    let factors = numbers(input, covariance.count(components, features))?;
    Mixture::new(features, weights, means, covariance, factors)
        .map(Estimator::Mixture)
        .map_err(|problem| invalid("mixture", &problem))
}

/// The body of centres.
pub fn of_centres(centres: &Centres) -> Vec<u8> {
    let mut body = head(centres.kind as u8, 0, None);
    body.extend(length(centres.count()).to_le_bytes());
    put(&mut body, &centres.centres);
    body
}

/// Reads that.
pub fn centres(
    input: &mut Cursor<'_>,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let of = CentresKind::ALL.get(usize::from(kind(input, meter)?));
    let of = *of.ok_or_else(|| malformed("an unknown kind of centres"))?;
    let count = size(integer(input)?)?;
    let centres = numbers(input, count.checked_mul(features))?;
    Centres::new(of, features, centres)
        .map(Estimator::Centres)
        .map_err(|problem| invalid("centres", &problem))
}

/// The body of principal components.
pub fn of_reconstruction(pca: &Reconstruction) -> Vec<u8> {
    let mut body = head(0, 0, None);
    body.extend(length(pca.components()).to_le_bytes());
    put(&mut body, &pca.mean);
    put(&mut body, &pca.directions);
    body
}

/// Reads that.
pub fn reconstruction(
    input: &mut Cursor<'_>,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    plain_head(input, meter)?;
    let components = size(integer(input)?)?;
    let mean = numbers(input, Some(features))?;
    let directions = numbers(input, components.checked_mul(features))?;
    Reconstruction::new(mean, directions)
        .map(Estimator::Reconstruction)
        .map_err(|problem| invalid("principal components", &problem))
}

/// The byte of a head that says of which kind a model of its family is, and nothing else.
fn kind(input: &mut Cursor<'_>, meter: &mut Meter<'_>) -> Result<u8, ModelError> {
    match read_head(input, meter)? {
        (kind, 0, None) => Ok(kind),
        _ => Err(malformed("a head with what its family does not have")),
    }
}

/// Reads the head of a family that has no kinds.
fn plain_head(input: &mut Cursor<'_>, meter: &mut Meter<'_>) -> Result<(), ModelError> {
    match kind(input, meter)? {
        0 => Ok(()),
        other => Err(malformed(format!("unknown kind {other}"))),
    }
}

fn invalid(what: &str, problem: &str) -> ModelError {
    ModelError::Invalid(format!("the {what}: {problem}"))
}
