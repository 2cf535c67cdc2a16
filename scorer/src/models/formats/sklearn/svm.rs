use super::estimator::{Estimator, quoted};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Value;
use crate::models::{self, Kernel, ModelError, OneClassSvm, Scaler};

/// Reads a fitted `OneClassSVM`: what its `decision_function` uses, which are the attributes with an underscore in front.
///
/// `n_support_` is not among them: in scikit-learn 0.19 it holds uninitialised memory.
pub fn read(
    svm: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    if svm.flag("_sparse", false)? {
        return Err(sparse(svm));
    }
    let kernel = kernel(svm, meter)?;
    let vectors = svm.array("support_vectors_", meter)?;
    let &[count, features] = vectors.shape.as_slice() else {
        return Err(shape(svm, "support_vectors_", &vectors.shape, "(n, d)"));
    };
    let coefficients = svm.array("_dual_coef_", meter)?;
    if coefficients.shape != [1, count] {
        return Err(shape(
            svm,
            "_dual_coef_",
            &coefficients.shape,
            &format!("(1, {count})"),
        ));
    }
    let fitted = svm.get("n_features_in_");
    if matches!(fitted, Some(Value::Int(fitted)) if usize::try_from(fitted) != Ok(features)) {
        return Err(shape(
            svm,
            "support_vectors_",
            &vectors.shape,
            "as many features as n_features_in_",
        ));
    }
    let rho = -svm.number("_intercept_", meter)?;
    let svm = OneClassSvm::new(
        Scaler::None,
        kernel,
        features,
        vectors.values,
        coefficients.values,
        rho,
    )?;
    Ok(models::Estimator::OneClassSvm(svm))
}

/// Reads the kernel with its numbers.
pub fn kernel(svm: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Kernel, ModelError> {
    let name = svm.text("kernel")?;
    let mut number = |name| svm.number(name, meter);
    match name {
        "rbf" => Ok(Kernel::Rbf {
            gamma: number("_gamma")?,
        }),
        "linear" => Ok(Kernel::Linear),
        "poly" => Ok(Kernel::Polynomial {
            gamma: number("_gamma")?,
            coef0: number("coef0")?,
            degree: degree(number("degree")?)?,
        }),
        "sigmoid" => Ok(Kernel::Sigmoid {
            gamma: number("_gamma")?,
            coef0: number("coef0")?,
        }),
        other => Err(ModelError::Unsupported(format!(
            "{} with the kernel {}; supported are rbf, linear, poly and sigmoid: train with one of them",
            svm.class.name(),
            quoted(other)
        ))),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Checked to be an integer within the range.
fn degree(number: f64) -> Result<u32, ModelError> {
    if number.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&number) {
        return Ok(number as u32);
    }
    Err(ModelError::Invalid(format!(
        "degree {number} is not a whole number from 0 up"
    )))
}

/// The refusal of a machine that was fitted on sparse data.
pub fn sparse(svm: &Estimator<'_, '_>) -> ModelError {
    ModelError::Unsupported(format!(
        "{} was fitted on sparse data: fit it on a dense array",
        svm.class.name()
    ))
}

/// An array of another shape than expected.
pub fn shape(svm: &Estimator<'_, '_>, name: &str, found: &[usize], expected: &str) -> ModelError {
    ModelError::Invalid(format!(
        "`{name}` of {} has the shape {found:?}, not {expected}; train the model again, or save it as it was fitted",
        svm.class.name()
    ))
}
