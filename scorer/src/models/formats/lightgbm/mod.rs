//! LightGBM's text, alone or in a pickle.

mod text;
mod tree;

use std::sync::Arc;

use fleetscore_crds::ModelFormat;

use self::text::{Block, Header};
use super::limits::{self, Meter};
use crate::models::trees::LightGbm;
use crate::models::{Estimator, Labels, Model, ModelError, Origin, shown};

/// Trees of one model, and nodes of all of them.
const MOST_TREES: usize = 100_000;
const MOST_NODES: usize = 16 << 20;

/// Whether the bytes start as those of a model's text.
pub fn recognise(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"tree");
    let start = start.map(<[u8]>::trim_ascii_start);
    start.is_some_and(|rest| rest.starts_with(b"version=v"))
}

/// Reads a text file, as `save_model` writes it: all of its trees count.
pub fn read(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is no text"))?;
    let estimator = read_text(text, None, None, meter)?;
    let origin = Origin {
        producer: Some("LightGBM".to_owned()),
        feature_names: estimator.names().cloned(),
        ..Origin::new(ModelFormat::Lightgbm)
    };
    Model::new(Vec::new(), estimator, origin)
}

/// Reads a model's text: the trees of the first `iterations`, all where there is none, and the classes of a wrapper.
pub fn read_text(
    text: &str,
    iterations: Option<usize>,
    labels: Option<Arc<Labels>>,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let mut blocks = text::blocks(text);
    let header = Header::of(&blocks.next().unwrap_or_default())?;
    let (link, classes) = header.link()?;
    let labels = match (labels, classes) {
        (_, None) => None,
        (Some(labels), Some(classes)) if labels.len() == classes => Some(labels),
        (None, Some(classes)) if classes <= 1 << 16 => {
            Some(Arc::new(Labels::Integers((0..).take(classes).collect())))
        }
        (labels, Some(classes)) => {
            let labels = labels.map_or(0, |labels| labels.len());
            return Err(invalid(&format!(
                "it has {classes} classes, and {labels} labels"
            )));
        }
    };
    let mut model = LightGbm::new(header.features, header.sums, link, labels);
    let most = iterations.map(|iterations| iterations.saturating_mul(header.sums));
    let (mut nodes, mut at) = (0, 0);
    for block in blocks.take_while(Block::is_tree) {
        meter.go_on()?;
        if most.is_some_and(|most| at >= most) {
            break;
        }
        let splits = tree::splits(&block, at, meter)?;
        nodes += splits.len();
        if at >= MOST_TREES || nodes > MOST_NODES {
            return Err(too_large(&format!(
                "{MOST_TREES} trees or {MOST_NODES} nodes"
            )));
        }
        model
            .add(splits)
            .map_err(|problem| invalid(&format!("tree {at} {problem}")))?;
        at += 1;
    }
    if at == 0
        || at % header.sums != 0
        || most.is_some_and(|most| most != at)
        || (most.is_none() && at != header.trees)
    {
        return Err(invalid(&format!(
            "it has {at} trees, and not as many as it says: it is cut off"
        )));
    }
    if header.averages {
        model.average(at / header.sums);
    }
    limits::check_numbers("names of features", Some(header.names.len()))?;
    model.names = header.own_names();
    Ok(Estimator::LightGbm(model))
}

fn quoted(text: &str) -> String {
    format!("`{}`", shown(text, 60))
}

fn unsupported(problem: &str) -> ModelError {
    ModelError::Unsupported(format!("LightGBM with {problem}"))
}

fn invalid(problem: &str) -> ModelError {
    ModelError::Invalid(format!("LightGBM: {problem}; save the model again"))
}

fn malformed(problem: &str) -> ModelError {
    ModelError::Malformed {
        format: "LightGBM",
        problem: problem.to_owned(),
    }
}

fn too_large(limit: &str) -> ModelError {
    ModelError::TooLarge {
        what: "LightGBM".into(),
        limit: limit.into(),
    }
}
