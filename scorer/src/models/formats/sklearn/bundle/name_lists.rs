//! Lists of names beside a model, which may be those of its features.

use super::super::estimator::{names, quoted};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Foreign, Heap, Object, Value};
use crate::models::{ModelError, NamedList};

/// Names of a list that is looked at; longer ones name no columns.
const MOST_NAMES: usize = 10_000;
/// Entries of a dict within a dict that are looked at.
const MOST_ENTRIES: usize = 100;

/// Names under which nothing else lies.
const FEATURE_NAMES: &[&str] = &[
    "features",
    "feature_names",
    "feature_names_in",
    "feature_names_in_",
    "feature_columns",
    "feature_cols",
    "feature_list",
    "columns",
    "input_features",
    "input_columns",
    "model_features",
    "selected_features",
];

/// The names that a value lists: texts in an array, a list, a tuple or an index of pandas, keys of a dict of positions or its texts
/// by position, or one text with commas between them.
pub fn listed_names(
    heap: &Heap<'_>,
    value: Value,
    meter: &mut Meter<'_>,
) -> Result<Option<Vec<String>>, ModelError> {
    let count = match heap.get(heap.unwrap_texts(value)) {
        Some(Object::Array(array)) => array.count(),
        Some(Object::List(items) | Object::Tuple(items)) => Some(items.len()),
        Some(Object::Dict(items)) => return by_position(heap, items, meter),
        _ => None,
    };
    match (count, heap.text(value)) {
        (Some(count @ 1..=MOST_NAMES), _) => names(heap, value, count, meter),
        (None, Some(text)) => between_commas(text, meter),
        _ => Ok(None),
    }
}

/// The lists in an item beside a model: its own, or those within a dict.
///
/// Errors when the names of the features seem to lie in an object of pandas that is not read.
pub fn lists_within(
    heap: &Heap<'_>,
    (name, value): &(String, Value),
    meter: &mut Meter<'_>,
) -> Result<Vec<NamedList>, ModelError> {
    let mut list = |key: &str, name: String, value, within| {
        let texts = listed_names(heap, value, meter)?;
        if texts.is_none() && is_feature_names(key) && is_of_pandas(heap, value) {
            let class = heap.foreign(value).map(Foreign::path).unwrap_or_default();
            return Err(ModelError::Unsupported(format!(
                "{name} is {class}, which is not read, and seems to be the names of the features: save a list in its place, as \
                 list(df.columns)"
            )));
        }
        Ok(texts.map(|texts| NamedList {
            key: name,
            texts,
            within,
        }))
    };
    if let Some(list) = list(name, name.clone(), *value, false)? {
        return Ok(vec![list]);
    }
    let entries = heap.dict(*value).unwrap_or_default();
    let mut lists = Vec::new();
    for &(key, value) in entries.iter().take(MOST_ENTRIES) {
        if let Some(key) = heap.text(key) {
            lists.extend(list(
                key,
                format!("{} in {name}", quoted(key)),
                value,
                true,
            )?);
        }
    }
    Ok(lists)
}

/// Whether an item of this name holds the names of the features, and nothing else.
pub fn is_feature_names(name: &str) -> bool {
    let name = name.to_lowercase();
    FEATURE_NAMES.contains(&name.trim_matches('`'))
}

/// Whether a value is an object of pandas, such as a series or an index of times.
fn is_of_pandas(heap: &Heap<'_>, value: Value) -> bool {
    let module = heap.foreign(value).map(|foreign| &foreign.module);
    module.is_some_and(|module| module.split('.').next() == Some("pandas"))
}

/// `{'a': 0, 'b': 1}` or `{0: 'a', 1: 'b'}`; they may count from 1.
fn by_position(
    heap: &Heap<'_>,
    items: &[(Value, Value)],
    meter: &mut Meter<'_>,
) -> Result<Option<Vec<String>>, ModelError> {
    if items.len() > MOST_NAMES {
        return Ok(None);
    }
    meter.grow::<(i64, Value)>(items.len())?;
    let pair = |&(key, value): &(Value, Value)| match (key, value) {
        (Value::Int(position), name) | (name, Value::Int(position)) => Some((position, name)),
        _ => None,
    };
    let Some(mut pairs) = items.iter().map(pair).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    pairs.sort_unstable_by_key(|(position, _)| *position);
    let first = pairs.first().map_or(0, |(position, _)| *position);
    let in_turn = (first..)
        .zip(&pairs)
        .all(|(turn, (position, _))| turn == *position);
    if pairs.is_empty() || !in_turn || !(0..=1).contains(&first) {
        return Ok(None);
    }
    let names: Vec<Value> = pairs.into_iter().map(|(_, name)| name).collect();
    heap.texts(&names, meter)
}

/// `a,b,c`, with or without spaces.
fn between_commas(text: &str, meter: &mut Meter<'_>) -> Result<Option<Vec<String>>, ModelError> {
    let count = text.matches(',').count() + 1;
    if count == 1 || count > MOST_NAMES {
        return Ok(None);
    }
    meter.take(text.len())?;
    meter.grow::<String>(count)?;
    Ok(Some(
        text.split(',').map(|name| name.trim().to_owned()).collect(),
    ))
}
