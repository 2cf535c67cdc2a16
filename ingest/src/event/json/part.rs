use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::super::row::Row;
use super::super::scalar::Scalar;
use super::super::shape::{Member, Node};

/// Takes the wanted values of a text in JSON, and the list of readings as it is written.
pub(super) fn fill<'t>(
    text: &'t str,
    node: &Node,
    row: &mut Row,
    list: &mut Option<&'t str>,
) -> Result<(), serde_json::Error> {
    let mut deserializer = Deserializer::from_str(text);
    Part { node, row, list }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// A part of an event that is being read. What is not wanted is skipped; a value where an object should be leaves its members missing.
struct Part<'a, 't> {
    node: &'a Node,
    row: &'a mut Row,
    list: &'a mut Option<&'t str>,
}

impl<'t> DeserializeSeed<'t> for Part<'_, 't> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'t>>(self, from: D) -> Result<(), D::Error> {
        match self.node {
            Node::Value(fields) => {
                let text = <&RawValue>::deserialize(from)?.get();
                for field in fields {
                    self.row.set(*field, scalar(text));
                }
            }
            Node::List => *self.list = Some(<&RawValue>::deserialize(from)?.get()),
            Node::Object(members) => {
                return from.deserialize_any(Members {
                    members,
                    part: self,
                });
            }
        }
        Ok(())
    }
}

struct Members<'a, 't> {
    members: &'a [Member],
    part: Part<'a, 't>,
}

impl<'t> Visitor<'t> for Members<'_, 't> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        let Part { row, list, .. } = self.part;
        while let Some(member) = map.next_key_seed(Name(self.members))? {
            let Some(Member {
                node,
                fields,
                has_list,
                ..
            }) = member
            else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // Of a name that comes twice the last counts.
            row.unset(fields);
            if *has_list {
                *list = None;
            }
            let list = &mut *list;
            map.next_value_seed(Part { node, row, list })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// A name in an object, as the wanted member of this name.
struct Name<'a>(&'a [Member]);

impl<'a, 't> DeserializeSeed<'t> for Name<'a> {
    type Value = Option<&'a Member>;

    fn deserialize<D: serde::Deserializer<'t>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Name<'a> {
    type Value = Option<&'a Member>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Node::member(self.0, name))
    }
}

/// Calls `each` with the number and the text of every item of a list that is known to be one in JSON.
pub(super) fn each_item(list: &str, each: &mut dyn FnMut(usize, &str)) {
    // An error cannot be: the whole text has been read before.
    let _ = Deserializer::from_str(list).deserialize_seq(Items(each));
}

struct Items<'a>(&'a mut dyn FnMut(usize, &str));

impl<'t> Visitor<'t> for Items<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(item) = items.next_element::<&RawValue>()? {
            number += 1;
            (self.0)(number, item.get());
        }
        Ok(())
    }
}

/// A value as it is written.
fn scalar(text: &str) -> Scalar<'_> {
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match (quoted, text.as_bytes().first()) {
        (Some(quoted), _) if memchr::memchr(b'\\', quoted.as_bytes()).is_none() => {
            Scalar::Text(Cow::Borrowed(quoted))
        }
        (Some(_), _) => match serde_json::from_str(text) {
            Ok(text) => Scalar::Text(Cow::Owned(text)),
            // Half of a pair of surrogates is no text.
            Err(_) => Scalar::Other(text.as_bytes()),
        },
        (None, Some(b't')) => Scalar::Boolean(true),
        (None, Some(b'f')) => Scalar::Boolean(false),
        (None, Some(b'n')) => Scalar::Null,
        (None, Some(b'{' | b'[')) => Scalar::Other(text.as_bytes()),
        _ => Scalar::Literal(text),
    }
}
