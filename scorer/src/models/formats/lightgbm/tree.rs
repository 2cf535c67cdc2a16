use super::text::Block;
use super::{invalid, unsupported};
use crate::models::ModelError;
use crate::models::formats::limits::{self, Meter};
use crate::models::trees::Split;

/// Bits of how a node decides: whether by categories; and what it takes for no number.
const CATEGORICAL: u8 = 1;
const MISSING: u8 = 3 << 2;
const ZERO_IS_MISSING: u8 = 1 << 2;

/// The nodes of tree `at`: those that compare, in the file's order, then the leaves.
pub fn splits(
    block: &Block<'_>,
    at: usize,
    meter: &mut Meter<'_>,
) -> Result<Vec<Split>, ModelError> {
    if block.get("is_linear").is_some_and(|is| is != "0") {
        return Err(unsupported("linear trees; train without linear_tree"));
    }
    let leaves = block.number::<usize>("num_leaves")?;
    let leaves = limits::check_numbers("leaves of a tree", Some(leaves))?;
    let Some(inner) = leaves.checked_sub(1) else {
        return Err(invalid(&format!("tree {at} has no leaves")));
    };
    meter.take(leaves.saturating_mul(2 * size_of::<Split>() + 64 * 3))?;
    let values = block.numbers::<f64>("leaf_value", leaves)?;
    let features = block.numbers::<u32>("split_feature", inner)?;
    let thresholds = block.numbers::<f64>("threshold", inner)?;
    let kinds = block.numbers::<u8>("decision_type", inner)?;
    let left = block.numbers::<i64>("left_child", inner)?;
    let right = block.numbers::<i64>("right_child", inner)?;
    if kinds.iter().any(|kind| kind & CATEGORICAL != 0) {
        return Err(unsupported(
            "splits by categories; readings are numbers here: train without categorical_feature",
        ));
    }
    if kinds.iter().any(|kind| kind & MISSING == ZERO_IS_MISSING) {
        return Err(unsupported(
            "zero_as_missing; readings are never missing here: train without it",
        ));
    }
    let child = |child: i64| {
        // A leaf is the complement of its position.
        let position = if child < 0 {
            usize::try_from(!child).ok()?.checked_add(inner)?
        } else {
            usize::try_from(child).ok()?
        };
        u32::try_from(position).ok()
    };
    let mut splits = Vec::with_capacity(inner + leaves);
    for (node, threshold) in thresholds.into_iter().enumerate() {
        let (Some(first), Some(second)) = (child(left[node]), child(right[node])) else {
            return Err(invalid(&format!(
                "tree {at} has children that are no positions"
            )));
        };
        splits.push(Split {
            children: Some([first, second]),
            feature: features[node],
            threshold,
            value: 0.0,
        });
    }
    splits.extend(values.into_iter().map(|value| Split {
        children: None,
        feature: 0,
        threshold: 0.0,
        value,
    }));
    Ok(splits)
}
