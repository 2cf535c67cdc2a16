use fleetscore_crds::{ModelBundle, ModelFormat};

use super::bundle::Bundle;
use super::estimator::Estimator;
use super::steps::Steps;
use super::{chain, estimators, pyod, transformers};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Heap, Value};
use crate::models::{self, Model, ModelError, Origin, Preparation, Transform, shown};

/// Makes a model of what a file holds: an estimator, a pipeline of transformers and an estimator, a search for the best of either,
/// or a dict, tuple or list of these, of which the bundle says what to take.
pub fn to_model(
    heap: &Heap<'_>,
    value: Value,
    (format, wanted): (ModelFormat, Option<&ModelBundle>),
    meter: &mut Meter<'_>,
) -> Result<Model, ModelError> {
    let bundle = Bundle::open(heap, value, wanted, meter)?;
    let (mut steps, mut found) = (Steps::new(heap), Vec::new());
    let mut before = 0;
    match &bundle {
        Some(bundle) => {
            for &step in &bundle.steps {
                before = found.len();
                steps.collect(step, "", 0, &mut found)?;
            }
            bundle.check_one_scaler(found.len() - before)?;
        }
        None => steps.collect(value, "", 0, &mut found)?,
    }
    let fitted_together = found.len() - before;
    let Some((last, before)) = found.split_last() else {
        return Err(ModelError::Unsupported("the pipeline has no steps".into()));
    };
    let Some(estimator) = estimators::read(last, meter)? else {
        return Err(ends_otherwise(last, before));
    };
    if fitted_together > 1 {
        check_target(&estimator)?;
    }
    let transforms = chain::read(before, &mut steps, 0, meter)?;
    let origin = Origin {
        producer: producer(&found),
        ..Origin::new(format)
    };
    let own_names = estimator.names().cloned();
    let own_names = own_names.filter(|_| transforms.iter().all(Transform::keeps_columns));
    let mut model = Model::new(transforms, estimator, origin)?;
    let names = feature_names(&found, model.features, meter)?;
    let mut names = names.or(own_names);
    if let Some(mut bundle) = bundle {
        bundle.check_scaled(&model)?;
        if names.is_none() {
            names = bundle.feature_names(heap, model.features, meter)?;
        }
        model.origin.parts = Some(bundle.parts);
    }
    model.origin.feature_names = names;
    Ok(model)
}

/// Makes transforms of what a file holds: a fitted transformer, or a pipeline of them.
pub fn to_preparation(
    heap: &Heap<'_>,
    value: Value,
    meter: &mut Meter<'_>,
) -> Result<Preparation, ModelError> {
    let (mut steps, mut found) = (Steps::new(heap), Vec::new());
    steps.collect(value, "", 0, &mut found)?;
    let transforms = chain::read(&found, &mut steps, 0, meter)?;
    let features = crate::models::transforms::inputs(&transforms);
    let feature_names = match features {
        Some(features) => feature_names(&found, features, meter)?,
        None => None,
    };
    Ok(Preparation {
        transforms,
        feature_names,
    })
}

/// Errors where an autoencoder is the end of a pipeline: the file does not say whether its target were the readings, as of
/// `pipeline.fit(X, X)`, or what comes out of the steps before.
fn check_target(estimator: &models::Estimator) -> Result<(), ModelError> {
    match estimator {
        models::Estimator::Perceptron(it) if it.is_autoencoder() => Err(ModelError::Unsupported(
            "MLPRegressor as an autoencoder at the end of a Pipeline, which does not say whether it gives back the readings or what the \
             steps before it make of them: save them apart, joblib.dump({'scaler': scaler, 'model': mlp}, file), fitted with \
             mlp.fit(Z, Z), Z = scaler.transform(X)"
                .into(),
        )),
        _ => Ok(()),
    }
}

fn ends_otherwise(last: &Estimator<'_, '_>, before: &[Estimator<'_, '_>]) -> ModelError {
    let last = last.class.name();
    ModelError::Unsupported(if before.is_empty() {
        format!(
            "the file holds a {last} alone, and no model: save both as one, joblib.dump(make_pipeline(scaler, model), file)"
        )
    } else {
        format!(
            "the pipeline ends with {last}, and not with a model: train and save make_pipeline(scaler, model)"
        )
    })
}

/// The version is every estimator's, or that of the one inside.
fn producer(steps: &[Estimator<'_, '_>]) -> Option<String> {
    let version = |step: &Estimator<'_, '_>| step.text("_sklearn_version").ok().map(str::to_owned);
    let inside = |step: &Estimator<'_, '_>| pyod::inside(step).ok().as_ref().and_then(version);
    let version = steps
        .iter()
        .find_map(|step| version(step).or_else(|| inside(step)));
    version.map(|version| format!("scikit-learn {}", shown(&version, 40)))
}

/// The names are those of the first step that saw names, and no other may have seen others, as long as columns are the readings'.
fn feature_names(
    steps: &[Estimator<'_, '_>],
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Option<Vec<String>>, ModelError> {
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
        if !transformers::keeps_columns(step.class) {
            break;
        }
    }
    Ok(feature_names)
}
