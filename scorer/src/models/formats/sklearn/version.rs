use super::estimator::{Estimator, quoted};
use crate::models::ModelError;

/// A version of scikit-learn: the first two of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// The version that an estimator was saved with.
    ///
    /// Errors when it does not say so.
    pub fn of(estimator: &Estimator<'_, '_>) -> Result<Self, ModelError> {
        let text = estimator.text("_sklearn_version")?;
        let mut parts = text.split('.').map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self(major, minor)),
            _ => Err(ModelError::Invalid(format!(
                "`_sklearn_version` of {} is {}, which is no version: save the model with a released scikit-learn",
                estimator.class.name(),
                quoted(text)
            ))),
        }
    }
}
