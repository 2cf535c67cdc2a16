use std::borrow::Cow;
use std::collections::HashMap;

use super::{Array, Class, Dtype, Foreign, Global};
use crate::models::ModelError;
use crate::models::formats::limits::Meter;

/// Bytes of a text that is looked at; longer ones are no names, and looking at them again and again would take long.
pub const LONGEST_TEXT: usize = 4096;

/// Where an [`Object`] lies on the [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectId(usize);

/// A Python value: small ones as they are, others by reference, so that what two names share stays shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `True` or `False`
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// Something that no model needs, such as an integer beyond 64 bits.
    Other,
    /// An object on the heap.
    Object(ObjectId),
}

/// What a reference leads to.
#[derive(Clone, Debug)]
pub enum Object<'a> {
    /// `bytes`, `bytearray`, and the `str` of Python 2.
    Bytes(Cow<'a, [u8]>),
    /// `str`
    Text(Cow<'a, str>),
    /// `tuple`
    Tuple(Vec<Value>),
    /// `list`
    List(Vec<Value>),
    /// `set` or `frozenset`
    Set(Vec<Value>),
    /// `slice`: start, stop and step
    Slice([Value; 3]),
    /// `dict`, in order of insertion; of equal keys the last counts.
    Dict(Vec<(Value, Value)>),
    /// A class or function of the closed list.
    Global(Global),
    /// An instance of a class of the closed list.
    Instance(Instance),
    /// A class or function outside the closed list.
    Foreign(Foreign<'a>),
    /// What such a class or function would have made.
    Made {
        /// The class or function.
        class: Value,
        /// The attributes, where the file gives some.
        state: Value,
    },
    /// `numpy.dtype`
    Dtype(Dtype),
    /// `numpy.ndarray`
    Array(Array<'a>),
}

/// An instance, with its attributes once they are known.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// Its class.
    pub class: Class,
    /// The `dict` of its attributes.
    pub state: Option<ObjectId>,
}

/// All objects of a file. References go by index, so cycles are harmless and nothing is freed recursively.
#[derive(Debug, Default)]
pub struct Heap<'a> {
    objects: Vec<Object<'a>>,
    /// Objects that were handed to a function outside the closed list, which might have changed them.
    touched: HashMap<ObjectId, Value>,
}

impl<'a> Heap<'a> {
    /// Adds an object and returns a reference to it.
    pub fn add(&mut self, object: Object<'a>) -> Value {
        self.objects.push(object);
        Value::Object(ObjectId(self.objects.len() - 1))
    }

    /// The object that a reference leads to; nothing for a value that is no reference.
    pub fn get(&self, value: Value) -> Option<&Object<'a>> {
        match value {
            Value::Object(ObjectId(index)) => self.objects.get(index),
            _ => None,
        }
    }

    /// As [`Heap::get`], to change it.
    pub fn get_mut(&mut self, value: Value) -> Option<&mut Object<'a>> {
        match value {
            Value::Object(ObjectId(index)) => self.objects.get_mut(index),
            _ => None,
        }
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Notes that a function outside the closed list was handed `values`.
    pub fn touch(&mut self, function: Value, values: &[Value]) {
        for &value in values {
            let changes = matches!(
                self.get(value),
                Some(Object::List(_) | Object::Dict(_) | Object::Instance(_) | Object::Array(_))
            );
            if let (true, Value::Object(id)) = (changes, value) {
                self.touched.insert(id, function);
            }
        }
    }

    /// The function outside the closed list that a value was handed to, if any.
    pub fn touched_by(&self, value: Value) -> Option<&Foreign<'a>> {
        match value {
            Value::Object(id) => self.foreign(*self.touched.get(&id)?),
            _ => None,
        }
    }

    /// The bytes of a string's text, of any length; Python 2 strings are bytes.
    pub fn text_bytes(&self, value: Value) -> Option<&[u8]> {
        match self.get(value)? {
            Object::Text(text) => Some(text.as_bytes()),
            Object::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A string's text; nothing where it is longer than [`LONGEST_TEXT`].
    pub fn text(&self, value: Value) -> Option<&str> {
        let bytes = self.text_bytes(value)?;
        if bytes.len() > LONGEST_TEXT {
            return None;
        }
        std::str::from_utf8(bytes).ok()
    }

    /// The texts of some strings; nothing where one is none.
    pub fn texts(
        &self,
        items: &[Value],
        meter: &mut Meter<'_>,
    ) -> Result<Option<Vec<String>>, ModelError> {
        let mut texts = Vec::new();
        for &item in items {
            let Some(text) = self.text(item) else {
                return Ok(None);
            };
            meter.take(text.len())?;
            meter.grow::<String>(1)?;
            texts.push(text.to_owned());
        }
        Ok(Some(texts))
    }

    /// A tuple's items.
    pub fn tuple(&self, value: Value) -> Option<&[Value]> {
        match self.get(value)? {
            Object::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A list's or tuple's items.
    pub fn sequence(&self, value: Value) -> Option<&[Value]> {
        match self.get(value)? {
            Object::Tuple(items) | Object::List(items) => Some(items),
            _ => None,
        }
    }

    /// A dictionary's items.
    pub fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match self.get(value)? {
            Object::Dict(items) => Some(items),
            _ => None,
        }
    }

    /// What a dictionary holds under a textual key.
    pub fn entry(&self, dict: &[(Value, Value)], key: &str) -> Option<Value> {
        dict.iter()
            .rev()
            .find(|(name, _)| self.text_bytes(*name) == Some(key.as_bytes()))
            .map(|(_, value)| *value)
    }

    /// What kind of thing a value is, for messages.
    pub fn describe(&self, value: Value) -> &'static str {
        match value {
            Value::None => "None",
            Value::Bool(_) => "a bool",
            Value::Int(_) => "an int",
            Value::Float(_) => "a float",
            Value::Other => "another value",
            Value::Object(_) => match self.get(value) {
                Some(Object::Bytes(_)) => "bytes",
                Some(Object::Text(_)) => "a string",
                Some(Object::Tuple(_)) => "a tuple",
                Some(Object::List(_)) => "a list",
                Some(Object::Set(_)) => "a set",
                Some(Object::Slice(_)) => "a slice",
                Some(Object::Dict(_)) => "a dict",
                Some(Object::Global(_) | Object::Foreign(_)) => "a class or function",
                Some(Object::Made { .. }) => "an object of another class",
                Some(Object::Instance(instance)) => instance.class.name(),
                Some(Object::Dtype(_)) => "a dtype",
                Some(Object::Array(_)) => "an array",
                None => "nothing",
            },
        }
    }
}
