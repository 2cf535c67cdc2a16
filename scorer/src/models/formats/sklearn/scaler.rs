use super::estimator::Estimator;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::{ModelError, Scaler, Transform};

/// Reads a fitted scaler; see scikit-learn's `preprocessing/_data.py` for what each does.
pub fn read(scaler: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Transform, ModelError> {
    Transform::scale(numbers(scaler, meter)?)
}

fn numbers(scaler: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Scaler, ModelError> {
    match scaler.class {
        Class::StandardScaler => Ok(Scaler::Standard {
            center: vector_if(scaler, "with_mean", "mean_", meter)?,
            scale: vector_if(scaler, "with_std", "scale_", meter)?,
        }),
        Class::RobustScaler => Ok(Scaler::Standard {
            center: vector_if(scaler, "with_centering", "center_", meter)?,
            scale: vector_if(scaler, "with_scaling", "scale_", meter)?,
        }),
        Class::MaxAbsScaler => {
            if scaler.flag("clip", false)? {
                return Err(ModelError::Unsupported(
                    "MaxAbsScaler with clip=True; use MinMaxScaler".into(),
                ));
            }
            Ok(Scaler::Standard {
                center: None,
                scale: Some(vector(scaler, "scale_", meter)?),
            })
        }
        Class::MinMaxScaler => {
            let clip = scaler.flag("clip", false)?;
            Ok(Scaler::MinMax {
                scale: vector(scaler, "scale_", meter)?,
                min: vector(scaler, "min_", meter)?,
                clip: if clip {
                    Some(scaler.pair("feature_range")?)
                } else {
                    None
                },
            })
        }
        other => Err(ModelError::Unsupported(format!(
            "{} is no scaler",
            other.name()
        ))),
    }
}

fn vector_if(
    scaler: &Estimator<'_, '_>,
    flag: &str,
    name: &str,
    meter: &mut Meter<'_>,
) -> Result<Option<Vec<f64>>, ModelError> {
    if scaler.flag(flag, true)? {
        vector(scaler, name, meter).map(Some)
    } else {
        Ok(None)
    }
}

fn vector(
    scaler: &Estimator<'_, '_>,
    name: &str,
    meter: &mut Meter<'_>,
) -> Result<Vec<f64>, ModelError> {
    scaler.array(name, meter).map(|numbers| numbers.values)
}
