use super::estimator::Estimator;
use super::{labels, svm};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::vectors::{VectorNumbers, VectorsKind};
use crate::models::{self, ModelError, Vectors};

/// Reads a fitted `SVC`, `NuSVC`, `SVR` or `NuSVR`: what its `predict` uses, which are the attributes with an underscore in front.
/// Probabilities have no part in that.
pub fn read(
    machine: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let kind = match machine.class {
        Class::Svc => VectorsKind::Svc,
        Class::NuSvc => VectorsKind::NuSvc,
        Class::Svr => VectorsKind::Svr,
        _ => VectorsKind::NuSvr,
    };
    if machine.flag("_sparse", false)? {
        return Err(svm::sparse(machine));
    }
    let kernel = svm::kernel(machine, meter)?;
    let labels = kind
        .classifies()
        .then(|| labels::read(machine, meter))
        .transpose()?;
    let vectors = machine.array("support_vectors_", meter)?;
    let &[count, features] = vectors.shape.as_slice() else {
        return Err(svm::shape(
            machine,
            "support_vectors_",
            &vectors.shape,
            "(n, d)",
        ));
    };
    let rows = labels
        .as_ref()
        .map_or(1, |labels| labels.len().saturating_sub(1));
    let coefficients = machine.array("_dual_coef_", meter)?;
    if coefficients.shape != [rows, count] {
        let expected = format!("({rows}, {count})");
        return Err(svm::shape(
            machine,
            "_dual_coef_",
            &coefficients.shape,
            &expected,
        ));
    }
    let counts = match labels {
        None => Vec::new(),
        Some(_) => counts(machine, meter)?,
    };
    let numbers = VectorNumbers {
        support_vectors: vectors.values,
        counts,
        coefficients: coefficients.values,
        intercepts: machine.array("_intercept_", meter)?.values,
    };
    let breaks_ties = kind.classifies() && breaks_ties(machine)?;
    let made = Vectors::new((kind, breaks_ties), kernel, features, numbers, labels);
    made.map(models::Estimator::Vectors)
        .map_err(|problem| ModelError::unfit(format!("{}: {problem}", kind.name())))
}

/// How many support vectors each class has; up to 0.21 under another name.
fn counts(machine: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Vec<usize>, ModelError> {
    let name = match machine.get("_n_support") {
        Some(_) => "_n_support",
        None => "n_support_",
    };
    let numbers = machine.array(name, meter)?.values;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // Checked to be whole and within the range.
    let count = |number: f64| {
        let is_count = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        is_count.then_some(number as usize)
    };
    let counts: Option<Vec<usize>> = numbers.into_iter().map(count).collect();
    counts.ok_or_else(|| {
        ModelError::unfit(format!(
            "`{name}` of {} holds a number that is no count",
            machine.class.name()
        ))
    })
}

/// Whether the largest number of the decision function decides, which scikit-learn refuses with the shape `ovo`.
fn breaks_ties(machine: &Estimator<'_, '_>) -> Result<bool, ModelError> {
    if !machine.flag("break_ties", false)? {
        return Ok(false);
    }
    if machine.text("decision_function_shape")? == "ovo" {
        return Err(ModelError::Unsupported(format!(
            "{} with break_ties=True and decision_function_shape='ovo', which predicts nothing: fit it with 'ovr'",
            machine.class.name()
        )));
    }
    Ok(true)
}
