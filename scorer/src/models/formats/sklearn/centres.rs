use super::estimator::Estimator;
use crate::models::centres::CentresKind;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::{self, Centres, ModelError};

/// Reads a fitted `KMeans` or `MiniBatchKMeans`: its centres.
pub fn read(
    means: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let kind = match means.class {
        Class::MiniBatchKMeans => CentresKind::MiniBatchKMeans,
        _ => CentresKind::KMeans,
    };
    let centres = means.array("cluster_centers_", meter)?;
    let &[_, features] = centres.shape.as_slice() else {
        return Err(ModelError::unfit(format!(
            "`cluster_centers_` of {} has the shape {:?}, not a row a centre",
            kind.name(),
            centres.shape
        )));
    };
    let made = Centres::new(kind, features, centres.values);
    made.map(models::Estimator::Centres)
        .map_err(|problem| ModelError::unfit(format!("{}: {problem}", kind.name())))
}
