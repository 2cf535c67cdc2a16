use fleetscore_crds::ModelFormat;

use super::common::{clip, flags, length, scaler_code, text};
use super::nodes::{self, Table};
use super::{FAMILY_VERSION, ISOLATION_FOREST, LEAF, MAGIC, ZERO_IS_ANOMALY};
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
    let mut table = Table::new(1);
    let (counts, nodes) = nodes::write(&forest.trees, &mut table);
    let values = table.rows;
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
    bytes.extend(counts);
    bytes.extend(nodes);
    bytes.extend(text);
    Ok(bytes)
}

fn unwritable(problem: &str) -> ModelError {
    ModelError::Unwritable {
        format: ModelFormat::Native,
        problem: format!("{problem}; use the file as it is"),
    }
}
