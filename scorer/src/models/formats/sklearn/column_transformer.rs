use std::collections::HashMap;

use super::estimator::{Estimator, quoted};
use crate::models::ModelError;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Heap, Object, Value};
use crate::models::transforms::{Columns, MOST_COLUMNS};

/// One of a `ColumnTransformer`'s transformers.
pub struct Part {
    /// The columns that it takes.
    pub columns: Columns,
    /// A fitted transformer; nothing where the columns stay as they are.
    pub transformer: Option<Value>,
    /// Where it lies, for messages.
    pub place: String,
}

/// The fitted transformers of a `ColumnTransformer` in the order in which their columns come out. See scikit-learn's
/// `compose/_column_transformer.py`.
pub fn parts(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Vec<Part>, ModelError> {
    let heap = step.heap();
    if step.get("transformer_weights").is_some() {
        return Err(ModelError::Unsupported(
            "ColumnTransformer with transformer_weights: train without".into(),
        ));
    }
    let width = width(step)?;
    let names = step.feature_names(width, meter)?.unwrap_or_default();
    let known: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let mut parts = Vec::new();
    for &item in step.list("transformers_")? {
        if parts.len() == MOST_COLUMNS {
            return Err(ModelError::TooLarge {
                what: "the ColumnTransformer".into(),
                limit: format!("{MOST_COLUMNS} transformers"),
            });
        }
        let Some(&[name, transformer, columns]) = heap.sequence(item) else {
            return Err(step.unexpected(
                "transformers_",
                "a list of names, transformers and columns",
                item,
            ));
        };
        let name = quoted(heap.text(name).unwrap_or("?"));
        if heap.text(transformer) == Some("drop") {
            continue;
        }
        let taken = positions(heap, columns, width, &known);
        let taken = taken.ok_or_else(|| {
            ModelError::Unsupported(format!(
                "the columns of {name} in the ColumnTransformer are neither names nor positions nor a mask: train with a list of names or \
                 positions"
            ))
        })?;
        if taken.is_empty() {
            continue;
        }
        meter.grow::<usize>(taken.len())?;
        meter.grow::<Part>(4)?;
        parts.push(Part {
            columns: Columns::new(width, taken)?,
            transformer: Some(transformer).filter(|it| heap.text(*it) != Some("passthrough")),
            place: format!(", in {name} of the ColumnTransformer"),
        });
    }
    Ok(parts)
}

/// The number of columns that go in; `_n_features` before scikit-learn 0.24.
fn width(step: &Estimator<'_, '_>) -> Result<usize, ModelError> {
    let name = match step.get("n_features_in_") {
        Some(_) => "n_features_in_",
        None => "_n_features",
    };
    let width = step.count(name)?;
    if width > MOST_COLUMNS {
        return Err(ModelError::TooLarge {
            what: "the number of columns of the ColumnTransformer".into(),
            limit: format!("{MOST_COLUMNS} columns"),
        });
    }
    Ok(width)
}

/// The positions of columns that are given by name, position or mask.
fn positions(
    heap: &Heap<'_>,
    columns: Value,
    width: usize,
    known: &HashMap<&str, usize>,
) -> Option<Vec<usize>> {
    let items = match heap.get(columns)? {
        Object::List(items) | Object::Tuple(items) => items,
        // The columns that are left over, in scikit-learn 1.5 to 1.7.
        Object::Instance(instance) if instance.class == Class::RemainderColumns => {
            let state = heap.dict(Value::Object(instance.state?))?;
            heap.sequence(heap.entry(state, "data")?)?
        }
        _ => return None,
    };
    if items.len() > MOST_COLUMNS {
        return None;
    }
    if let Some(mask) = mask(items).filter(|mask| !mask.is_empty()) {
        let taken = mask.iter().enumerate().filter(|(_, taken)| **taken);
        return (mask.len() == width).then(|| taken.map(|(column, _)| column).collect());
    }
    let position = |item: &Value| match *item {
        Value::Int(position) if position < 0 => {
            width.checked_sub(usize::try_from(position.unsigned_abs()).ok()?)
        }
        Value::Int(position) => usize::try_from(position).ok(),
        item => known.get(heap.text(item)?).copied(),
    };
    items.iter().map(position).collect()
}

fn mask(items: &[Value]) -> Option<Vec<bool>> {
    let flag = |item: &Value| match item {
        Value::Bool(flag) => Some(*flag),
        _ => None,
    };
    items.iter().map(flag).collect()
}
