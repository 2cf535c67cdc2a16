//! XGBoost's models: JSON and UBJSON files, and the latter in pickles.

mod document;
mod tree;
mod ubjson;

use std::sync::Arc;

use fleetscore_crds::ModelFormat;

use self::document::{Document, Learner, Serialized};
use super::limits::Meter;
use crate::models::trees::{XgBoost, XgLink};
use crate::models::{Estimator, Labels, Model, ModelError, Origin, shown};

/// Trees of one model, and nodes of all of them.
const MOST_TREES: usize = 100_000;
const MOST_NODES: usize = 16 << 20;

/// Whether the bytes start as those of a JSON or UBJSON file.
pub fn recognise(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"{L\0\0\0\0\0\0\0\x07learner") || {
        let start = start.get(..start.len().min(64)).unwrap_or_default();
        let mut text = start.iter().filter(|byte| !byte.is_ascii_whitespace());
        b"{\"learner\":{"
            .iter()
            .all(|byte| text.next() == Some(byte))
    }
}

/// Reads a JSON or UBJSON file, as `save_model` writes it.
pub fn read(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    let document: Document = if is_ubjson(bytes) {
        ubjson::read(bytes, meter)?
    } else {
        // A number is two bytes at least, and takes four, three times while its list grows.
        meter.take(bytes.len().saturating_mul(6))?;
        serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?
    };
    // A scikit-learn wrapper wrote it, and stops where it stopped early.
    let stops_early = document.learner.attributes.scikit_learn.is_some();
    let estimator = estimator(&document.learner, stops_early, meter)?;
    let origin = Origin {
        producer: document.producer(),
        feature_names: estimator.names().cloned(),
        ..Origin::new(ModelFormat::Xgboost)
    };
    Model::new(Vec::new(), estimator, origin)
}

/// Reads the `handle` of a pickled `Booster`; a wrapper's stops where it stopped early.
pub fn read_handle(
    bytes: &[u8],
    stops_early: bool,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    if !is_ubjson(bytes) {
        return Err(ModelError::Unsupported(
            "the pickle holds a Booster of XGBoost before 2.1, whose own format changed with every version: load it there, and save it \
             with save_model('model.json')"
                .into(),
        ));
    }
    let serialized: Serialized = ubjson::read(bytes, meter)?;
    estimator(&serialized.model.learner, stops_early, meter)
}

fn is_ubjson(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'L' | b'l' | b'I' | b'i' | b'U', ..])
}

fn estimator(
    learner: &Learner,
    stops_early: bool,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let booster = &learner.gradient_booster;
    if booster.name != "gbtree" {
        return Err(unsupported(&format!(
            "the booster {}; supported is gbtree: train with booster='gbtree'",
            quoted(&booster.name)
        )));
    }
    let features = learner.count("num_feature")?;
    let (link, start) = learner.objective.link()?;
    let classes = match learner.count("num_class")? {
        0 | 1 if link == XgLink::Share => 2,
        classes => classes,
    };
    let labels = link.tells_classes().then(|| labels(classes)).transpose()?;
    if learner.count("num_target").unwrap_or(1) > 1 {
        return Err(unsupported("several targets; train one model a target"));
    }
    let sums = if link == XgLink::Share {
        1
    } else {
        classes.max(1)
    };
    let start = learner.starts(sums, start)?;
    let mut model = XgBoost::new(features, start, link, labels).map_err(|it| invalid(&it))?;
    let all = &booster.model.all;
    let used = booster.model.used(learner, stops_early)?;
    if all.len() > MOST_TREES {
        return Err(too_large(&format!("{MOST_TREES} trees")));
    }
    let mut nodes = 0;
    for (at, (tree, sum)) in all
        .iter()
        .zip(&booster.model.tree_info)
        .take(used)
        .enumerate()
    {
        meter.go_on()?;
        nodes += tree.len();
        if nodes > MOST_NODES {
            return Err(too_large(&format!("{MOST_NODES} nodes")));
        }
        let splits = tree.splits(meter);
        let splits = splits.map_err(|error| error.of_tree(at))?;
        model
            .add(*sum as usize, &splits)
            .map_err(|problem| invalid(&format!("tree {at} {problem}")))?;
    }
    if model.count() != used {
        return Err(invalid("it has not as many trees as it says"));
    }
    if used == 0 {
        return Err(invalid("it has no trees"));
    }
    let names = &learner.feature_names.0;
    if !names.is_empty() {
        if names.len() != features {
            let names = names.len();
            return Err(invalid(&format!(
                "it has {names} names for {features} features"
            )));
        }
        model.names = Some(names.clone());
    }
    Ok(Estimator::XgBoost(model))
}

/// XGBoost calls classes by their positions.
fn labels(classes: usize) -> Result<Arc<Labels>, ModelError> {
    if classes > 1 << 16 {
        return Err(too_large("65536 classes"));
    }
    let labels = (0..).take(classes).collect();
    Ok(Arc::new(Labels::Integers(labels)))
}

fn quoted(text: &str) -> String {
    format!("`{}`", shown(text, 60))
}

fn unsupported(problem: &str) -> ModelError {
    ModelError::Unsupported(format!("XGBoost with {problem}"))
}

fn invalid(problem: &str) -> ModelError {
    ModelError::Invalid(format!("XGBoost: {problem}; save the model again"))
}

fn malformed(problem: &str) -> ModelError {
    ModelError::Malformed {
        format: "XGBoost",
        problem: problem.to_owned(),
    }
}

fn too_large(limit: &str) -> ModelError {
    ModelError::TooLarge {
        what: "XGBoost".into(),
        limit: limit.into(),
    }
}
