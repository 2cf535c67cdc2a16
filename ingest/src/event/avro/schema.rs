use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::SINGLE;
use super::fingerprint::fingerprint;
use super::types::Type;

/// Bytes that a schema may have.
const MAX_BYTES: usize = 1 << 20;

/// A schema.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub types: Vec<Type>,
    /// The place of the type of a record.
    pub root: usize,
    /// What names it in front of a single record.
    fingerprint: u64,
}

/// A schema that is being read.
#[derive(Default)]
struct Parser {
    types: Vec<Type>,
    /// The types that have a name, by their full names.
    named: HashMap<String, usize>,
    /// The schema in the one form that all that mean the same have.
    canonical: String,
}

impl Schema {
    /// Reads a schema in JSON.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!(
                "the schema has {} bytes, more than {MAX_BYTES}",
                text.len()
            ));
        }
        let json: Value = serde_json::from_str(text)
            .map_err(|error| format!("the schema is no JSON: {error}"))?;
        let mut parser = Parser::default();
        let root = parser
            .any(&json, "")
            .map_err(|message| format!("the schema cannot be used: {message}"))?;
        Ok(Self {
            fingerprint: fingerprint(parser.canonical.as_bytes()),
            types: parser.types,
            root,
        })
    }

    /// The type at a place.
    pub fn at(&self, place: usize) -> &Type {
        self.types.get(place).unwrap_or(&Type::Null)
    }

    /// A single record behind its mark and the fingerprint of this schema.
    pub fn single<'b>(&self, body: &'b [u8]) -> Option<&'b [u8]> {
        let (found, record) = body.strip_prefix(SINGLE)?.split_first_chunk()?;
        (u64::from_le_bytes(*found) == self.fingerprint).then_some(record)
    }
}

impl Parser {
    fn any(&mut self, json: &Value, namespace: &str) -> Result<usize, String> {
        match json {
            Value::String(name) => self.name(name, namespace),
            Value::Array(branches) => {
                self.canonical.push('[');
                let branches =
                    self.all(branches, |parser, branch| parser.any(branch, namespace))?;
                self.canonical.push(']');
                Ok(self.add(Type::Union(branches)))
            }
            Value::Object(object) => self.object(object, namespace),
            other => Err(format!("{other} is no type")),
        }
    }

    /// Reads each of a list, with commas between them in the canonical form.
    fn all<T, R>(
        &mut self,
        list: &[T],
        mut read: impl FnMut(&mut Self, &T) -> Result<R, String>,
    ) -> Result<Vec<R>, String> {
        let mut all = Vec::with_capacity(list.len());
        for item in list {
            if !all.is_empty() {
                self.canonical.push(',');
            }
            all.push(read(self, item)?);
        }
        Ok(all)
    }

    fn add(&mut self, kind: Type) -> usize {
        self.types.push(kind);
        self.types.len() - 1
    }

    fn quote(&mut self, text: &str) {
        self.canonical.push_str(&Value::from(text).to_string());
    }

    fn name(&mut self, name: &str, namespace: &str) -> Result<usize, String> {
        if let Some(primitive) = Type::primitive(name) {
            self.quote(name);
            return Ok(self.add(primitive));
        }
        let full = full_name(name, namespace);
        let found = self.named.get(&full).copied();
        self.quote(&full);
        found.ok_or_else(|| format!("there is no type {name:?}"))
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<usize, String> {
        let kind = match object.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(inner) => return self.any(inner, namespace),
            None => return Err("a type has no \"type\"".to_owned()),
        };
        match kind {
            "array" | "map" => {
                let part = if kind == "array" { "items" } else { "values" };
                let _ = write!(self.canonical, "{{\"type\":\"{kind}\",\"{part}\":");
                let inner = object
                    .get(part)
                    .ok_or_else(|| format!("{kind} has no {part:?}"))?;
                let inner = self.any(inner, namespace)?;
                self.canonical.push('}');
                Ok(self.add(if kind == "array" {
                    Type::Array(inner)
                } else {
                    Type::Map(inner)
                }))
            }
            "record" | "error" | "enum" | "fixed" => self.definition(kind, object, namespace),
            name => {
                let place = self.name(name, namespace)?;
                match Type::primitive(name) {
                    Some(primitive) => Ok(self.add(logical(primitive, object))),
                    None => Ok(place),
                }
            }
        }
    }

    /// Reads a type that has a name.
    fn definition(
        &mut self,
        kind: &str,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<usize, String> {
        let name = object.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("{kind} has no \"name\""))?;
        let namespace = object
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or(namespace);
        let full = full_name(name, namespace);
        let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let place = self.add(Type::Null);
        if self.named.insert(full.clone(), place).is_some() {
            return Err(format!("the type {full:?} is defined twice"));
        }
        self.canonical.push_str("{\"name\":");
        self.quote(&full);
        let _ = write!(self.canonical, ",\"type\":\"{kind}\",");
        let list = |part: &str| {
            let list = object.get(part).and_then(Value::as_array);
            list.ok_or_else(|| format!("{full:?} has no list {part:?}"))
        };
        let defined = match kind {
            "enum" => {
                self.canonical.push_str("\"symbols\":[");
                let symbols = self.all(list("symbols")?, |parser, symbol| {
                    let symbol = symbol
                        .as_str()
                        .ok_or_else(|| format!("{full:?} has a symbol that is no text"))?;
                    parser.quote(symbol);
                    Ok(symbol.to_owned())
                })?;
                self.canonical.push_str("]}");
                Type::Enum(symbols)
            }
            "fixed" => {
                let size = object
                    .get("size")
                    .and_then(Value::as_u64)
                    .and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or_else(|| format!("{full:?} has no \"size\""))?;
                let _ = write!(self.canonical, "\"size\":{size}}}");
                logical(Type::Fixed(size), object)
            }
            _ => {
                self.canonical.push_str("\"fields\":[");
                let fields = self.all(list("fields")?, |parser, field| {
                    parser.field(field, namespace)
                })?;
                self.canonical.push_str("]}");
                Type::Record(fields)
            }
        };
        if let Some(reserved) = self.types.get_mut(place) {
            *reserved = defined;
        }
        Ok(place)
    }

    fn field(&mut self, field: &Value, namespace: &str) -> Result<(String, usize), String> {
        let name = field
            .get("name")
            .and_then(Value::as_str)
            .ok_or("a field has no \"name\"")?;
        self.canonical.push_str("{\"name\":");
        self.quote(name);
        self.canonical.push_str(",\"type\":");
        let kind = field
            .get("type")
            .ok_or_else(|| format!("the field {name:?} has no \"type\""))?;
        let kind = self.any(kind, namespace)?;
        self.canonical.push('}');
        Ok((name.to_owned(), kind))
    }
}

fn logical(kind: Type, object: &Map<String, Value>) -> Type {
    let scale = object.get("scale").and_then(Value::as_u64).unwrap_or(0);
    match object.get("logicalType").and_then(Value::as_str) {
        Some(name) => kind.logical(name, u32::try_from(scale).unwrap_or(u32::MAX)),
        None => kind,
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}
