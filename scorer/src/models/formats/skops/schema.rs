//! `schema.json`: a tree of nodes, each with the Python class it stands for and the loader that would make it.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::archive::Archive;
use super::{malformed, npy};
use crate::models::ModelError;
use crate::models::formats::limits;
use crate::models::formats::python::{
    self, Array, Class, Data, Global, Heap, Instance, Object, Value,
};

/// Bytes of `schema.json`; a model's has some 30,000.
const SCHEMA_BYTES: usize = 4 << 20;

/// Reads the objects that an archive describes and its value.
///
/// Errors when a class or loader is not one that a model needs, or a node lacks something.
pub fn load(archive: &mut Archive<'_>) -> Result<(Heap<'static>, Value), ModelError> {
    let text = archive.file("schema.json", SCHEMA_BYTES)?;
    let schema: Json = serde_json::from_slice(&text)
        .map_err(|error| malformed(format!("schema.json: {error}")))?;
    let mut loader = Loader {
        archive,
        heap: Heap::default(),
    };
    let value = loader.node(&schema)?;
    Ok((loader.heap, value))
}

struct Loader<'l, 'a> {
    archive: &'l mut Archive<'a>,
    heap: Heap<'static>,
}

impl Loader<'_, '_> {
    /// Nodes are nested no deeper than JSON is, and `serde_json`'s limit on that is 128.
    fn node(&mut self, node: &Json) -> Result<Value, ModelError> {
        match text(node, "__loader__")? {
            "JsonNode" => self.json(node),
            "DictNode" => self.dict(node),
            "ListNode" => self
                .items(node)
                .map(|items| self.heap.add(Object::List(items))),
            "TupleNode" => self
                .items(node)
                .map(|items| self.heap.add(Object::Tuple(items))),
            "ObjectNode" => self.object(node),
            "NdArrayNode" => self.array(node),
            "TypeNode" => Ok(Value::Other),
            other => Err(refusal(node, other)),
        }
    }

    fn json(&mut self, node: &Json) -> Result<Value, ModelError> {
        let content: Json = serde_json::from_str(text(node, "content")?).unwrap_or_default();
        Ok(match content {
            Json::Null => Value::None,
            Json::Bool(flag) => Value::Bool(flag),
            Json::String(text) => self.heap.add(Object::Text(Cow::Owned(text))),
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
            let key = self.heap.add(Object::Text(Cow::Owned(key.clone())));
            items.push((key, self.node(value)?));
        }
        Ok(self.heap.add(Object::Dict(items)))
    }

    fn items(&mut self, node: &Json) -> Result<Vec<Value>, ModelError> {
        let content = member(node, "content")?
            .as_array()
            .ok_or_else(|| malformed("a list without items"))?;
        content.iter().map(|item| self.node(item)).collect()
    }

    fn object(&mut self, node: &Json) -> Result<Value, ModelError> {
        let (module, name) = (text(node, "__module__")?, text(node, "__class__")?);
        let class = match python::find(module, name) {
            Some(Global::Class(class))
                if !matches!(class, Class::Ndarray | Class::ArrayWrapper) =>
            {
                class
            }
            _ => return Err(refusal(node, "ObjectNode")),
        };
        match self.node(member(node, "content")?)? {
            Value::Object(state) => Ok(self.heap.add(Object::Instance(Instance {
                class,
                state: Some(state),
            }))),
            _ => Err(malformed(format!("{name} has no attributes"))),
        }
    }

    /// An array, or a numpy number, which is an array without axes.
    fn array(&mut self, node: &Json) -> Result<Value, ModelError> {
        if text(node, "type")? == "json" {
            let items = self.items(node)?;
            let shape = vec![items.len()];
            let items = self.heap.add(Object::List(items));
            let array = Array {
                shape,
                fortran: false,
                dtype: Value::None,
                data: Data::Shared(items),
            };
            return Ok(self.heap.add(Object::Array(array)));
        }
        let name = text(node, "file")?;
        let mut bytes = self.archive.file(name, limits::DECOMPRESSED_BYTES)?;
        let header = npy::header(&bytes)?;
        bytes.drain(..header.length);
        if header.shape.is_empty() && text(node, "__class__")? != "ndarray" {
            return header
                .dtype
                .value(&bytes)
                .ok_or_else(|| malformed(format!("file `{name}`: not one number")));
        }
        let dtype = self.heap.add(Object::Dtype(header.dtype));
        let data = Data::Own(Cow::Owned(bytes));
        Ok(self.heap.add(Object::Array(Array {
            shape: header.shape,
            fortran: header.fortran,
            dtype,
            data,
        })))
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

/// Names the class that the file asks for, and what to do.
fn refusal(node: &Json, loader: &str) -> ModelError {
    let part = |name| node.get(name).and_then(Json::as_str).unwrap_or("?");
    let (module, name) = (part("__module__"), part("__class__"));
    let object: String = format!("{module}.{name}").chars().take(120).collect();
    let loader: String = loader.chars().take(40).collect();
    ModelError::Unsupported(format!(
        "the file asks for `{object}` ({loader}); {}",
        python::hint(module, name)
    ))
}
