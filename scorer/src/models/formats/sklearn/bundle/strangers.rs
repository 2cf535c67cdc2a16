//! What lies beside a model and may be a step before it.

use std::collections::HashSet;

use super::item::{Item, has, is_scaler};
use super::name_lists::listed_names;
use crate::models::ModelError;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{
    Class, Global, Heap, Instance, Object, ObjectId, Value, way_out,
};

/// Parts of names of what turns scores or labels into something else, rather than readings.
const NOT_FOR_READINGS: &[&str] = &["score", "target", "label", "output", "y_", "_y"];

/// Errors when an item might change readings, and is no estimator that this program knows.
pub fn check(
    heap: &Heap<'_>,
    kind: &str,
    item: &Item,
    seen: &mut HashSet<ObjectId>,
    meter: &mut Meter<'_>,
) -> Result<(), ModelError> {
    let whole = kind.trim_start_matches("a ");
    if item.class.is_some_and(is_scaler) && has(&item.name, NOT_FOR_READINGS) {
        return Err(ModelError::Unsupported(format!(
            "{} of the {whole} does not seem to be a scaler of the readings: save the model without it, or both as \
             make_pipeline(scaler, model)",
            item.name,
        )));
    }
    let found = match item.class {
        Some(Class::LabelEncoder) if !encodes_words(heap, item.value, meter)? => Some(item.value),
        Some(_) => None,
        None => stranger(heap, item.value, seen),
    };
    let Some(found) = found else {
        return Ok(());
    };
    let place = format!(", in {} of the {whole}", item.name);
    let refused = |what: &str, way_out: &str| {
        ModelError::Unsupported(format!(
            "the file holds {what}{place}, where it is not plain what it is for; {way_out}"
        ))
    };
    Err(match (heap.foreign(found), heap.get(found)) {
        (Some(foreign), _) => foreign.refusal(&place, way_out(&foreign.module, &foreign.name)),
        (_, Some(Object::Instance(instance))) if instance.class == Class::LabelEncoder => refused(
            "a LabelEncoder",
            "save the model without it if it makes numbers of the label, and train on numbers if it makes them of a feature",
        ),
        _ => refused(
            heap.describe(found),
            "save one pipeline, joblib.dump(make_pipeline(scaler, model), file)",
        ),
    })
}

/// Whether a `LabelEncoder` makes numbers of texts that are none themselves. Then it is of the label, or of a column that cannot be
/// read.
fn encodes_words(
    heap: &Heap<'_>,
    encoder: Value,
    meter: &mut Meter<'_>,
) -> Result<bool, ModelError> {
    let Some(&Object::Instance(Instance {
        state: Some(state), ..
    })) = heap.get(encoder)
    else {
        return Ok(false);
    };
    let Some(classes) = heap.short_entry(Value::Object(state), &["classes_"]) else {
        return Ok(false);
    };
    let is_number = |text: &String| {
        let text = text.trim().to_lowercase();
        text.parse::<f64>().is_ok() || matches!(text.as_str(), "true" | "false")
    };
    let texts = listed_names(heap, classes, meter)?;
    Ok(texts.is_some_and(|texts| !texts.iter().any(is_number)))
}

/// The first thing within a value that may be a step before the model: an estimator, or of a class that is not known. Each object
/// is looked at once.
fn stranger(heap: &Heap<'_>, value: Value, seen: &mut HashSet<ObjectId>) -> Option<Value> {
    let mut to_see = vec![value];
    while let Some(value) = to_see.pop() {
        let (Some(object), Value::Object(id)) = (heap.get(value), value) else {
            continue;
        };
        if !seen.insert(id) {
            continue;
        }
        match object {
            Object::Instance(_) | Object::Global(Global::Ufunc(_)) => return Some(value),
            Object::Foreign(_) | Object::Made { .. } if !heap.is_data(value) => {
                return Some(value);
            }
            Object::Dict(items) => {
                to_see.extend(items.iter().flat_map(|&(key, value)| [key, value]));
            }
            Object::Tuple(items) | Object::List(items) | Object::Set(items) => {
                to_see.extend(items);
            }
            Object::Array(array) => to_see.extend(array.items(heap).unwrap_or_default()),
            _ => {}
        }
    }
    None
}
