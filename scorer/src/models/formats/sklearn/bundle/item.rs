//! One thing in a dict, tuple or list.

use super::super::estimator::quoted;
use super::super::{estimators, transformers};
use crate::models::ModelError;
use crate::models::formats::python::{Class, Heap, Object, Value};

/// Items that are looked at; a bundle has a handful.
const MOST_ITEMS: usize = 1000;
/// Words of names under which the numbers lie by which readings are scaled without a scaler.
const BY_HAND: &[&str] = &[
    "mean", "means", "mu", "std", "stds", "sigma", "scale", "scales", "var", "min", "mins", "max",
    "maxs", "norm", "center", "median", "iqr", "range",
];

/// A key or position, and what lies there.
pub struct Item {
    /// Its key, or its position, as spec.model.bundle names it.
    pub key: String,
    /// The same for messages.
    pub name: String,
    /// What lies there.
    pub value: Value,
    /// Its class, where it is of one of the closed list.
    pub class: Option<Class>,
}

impl Item {
    /// Its name, and its class in brackets.
    pub fn described(&self) -> String {
        match self.class {
            Some(class) => format!("{} ({})", self.name, class.name()),
            None => self.name.clone(),
        }
    }
}

/// The items of a dict, tuple or list; nothing where a value is none of these.
pub fn items(heap: &Heap<'_>, value: Value) -> Result<Option<Vec<Item>>, ModelError> {
    let class = |value: Value| match heap.get(value) {
        Some(Object::Instance(instance)) => Some(instance.class),
        _ => None,
    };
    let item = |key: String, name, value| Item {
        key,
        name,
        value,
        class: class(value),
    };
    let items: Vec<Item> = match heap.get(value) {
        Some(Object::Dict(items)) => {
            let key = |key| {
                heap.text(key)
                    .map_or_else(|| "a key that is no text".to_owned(), quoted)
            };
            items
                .iter()
                .take(MOST_ITEMS + 1)
                .map(|&(name, value)| {
                    let text = heap.text(name).unwrap_or_default();
                    item(text.to_owned(), key(name), value)
                })
                .collect()
        }
        Some(Object::Tuple(items) | Object::List(items)) => (1..)
            .zip(items)
            .take(MOST_ITEMS + 1)
            .map(|(position, &value)| item(position.to_string(), format!("item {position}"), value))
            .collect(),
        _ => return Ok(None),
    };
    if items.len() > MOST_ITEMS {
        let limit = format!("{MOST_ITEMS} items");
        return Err(ModelError::TooLarge {
            what: heap.describe(value).to_owned(),
            limit,
        });
    }
    Ok(Some(items))
}

/// Whether it seems to be numbers by which readings are scaled.
pub fn is_by_hand(heap: &Heap<'_>, item: &Item) -> bool {
    let is_number = match item.value {
        Value::Int(_) | Value::Float(_) => true,
        value => matches!(
            heap.get(value),
            Some(Object::Array(_) | Object::List(_) | Object::Tuple(_) | Object::Dict(_))
        ),
    };
    let name = item.name.to_lowercase();
    let mut words = name.split(|character: char| !character.is_alphanumeric());
    is_number && words.any(|word| BY_HAND.contains(&word))
}

/// Whether it predicts.
pub fn is_model(class: Class) -> bool {
    estimators::is_known(class) || matches!(class, Class::Pipeline | Class::Search)
}

/// Whether it transforms readings.
pub fn is_scaler(class: Class) -> bool {
    class == Class::ColumnTransformer
        || transformers::is_known(class) && class != Class::SimpleImputer
}

/// Whether a name has one of some parts; `y_` and `_y` are such at its start and its end.
pub fn has(name: &str, parts: &[&str]) -> bool {
    let name = name.to_lowercase().replace('`', "");
    let ends = |part: &str| match part {
        "y_" => name.starts_with(part),
        "_y" => name.ends_with(part),
        _ => name.contains(part),
    };
    parts.iter().any(|part| ends(part))
}
