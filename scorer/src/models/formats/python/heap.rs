use std::borrow::Cow;

use super::{Array, Class, Dtype, Global};

/// Where an [`Object`] lies on the [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// `dict`, in order of insertion; of equal keys the last counts.
    Dict(Vec<(Value, Value)>),
    /// A class or function of the closed list.
    Global(Global),
    /// An instance of a class of the closed list.
    Instance(Instance),
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

    /// A string's text; Python 2 strings are bytes.
    pub fn text(&self, value: Value) -> Option<&str> {
        match self.get(value)? {
            Object::Text(text) => Some(text),
            Object::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
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
            .find(|(name, _)| self.text(*name) == Some(key))
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
                Some(Object::Dict(_)) => "a dict",
                Some(Object::Global(_)) => "a class or function",
                Some(Object::Instance(instance)) => instance.class.name(),
                Some(Object::Dtype(_)) => "a dtype",
                Some(Object::Array(_)) => "an array",
                None => "nothing",
            },
        }
    }
}
