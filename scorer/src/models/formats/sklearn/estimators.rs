//! The estimators that may be at the end of a chain. A new family is a reader and a line in [`READERS`].

use super::estimator::Estimator;
use super::{forest, lightgbm, pyod, svm, xgboost};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::{self, ModelError};

type Reader = fn(&Estimator<'_, '_>, &mut Meter<'_>) -> Result<models::Estimator, ModelError>;

const READERS: &[(Class, Reader)] = &[
    (Class::OneClassSvm, svm::read),
    (Class::IsolationForest, forest::read),
    (Class::PyodForest, pyod::read_forest),
    (Class::PyodSvm, pyod::read_svm),
    (Class::Booster, xgboost::read),
    (Class::XgbClassifier, xgboost::read),
    (Class::XgbRegressor, xgboost::read),
    (Class::LightBooster, lightgbm::read),
    (Class::LightClassifier, lightgbm::read),
    (Class::LightRegressor, lightgbm::read),
];

/// Whether the class is an estimator's that [`read`] reads.
pub fn is_known(class: Class) -> bool {
    READERS.iter().any(|(known, _)| *known == class)
}

/// Reads a fitted estimator; nothing where it is none of the known ones.
pub fn read(
    last: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<Option<models::Estimator>, ModelError> {
    let reader = READERS.iter().find(|(class, _)| *class == last.class);
    reader.map(|(_, read)| read(last, meter)).transpose()
}
