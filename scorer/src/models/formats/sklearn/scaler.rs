use super::estimator::Estimator;
use crate::models::formats::python::Class;
use crate::models::{ModelError, Scaler};

/// Reads a fitted scaler; see scikit-learn's `preprocessing/_data.py` for what each does.
pub fn read(scaler: &Estimator<'_, '_>) -> Result<Scaler, ModelError> {
    match scaler.class {
        Class::StandardScaler => Ok(Scaler::Standard {
            center: vector_if(scaler, "with_mean", "mean_")?,
            scale: vector_if(scaler, "with_std", "scale_")?,
        }),
        Class::RobustScaler => Ok(Scaler::Standard {
            center: vector_if(scaler, "with_centering", "center_")?,
            scale: vector_if(scaler, "with_scaling", "scale_")?,
        }),
        Class::MaxAbsScaler => {
            if scaler.flag("clip", false)? {
                return Err(ModelError::Unsupported(
                    "MaxAbsScaler with clip=True; use MinMaxScaler".into(),
                ));
            }
            Ok(Scaler::Standard {
                center: None,
                scale: Some(vector(scaler, "scale_")?),
            })
        }
        Class::MinMaxScaler => {
            let clip = scaler.flag("clip", false)?;
            Ok(Scaler::MinMax {
                scale: vector(scaler, "scale_")?,
                min: vector(scaler, "min_")?,
                clip: if clip {
                    Some(scaler.pair("feature_range")?)
                } else {
                    None
                },
            })
        }
        other => Err(ModelError::Unsupported(format!(
            "the pipeline has {} before its end: no scaler",
            other.name()
        ))),
    }
}

fn vector_if(
    scaler: &Estimator<'_, '_>,
    flag: &str,
    name: &str,
) -> Result<Option<Vec<f64>>, ModelError> {
    if scaler.flag(flag, true)? {
        vector(scaler, name).map(Some)
    } else {
        Ok(None)
    }
}

fn vector(scaler: &Estimator<'_, '_>, name: &str) -> Result<Vec<f64>, ModelError> {
    scaler.array(name).map(|numbers| numbers.values)
}
