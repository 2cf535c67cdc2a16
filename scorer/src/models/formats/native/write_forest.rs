use std::collections::HashMap;

use fleetscore_crds::ModelFormat;

use super::write::{clip, flags, length, scaler_code, text};
use super::{FAMILY_VERSION, ISOLATION_FOREST, LEAF, MAGIC, ZERO_IS_ANOMALY};
use crate::models::trees::Split;
use crate::models::{IsolationForest, Model, ModelError, Scaler, Transform};

/// All bytes of a forest's file but its checksum.
///
/// Errors when more than a scaler comes before it, or it has more features than the format can count.
pub fn bytes(model: &Model, forest: &IsolationForest) -> Result<Vec<u8>, ModelError> {
    let none = Scaler::None;
    let scaler = match model.transforms.as_slice() {
        [] => &none,
        [Transform::Scale(scaler)] => scaler,
        _ => return Err(unwritable("it holds an isolation forest behind one scaler")),
    };
    if forest.features >= usize::from(LEAF) {
        return Err(unwritable(&format!("it holds fewer than {LEAF} features")));
    }
    let text = text(model);
    let (values, nodes) = nodes(forest);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FAMILY_VERSION.to_le_bytes());
    bytes.extend([ISOLATION_FOREST, scaler_code(scaler)]);
    let zero = if forest.border.zero_is_anomaly {
        ZERO_IS_ANOMALY
    } else {
        0
    };
    for number in [
        flags(model, scaler) | zero,
        length(forest.features),
        length(forest.trees.count()),
        length(values.len()),
        length(text.len()),
    ] {
        bytes.extend(number.to_le_bytes());
    }
    let (low, high) = clip(scaler);
    let [first, second] = forest.divisors;
    let border = forest.border;
    let scaler = scaler.vectors();
    let vectors = scaler.iter().flat_map(|(_, values)| values.iter());
    for number in [low, high, first, second, border.offset, border.threshold]
        .iter()
        .chain(vectors)
        .chain(&values)
    {
        bytes.extend(number.to_le_bytes());
    }
    for tree in 0..forest.trees.count() {
        bytes.extend(length(forest.trees.splits(tree).count()).to_le_bytes());
    }
    bytes.extend(nodes);
    bytes.extend(text);
    Ok(bytes)
}

/// The different values of the leaves, and the nodes.
fn nodes(forest: &IsolationForest) -> (Vec<f64>, Vec<u8>) {
    let (mut values, mut nodes) = (Vec::new(), Vec::new());
    let mut positions: HashMap<u64, u32> = HashMap::new();
    let mut value_at = |value: f64| {
        *positions.entry(value.to_bits()).or_insert_with(|| {
            values.push(value);
            length(values.len() - 1)
        })
    };
    for Split {
        children,
        feature,
        threshold,
        value,
    } in (0..forest.trees.count()).flat_map(|tree| forest.trees.splits(tree))
    {
        let (feature, number) = if children.is_none() {
            (LEAF, value_at(value))
        } else {
            #[allow(clippy::cast_possible_truncation)] // It is of single precision.
            let threshold = threshold as f32;
            (u16::try_from(feature).unwrap_or(LEAF), threshold.to_bits())
        };
        nodes.extend(feature.to_le_bytes());
        nodes.extend(number.to_le_bytes());
    }
    (values, nodes)
}

fn unwritable(problem: &str) -> ModelError {
    ModelError::Unwritable {
        format: ModelFormat::Native,
        problem: format!("{problem}; use the file as it is"),
    }
}
