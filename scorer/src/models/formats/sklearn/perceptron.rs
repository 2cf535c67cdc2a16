use super::estimator::{Estimator, quoted};
use super::labels;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::network::{Dense, MOST_LAYERS};
use crate::models::perceptron::{Between, Perceptron};
use crate::models::{self, ModelError};

/// Reads a fitted `MLPClassifier` or `MLPRegressor`. See scikit-learn's `neural_network/_multilayer_perceptron.py`.
pub fn read(
    perceptron: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let name = perceptron.class.name();
    let unfit = |problem: String| ModelError::unfit(format!("{name}: {problem}"));
    let between = match perceptron.text("activation")? {
        "identity" => Between::Identity,
        "relu" => Between::Relu,
        "tanh" => Between::Tanh,
        "logistic" => Between::Logistic,
        other => return Err(unknown(perceptron, "activation", other)),
    };
    let count = perceptron.list("coefs_")?.len();
    if count > MOST_LAYERS || perceptron.list("intercepts_")?.len() != count {
        return Err(unfit(format!(
            "it has {count} matrices, and as many intercepts are needed, at most {MOST_LAYERS}"
        )));
    }
    let dense: Result<Vec<Dense>, ModelError> = (0..count)
        .map(|at| {
            let weights = perceptron.item("coefs_", at, meter)?;
            let start = perceptron.item("intercepts_", at, meter)?;
            if weights.shape.len() != 2 || weights.shape.get(1..) != Some(start.shape.as_slice()) {
                return Err(unfit(format!(
                    "matrix {at} has the shape {:?}, and its intercepts {:?}",
                    weights.shape, start.shape
                )));
            }
            Dense::new(weights.values, start.values).map_err(unfit)
        })
        .collect();
    let dense = dense?;
    let (inputs, outputs) = (
        dense.first().map_or(0, Dense::inputs),
        dense.last().map_or(0, Dense::outputs),
    );
    let ending = perceptron.text("out_activation_")?;
    let labels = match (perceptron.class, ending) {
        (Class::MlpClassifier, "logistic") if outputs != 1 => {
            return Err(labels::several_targets(perceptron));
        }
        (Class::MlpClassifier, "logistic" | "softmax") => Some(labels::classes(perceptron, meter)?),
        (Class::MlpRegressor, "identity") if outputs != 1 && outputs != inputs => {
            return Err(labels::several_targets(perceptron));
        }
        (Class::MlpRegressor, "identity") => None,
        _ => return Err(unknown(perceptron, "out_activation_", ending)),
    };
    // A number a class, of two classes one: else it is no file of scikit-learn's.
    let made = Perceptron::new(between, dense, labels);
    made.map(models::Estimator::Perceptron).map_err(unfit)
}

fn unknown(perceptron: &Estimator<'_, '_>, name: &str, found: &str) -> ModelError {
    ModelError::Unsupported(format!(
        "{} with the {name} {}; supported are relu, tanh, logistic and identity between the layers, and at the end what squared errors and \
         classes have: train with these",
        perceptron.class.name(),
        quoted(found)
    ))
}
