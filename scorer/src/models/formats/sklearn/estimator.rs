use crate::models::ModelError;
use crate::models::formats::python::{Class, Heap, Numbers, Object, Value};

/// An estimator's attributes, by name and expected type.
#[derive(Clone, Copy)]
pub struct Estimator<'h, 'a> {
    heap: &'h Heap<'a>,
    /// Its class.
    pub class: Class,
    attributes: &'h [(Value, Value)],
}

impl<'h, 'a> Estimator<'h, 'a> {
    /// The estimator that a value refers to; nothing when it is none.
    pub fn new(heap: &'h Heap<'a>, value: Value) -> Option<Self> {
        match heap.get(value)? {
            Object::Instance(instance) => {
                let attributes = instance
                    .state
                    .and_then(|state| heap.dict(Value::Object(state)))
                    .unwrap_or_default();
                Some(Self {
                    heap,
                    class: instance.class,
                    attributes,
                })
            }
            _ => None,
        }
    }

    /// An attribute; nothing where it is absent or `None`.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.heap
            .entry(self.attributes, name)
            .filter(|value| *value != Value::None)
    }

    /// A boolean attribute, and what it was before scikit-learn had it.
    pub fn flag(&self, name: &str, otherwise: bool) -> Result<bool, ModelError> {
        match self.get(name) {
            None => Ok(otherwise),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::Int(flag)) => Ok(flag != 0),
            Some(other) => Err(self.unexpected(name, "a bool", other)),
        }
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<f64, ModelError> {
        match self.get(name) {
            Some(Value::Float(number)) => Ok(number),
            Some(Value::Int(number)) => Ok(number as f64),
            Some(other) => match self.heap.get(other) {
                Some(Object::Array(array)) => {
                    match array.numbers(self.heap, name)?.values.as_slice() {
                        &[number] => Ok(number),
                        _ => Err(self.unexpected(name, "a number", other)),
                    }
                }
                _ => Err(self.unexpected(name, "a number", other)),
            },
            None => Err(self.missing(name)),
        }
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<&'h str, ModelError> {
        let value = self.get(name).ok_or_else(|| self.missing(name))?;
        self.heap
            .text(value)
            .ok_or_else(|| self.unexpected(name, "a string", value))
    }

    /// An array of numbers.
    pub fn array(&self, name: &str) -> Result<Numbers, ModelError> {
        let value = self.get(name).ok_or_else(|| self.missing(name))?;
        match self.heap.get(value) {
            Some(Object::Array(array)) => array.numbers(self.heap, name),
            _ => Err(self.unexpected(name, "an array", value)),
        }
    }

    /// A pair of numbers.
    pub fn pair(&self, name: &str) -> Result<(f64, f64), ModelError> {
        let value = self.get(name).ok_or_else(|| self.missing(name))?;
        let number = |value: Value| match value {
            Value::Float(number) => Some(number),
            Value::Int(number) => Some(number as f64),
            _ => None,
        };
        match self.heap.sequence(value) {
            Some(&[low, high]) => number(low).zip(number(high)),
            _ => None,
        }
        .ok_or_else(|| self.unexpected(name, "a pair of numbers", value))
    }

    /// The items of a list.
    pub fn list(&self, name: &str) -> Result<&'h [Value], ModelError> {
        let value = self.get(name).ok_or_else(|| self.missing(name))?;
        self.heap
            .sequence(value)
            .ok_or_else(|| self.unexpected(name, "a list", value))
    }

    /// Names of the features that it was fitted with, where they had names.
    pub fn feature_names(&self) -> Option<Vec<String>> {
        let value = self.get("feature_names_in_")?;
        let items = match self.heap.get(value)? {
            Object::Array(array) => array.items(self.heap)?,
            _ => return None,
        };
        items
            .iter()
            .map(|&item| self.heap.text(item).map(str::to_owned))
            .collect()
    }

    /// An error about an attribute that is of another type than expected.
    pub fn unexpected(&self, name: &str, expected: &str, found: Value) -> ModelError {
        ModelError::Unsupported(format!(
            "`{name}` of {} is {}, not {expected}",
            self.class.name(),
            self.heap.describe(found)
        ))
    }

    fn missing(&self, name: &str) -> ModelError {
        ModelError::Invalid(format!(
            "{} has no `{name}`: it was saved before it was fitted",
            self.class.name()
        ))
    }
}
