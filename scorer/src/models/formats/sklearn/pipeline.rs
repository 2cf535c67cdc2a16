use fleetscore_crds::ModelFormat;

use super::estimator::Estimator;
use super::{scaler, svm};
use crate::models::formats::python::{Class, Heap, Value};
use crate::models::{Model, ModelError, Origin, Scaler};

/// Estimators of a pipeline, and pipelines within pipelines; both are 1 or 2 in practice.
const MOST_STEPS: usize = 64;
const DEEPEST: usize = 8;

/// Makes a model of an estimator: a one-class SVM, or a pipeline of at most one scaler and a one-class SVM.
pub fn to_model(heap: &Heap<'_>, value: Value, format: ModelFormat) -> Result<Model, ModelError> {
    let mut steps = Vec::new();
    collect(heap, value, 0, &mut steps)?;
    let Some((svm, before)) = steps.split_last() else {
        return Err(ModelError::Unsupported("the pipeline has no steps".into()));
    };
    if svm.class != Class::OneClassSvm {
        return Err(ModelError::Unsupported(format!(
            "the pipeline ends with {}, not OneClassSVM",
            svm.class.name()
        )));
    }
    let fitted = svm::read(svm)?;
    let scaler = match before {
        [] => Scaler::None,
        [scaler] => scaler::read(scaler)?,
        [first, second, ..] => {
            return Err(ModelError::Unsupported(format!(
                "the pipeline has {} before {}: only one scaler is supported",
                first.class.name(),
                second.class.name()
            )));
        }
    };
    let origin = origin(&steps, format);
    Model::new(
        scaler,
        fitted.kernel,
        fitted.features,
        fitted.support_vectors,
        fitted.coefficients,
        fitted.rho,
        origin,
    )
}

/// Lists the estimators in their order, those of pipelines in place of the pipelines.
fn collect<'h, 'a>(
    heap: &'h Heap<'a>,
    value: Value,
    depth: usize,
    steps: &mut Vec<Estimator<'h, 'a>>,
) -> Result<(), ModelError> {
    let Some(estimator) = Estimator::new(heap, value) else {
        if value == Value::None || heap.text(value) == Some("passthrough") {
            return Ok(());
        }
        return Err(ModelError::Unsupported(format!(
            "the file holds {}, not a fitted scikit-learn estimator",
            heap.describe(value)
        )));
    };
    if depth > DEEPEST || steps.len() == MOST_STEPS {
        return Err(ModelError::TooLarge {
            what: "the pipeline".into(),
            limit: format!("{MOST_STEPS} steps"),
        });
    }
    if estimator.class != Class::Pipeline {
        steps.push(estimator);
        return Ok(());
    }
    for &step in estimator.list("steps")?.iter().take(MOST_STEPS + 1) {
        match heap.sequence(step) {
            Some(&[_name, step]) => collect(heap, step, depth + 1, steps)?,
            _ => return Err(estimator.unexpected("steps", "a list of names and estimators", step)),
        }
    }
    Ok(())
}

/// The version is every estimator's; the names are those of the first that saw names.
fn origin(steps: &[Estimator<'_, '_>], format: ModelFormat) -> Origin {
    let version = steps
        .iter()
        .find_map(|step| step.text("_sklearn_version").ok());
    Origin {
        producer: version.map(|version| format!("scikit-learn {version}")),
        feature_names: steps.iter().find_map(Estimator::feature_names),
        ..Origin::new(format)
    }
}
