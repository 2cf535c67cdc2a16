//! `schema.json`: a tree of nodes, each with the Python class it stands for and the loader that would make it.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::archive::Archive;
use super::{malformed, npy};
use crate::models::formats::limits::{self, Meter};
use crate::models::formats::python::{
    self, Array, Class, Data, Dtype, Foreign, Global, Heap, Instance, Kind, Object, Value,
};
use crate::models::{ModelError, shown};

const SCHEMA: &str = "schema.json";
/// Bytes of `schema.json`; a tree takes some 16,000.
const SCHEMA_BYTES: usize = 64 << 20;

/// Reads the objects that an archive describes and its value.
///
/// A class or loader that no model needs stands for itself; errors when a node lacks something.
pub fn load(
    archive: &mut Archive<'_>,
    meter: &mut Meter<'_>,
) -> Result<(Heap<'static>, Value), ModelError> {
    if !archive.has(SCHEMA) {
        return Err(malformed(format!(
            "it has no {SCHEMA}, so it is a zip archive but no skops file; it holds {}: unpack it and use the model inside",
            archive.names()
        )));
    }
    let text = archive.file(SCHEMA, SCHEMA_BYTES, meter)?;
    meter.take(memory(&text))?;
    let schema: Json = serde_json::from_slice(&text)
        .map_err(|error| malformed(format!("schema.json: {error}")))?;
    let mut loader = Loader {
        archive,
        heap: Heap::default(),
        meter,
    };
    let value = loader.node(&schema)?;
    Ok((loader.heap, value))
}

/// Bytes that parsed JSON takes at most: an object of one member has room for 11, and vectors grow by doubling.
fn memory(text: &[u8]) -> usize {
    let item = 3 * size_of::<Json>();
    let of = |byte: &u8| match byte {
        b'{' => 12 * (size_of::<Json>() + size_of::<String>()),
        b'[' | b',' | b':' => item,
        _ => 1,
    };
    text.iter().map(of).sum()
}

struct Loader<'l, 'a, 's> {
    archive: &'l mut Archive<'a>,
    heap: Heap<'static>,
    meter: &'l mut Meter<'s>,
}

impl Loader<'_, '_, '_> {
    /// Nodes are nested no deeper than JSON is, and `serde_json`'s limit on that is 128.
    fn node(&mut self, node: &Json) -> Result<Value, ModelError> {
        self.meter.go_on()?;
        match text(node, "__loader__")? {
            "JsonNode" => self.json(node),
            "DictNode" => self.dict(node),
            "ListNode" => self
                .items(node)
                .and_then(|items| self.add(Object::List(items))),
            "TupleNode" => self
                .items(node)
                .and_then(|items| self.add(Object::Tuple(items))),
            // A tree's arguments say how large it is, which its nodes do too.
            "ObjectNode" | "TreeNode" => self.object(node),
            "NdArrayNode" => self.array(node),
            "SliceNode" => self.slice(node),
            "FunctionNode" => self.function(node),
            "TypeNode" => Ok(Value::Other),
            _ => self.foreign(node),
        }
    }

    fn add(&mut self, object: Object<'static>) -> Result<Value, ModelError> {
        self.meter.grow::<Object<'_>>(1)?;
        Ok(self.heap.add(object))
    }

    /// An object of a class or loader that no model needs. It stands for itself; what it holds is not looked at.
    fn foreign(&mut self, node: &Json) -> Result<Value, ModelError> {
        let part = |name| {
            let part = node.get(name).and_then(Json::as_str).unwrap_or("?");
            Cow::Owned(part.chars().take(200).collect())
        };
        let class = self.add(Object::Foreign(Foreign {
            module: part("__module__"),
            name: part("__class__"),
            at: None,
        }))?;
        let state = Value::None;
        self.add(Object::Made { class, state })
    }

    /// One of numpy's functions of numbers; another one stands for itself.
    fn function(&mut self, node: &Json) -> Result<Value, ModelError> {
        let (module, name) = (text(node, "__module__")?, text(node, "__class__")?);
        match python::find(module, name) {
            Some(global @ Global::Ufunc(_)) => self.add(Object::Global(global)),
            _ => self.foreign(node),
        }
    }

    fn json(&mut self, node: &Json) -> Result<Value, ModelError> {
        let content = text(node, "content")?;
        // Python's names for what JSON has no word for.
        match content {
            "NaN" => return Ok(Value::Float(f64::NAN)),
            "Infinity" => return Ok(Value::Float(f64::INFINITY)),
            "-Infinity" => return Ok(Value::Float(f64::NEG_INFINITY)),
            _ => {}
        }
        self.meter.take(memory(content.as_bytes()))?;
        let content: Json = serde_json::from_str(content).unwrap_or_default();
        Ok(match content {
            Json::Null => Value::None,
            Json::Bool(flag) => Value::Bool(flag),
            Json::String(text) => self.add(Object::Text(Cow::Owned(text)))?,
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Value::Int(integer),
                (None, Some(float)) => Value::Float(float),
                (None, None) => Value::Other,
            },
            Json::Array(_) | Json::Object(_) => Value::Other,
        })
    }

    fn dict(&mut self, node: &Json) -> Result<Value, ModelError> {
        let content = member(node, "content")?
            .as_object()
            .ok_or_else(|| malformed("a dict without items"))?;
        let mut items = Vec::new();
        for (key, value) in content {
            let key = self.add(Object::Text(Cow::Owned(key.clone())))?;
            self.meter.grow::<(Value, Value)>(1)?;
            items.push((key, self.node(value)?));
        }
        self.add(Object::Dict(items))
    }

    fn items(&mut self, node: &Json) -> Result<Vec<Value>, ModelError> {
        let content = member(node, "content")?
            .as_array()
            .ok_or_else(|| malformed("a list without items"))?;
        content.iter().map(|item| self.node(item)).collect()
    }

    /// Its ends are numbers or names as they are.
    fn slice(&mut self, node: &Json) -> Result<Value, ModelError> {
        let content = member(node, "content")?;
        let mut ends = [Value::None; 3];
        for (end, name) in ends.iter_mut().zip(["start", "stop", "step"]) {
            *end = match member(content, name)? {
                Json::Null => Value::None,
                Json::String(text) => self.add(Object::Text(Cow::Owned(text.clone())))?,
                other => other.as_i64().map_or(Value::Other, Value::Int),
            };
        }
        self.add(Object::Slice(ends))
    }

    fn object(&mut self, node: &Json) -> Result<Value, ModelError> {
        let (module, name) = (text(node, "__module__")?, text(node, "__class__")?);
        let class = match python::find(module, name) {
            Some(Global::Class(class))
                if !matches!(class, Class::Ndarray | Class::ArrayWrapper) =>
            {
                class
            }
            _ => return self.foreign(node),
        };
        match self.node(member(node, "content")?)? {
            Value::Object(state) => self.add(Object::Instance(Instance {
                class,
                state: Some(state),
            })),
            _ => Err(malformed(format!("{name} has no attributes"))),
        }
    }

    /// An array, or a numpy number, which is an array without axes.
    fn array(&mut self, node: &Json) -> Result<Value, ModelError> {
        if text(node, "type")? == "json" {
            let items = self.items(node)?;
            let shape = vec![items.len()];
            let items = self.add(Object::List(items))?;
            let array = Array {
                shape,
                fortran: false,
                dtype: Value::None,
                data: Data::Shared(items),
            };
            return self.add(Object::Array(array));
        }
        let name = text(node, "file")?;
        let mut bytes = self
            .archive
            .file(name, limits::DECOMPRESSED_BYTES, self.meter)?;
        let header = npy::header(&bytes)?;
        bytes.drain(..header.length);
        if header.shape.is_empty() && text(node, "__class__")? != "ndarray" {
            return header
                .dtype
                .value(&bytes)
                .ok_or_else(|| malformed(format!("file `{}`: not one number", shown(name, 80))));
        }
        let dtype = self.dtype(header.dtype, header.fields)?;
        let data = Data::Own(Cow::Owned(bytes));
        self.add(Object::Array(Array {
            shape: header.shape,
            fortran: header.fortran,
            dtype,
            data,
        }))
    }
}

impl Loader<'_, '_, '_> {
    /// The type of an array's items, with the fields of structures as a pickle has them: a dict of (type, offset).
    fn dtype(&mut self, mut dtype: Dtype, fields: Vec<npy::Field>) -> Result<Value, ModelError> {
        let mut items = Vec::new();
        for field in fields {
            let of_field = self.add(Object::Dtype(field.dtype))?;
            let offset = i64::try_from(field.offset).map_or(Value::Other, Value::Int);
            let name = self.add(Object::Text(Cow::Owned(field.name)))?;
            items.push((name, self.add(Object::Tuple(vec![of_field, offset]))?));
        }
        if !items.is_empty()
            && let (Value::Object(fields), Some(bytes)) =
                (self.add(Object::Dict(items))?, dtype.width())
        {
            dtype.kind = Kind::Structure(bytes, fields);
        }
        self.add(Object::Dtype(dtype))
    }
}

fn member<'j>(node: &'j Json, name: &str) -> Result<&'j Json, ModelError> {
    node.get(name)
        .ok_or_else(|| malformed(format!("schema.json: a node without `{name}`")))
}

fn text<'j>(node: &'j Json, name: &str) -> Result<&'j str, ModelError> {
    let problem = || malformed(format!("schema.json: `{name}` of a node is not a string"));
    member(node, name)?.as_str().ok_or_else(problem)
}
