use super::estimator::Estimator;
use crate::models::formats::limits::Meter;
use crate::models::{self, Elliptic, ModelError};

/// Reads a fitted `EllipticEnvelope`: centre, inverse covariances and border. See scikit-learn's `covariance/_elliptic_envelope.py`.
pub fn read(
    envelope: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    if !envelope.flag("store_precision", true)? {
        return Err(ModelError::Unsupported(
            "EllipticEnvelope(store_precision=False), which inverts its covariances anew each time: fit it without".into(),
        ));
    }
    let centre = envelope.array("location_", meter)?;
    let precision = envelope.array("precision_", meter)?;
    let &[features] = centre.shape.as_slice() else {
        return Err(ModelError::unfit(format!(
            "`location_` of EllipticEnvelope has the shape {:?}, not one axis",
            centre.shape
        )));
    };
    if precision.shape != [features, features] {
        return Err(ModelError::unfit(format!(
            "`precision_` of EllipticEnvelope has the shape {:?}, not {features} x {features}",
            precision.shape
        )));
    }
    // Up to 0.19 a distance above `threshold_` is an anomaly, which is the same border with the other sign.
    let offset = match envelope.get("offset_") {
        Some(_) => envelope.number("offset_", meter)?,
        None => -envelope.number("threshold_", meter)?,
    };
    let made = Elliptic::new(centre.values, precision.values, offset);
    made.map(models::Estimator::Elliptic)
        .map_err(|problem| ModelError::unfit(format!("EllipticEnvelope: {problem}")))
}
