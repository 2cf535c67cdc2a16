use fleetscore_crds::ModelFormat;

use super::bundle::Bundle;
use super::estimator::{Estimator, quoted};
use super::{imputer, scaler, svm};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Heap, Object, Value, way_out};
use crate::models::{Model, ModelError, Origin, Scaler, shown};

/// Estimators of a pipeline, and pipelines within pipelines; both are 1 or 2 in practice.
const MOST_STEPS: usize = 32;
const DEEPEST: usize = 8;
/// Steps that are looked at, those of pipelines that lie in several places included.
const MOST_VISITS: usize = 256;

/// Makes a model of what a file holds: a one-class SVM, a pipeline of at most one scaler and a one-class SVM, or a dict, tuple or
/// list of these.
pub fn to_model(
    heap: &Heap<'_>,
    value: Value,
    format: ModelFormat,
    meter: &mut Meter<'_>,
) -> Result<Model, ModelError> {
    let bundle = Bundle::open(heap, value, meter)?;
    let mut steps = Steps::new(heap);
    match &bundle {
        Some(bundle) => {
            for &step in &bundle.steps {
                steps.collect(step, "", 0)?;
            }
        }
        None => steps.collect(value, "", 0)?,
    }
    let Some((svm, before)) = steps.found.split_last() else {
        return Err(ModelError::Unsupported("the pipeline has no steps".into()));
    };
    if svm.class != Class::OneClassSvm {
        return Err(ends_otherwise(svm, before));
    }
    let fitted = svm::read(svm, meter)?;
    let scaler = read_scaler(before, fitted.features, meter)?;
    let mut origin = origin(&steps.found, format, fitted.features, meter)?;
    if let Some(bundle) = bundle {
        bundle.check_scaled(&scaler)?;
        if origin.feature_names.is_none() {
            origin.feature_names = bundle.feature_names(heap, fitted.features, meter)?;
        }
        origin.parts = Some(bundle.parts);
    }
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

fn ends_otherwise(last: &Estimator<'_, '_>, before: &[Estimator<'_, '_>]) -> ModelError {
    let last = last.class.name();
    ModelError::Unsupported(if before.is_empty() {
        format!(
            "the file holds a {last} alone, not a OneClassSVM: save both as one, joblib.dump(make_pipeline(scaler, model), file)"
        )
    } else {
        format!(
            "the pipeline ends with {last}, not OneClassSVM: train and save make_pipeline(scaler, OneClassSVM())"
        )
    })
}

/// The scaler among the steps before the SVM. An imputer has no part in scoring.
fn read_scaler(
    before: &[Estimator<'_, '_>],
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Scaler, ModelError> {
    let (imputers, scalers): (Vec<_>, Vec<_>) = before
        .iter()
        .partition(|step| step.class == Class::SimpleImputer);
    for imputer in imputers {
        imputer::check(imputer, features, meter)?;
    }
    match scalers.as_slice() {
        [] => Ok(Scaler::None),
        [scaler] => scaler::read(scaler, meter),
        [first, second, ..] => Err(ModelError::Unsupported(format!(
            "the pipeline has {} before {}: only one scaler is supported; train with one of them",
            first.class.name(),
            second.class.name()
        ))),
    }
}

/// The estimators in their order, those of pipelines in place of the pipelines.
struct Steps<'h, 'a> {
    heap: &'h Heap<'a>,
    found: Vec<Estimator<'h, 'a>>,
    visits: usize,
}

impl<'h, 'a> Steps<'h, 'a> {
    fn new(heap: &'h Heap<'a>) -> Self {
        Self {
            heap,
            found: Vec::new(),
            visits: 0,
        }
    }

    /// `place` says where the value lies, such as `, as the step `pca` of the Pipeline`.
    fn collect(&mut self, value: Value, place: &str, depth: usize) -> Result<(), ModelError> {
        self.visits += 1;
        if depth > DEEPEST || self.found.len() == MOST_STEPS || self.visits > MOST_VISITS {
            return Err(ModelError::TooLarge {
                what: "the pipeline".into(),
                limit: format!("{MOST_STEPS} steps"),
            });
        }
        let heap = self.heap;
        let Some(estimator) = Estimator::new(heap, value)? else {
            return self.other(value, place);
        };
        if estimator.class != Class::Pipeline {
            self.found.push(estimator);
            return Ok(());
        }
        for &step in estimator.list("steps")?.iter().take(MOST_VISITS) {
            let Some(&[name, step]) = heap.sequence(step) else {
                return Err(estimator.unexpected("steps", "a list of names and estimators", step));
            };
            let name = quoted(heap.text(name).unwrap_or("?"));
            let place = format!(", as the step {name} of the Pipeline");
            self.collect(step, &place, depth + 1)?;
        }
        Ok(())
    }

    /// A step that is no estimator that this program knows.
    fn other(&self, value: Value, place: &str) -> Result<(), ModelError> {
        if value == Value::None || self.heap.text(value) == Some("passthrough") {
            return Ok(());
        }
        if let Some(foreign) = self.heap.foreign(value) {
            let mut way_out = way_out(&foreign.module, &foreign.name).to_owned();
            way_out.push_str(&self.inside(value));
            return Err(foreign.refusal(place, &way_out));
        }
        Err(ModelError::Unsupported(format!(
            "the file holds {}{place}, not a fitted scikit-learn estimator; save the fitted model, joblib.dump(make_pipeline(scaler, \
             model), file)",
            self.heap.describe(value)
        )))
    }

    /// Which attributes of an object of another class hold what could be saved instead.
    fn inside(&self, value: Value) -> String {
        let Some(&Object::Made { state, .. }) = self.heap.get(value) else {
            return String::new();
        };
        let attributes = self.heap.dict(state).unwrap_or_default().iter();
        let known = attributes.take(MOST_VISITS).filter_map(|&(name, value)| {
            let Some(Object::Instance(instance)) = self.heap.get(value) else {
                return None;
            };
            let name = shown(self.heap.text(name)?, 40);
            Some(format!("{} in `{name}`", instance.class.name()))
        });
        let known: Vec<String> = known.take(4).collect();
        if known.is_empty() {
            return String::new();
        }
        format!(" (it holds {})", known.join(" and "))
    }
}

/// The version is every estimator's; the names are those of the first that saw names, and no other may have seen others.
fn origin(
    steps: &[Estimator<'_, '_>],
    format: ModelFormat,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Origin, ModelError> {
    let version = steps
        .iter()
        .find_map(|step| step.text("_sklearn_version").ok());
    let mut feature_names = None;
    for step in steps {
        let names = step.feature_names(features, meter)?;
        if names.is_some() && feature_names.is_some() && names != feature_names {
            return Err(ModelError::Unsupported(format!(
                "{} was fitted with other names of features, or in another order, than the step before it; fit them as one pipeline",
                step.class.name()
            )));
        }
        feature_names = feature_names.or(names);
    }
    Ok(Origin {
        producer: version.map(|version| format!("scikit-learn {}", shown(version, 40))),
        feature_names,
        ..Origin::new(format)
    })
}
