//! A manifest as a tree whose nodes know their places.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::{Location, Options, Spanned};

use super::Place;

/// A value without its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A value without parts.
    Scalar(Value),
    /// A list.
    List(Vec<Placed>),
    /// A map, in the order of the file.
    Map(Vec<(String, Placed)>),
}

/// A value and its place: of a map's value the place of its name, else its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub node: Node,
}

/// The documents in `text`; empty ones are none.
pub fn read_all(text: &str) -> Result<Vec<Placed>, serde_saphyr::Error> {
    serde_saphyr::from_multiple_with_options(text, options())
}

/// The one value in `text`.
pub fn read_one(text: &str) -> Result<Placed, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, options())
}

/// Bounds that no honest manifest reaches. A level takes some 30 kB of the stack.
fn options() -> Options {
    let mut limits = serde_saphyr::options::AliasLimits::default();
    limits.max_total_replayed_events = 100_000;
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 200_000, max_events: 500_000, max_documents: 16 },
        alias_limits: limits,
        strict_booleans: true,
        // They are kept in the tree, where both places are known.
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
    }
}

/// The place that the parser gives.
pub fn place(location: Location) -> Place {
    if location == Location::UNKNOWN {
        return Place::Unknown;
    }
    Place::File {
        line: location.line(),
        column: location.column(),
    }
}

impl Placed {
    /// The value of `name`, where this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Node::Map(entries) = &self.node else {
            return None;
        };
        entries
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// The value of `name` for change, where this is a map that has it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Node::Map(entries) = &mut self.node else {
            return None;
        };
        entries
            .iter_mut()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// The text, where this is one.
    pub fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Scalar(value) => value.as_str(),
            Node::List(_) | Node::Map(_) => None,
        }
    }

    /// Gives this node and all below it the same place.
    pub fn move_to(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.node {
            Node::Scalar(_) => {}
            Node::List(items) => items.iter_mut().for_each(|item| item.move_to(place)),
            Node::Map(entries) => entries
                .iter_mut()
                .for_each(|(_, value)| value.move_to(place)),
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => items.iter().map(Self::to_json).collect(),
            Node::Map(entries) => entries
                .iter()
                .map(|(name, value)| (name.clone(), value.to_json()))
                .collect(),
        }
    }
}

/// The places of all fields by path.
pub struct Index(HashMap<String, Place>);

impl Index {
    /// The places of `root` and everything below it.
    pub fn of(root: &Placed) -> Self {
        let mut places = HashMap::new();
        visit(root, &mut |path, value| {
            places.insert(path.to_owned(), value.place.clone());
        });
        Self(places)
    }

    /// The place of the field at `path`, or of the nearest one around it that exists.
    pub fn nearest(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            match (self.0.get(path), path.rfind(['.', '['])) {
                (Some(place), _) => return place.clone(),
                (None, Some(end)) => path = path.get(..end).unwrap_or_default(),
                (None, None) if path.is_empty() => return Place::Unknown,
                (None, None) => path = "",
            }
        }
    }
}

/// Shows `root` and everything below it with its path, such as `spec.input.columns.features[1]`.
pub fn visit(root: &Placed, see: &mut impl FnMut(&str, &Placed)) {
    visit_at(root, "", see);
}

fn visit_at(value: &Placed, path: &str, see: &mut impl FnMut(&str, &Placed)) {
    see(path, value);
    match &value.node {
        Node::Scalar(_) => {}
        Node::List(items) => {
            for (position, item) in items.iter().enumerate() {
                visit_at(item, &format!("{path}[{position}]"), see);
            }
        }
        Node::Map(entries) => {
            for (name, child) in entries {
                visit_at(child, &below(path, name), see);
            }
        }
    }
}

/// The path of the field `name` of what is at `path`.
pub fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Node>::deserialize(deserializer)?;
        Ok(Self {
            place: place(spanned.referenced),
            node: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Node::Scalar(number.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((name, value)) = access.next_entry::<Spanned<String>, Placed>()? {
            entries.push((
                name.value,
                Placed {
                    place: place(name.referenced),
                    ..value
                },
            ));
        }
        Ok(Node::Map(entries))
    }
}
