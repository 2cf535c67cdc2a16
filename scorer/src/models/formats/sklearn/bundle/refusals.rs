//! What is wrong with a dict, tuple or list, with what it holds.

use super::super::estimator::quoted;
use super::item::Item;
use crate::models::ModelError;

/// It has no item of a key that `spec.model.bundle` names.
pub fn lacks(kind: &str, items: &[Item], field: &str, key: &str) -> ModelError {
    let problem = format!(
        "has no {}, which spec.model.bundle.{field} names: name one of these",
        quoted(key)
    );
    refused(kind, items, &problem)
}

/// It leaves a choice of what comes before the model.
pub fn ambiguous(kind: &str, items: &[Item], problem: &str) -> ModelError {
    refused(
        kind,
        items,
        &format!(
            "{problem}: name the one to take in spec.model.bundle.scaler, or save one pipeline, joblib.dump(make_pipeline(scaler, model), file)"
        ),
    )
}

/// Any other problem.
pub fn refused(kind: &str, items: &[Item], problem: &str) -> ModelError {
    let mut names: Vec<String> = items.iter().take(8).map(Item::described).collect();
    if items.len() > names.len() {
        names.push("more".to_owned());
    }
    let names = match names.as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    ModelError::Unsupported(format!("the file is {kind} of {names}; it {problem}"))
}
