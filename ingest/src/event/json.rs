use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::judge::Outcomes;
use super::row::Row;
use super::scalar::Scalar;
use super::shape::{Member, Node, Shape};
use crate::{Reading, Refusal};

/// How deep a payload may be.
const MAX_DEPTH: usize = 64;

/// Reads an object, a list of objects, or an object a line.
pub(super) fn read<F: FnMut(Result<Reading<'_>, Refusal>)>(
    text: &str,
    shape: &Shape,
    row: &mut Row,
    to: &mut Outcomes<'_, F>,
) {
    let text = text.trim_matches(is_blank);
    if text.is_empty() || text == "null" {
        return;
    }
    if text.starts_with('[') {
        return match check(text) {
            Ok(()) => each_item(text, &mut |number, item| {
                to.place = Some(("item", number));
                object(item, shape, row, to);
            }),
            Err(message) => to.bad(&message),
        };
    }
    if !text.contains('\n') {
        return object(text, shape, row, to);
    }
    match check(text) {
        Err(_) if is_lines(text) => {
            for (number, line) in lines(text) {
                to.place = Some(("line", number));
                object(line, shape, row, to);
            }
        }
        Err(message) => to.bad(&message),
        Ok(()) => object(text, shape, row, to),
    }
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

/// The lines that are not blank, each with its number.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split('\n').map(|line| line.trim_matches(is_blank));
    (1..).zip(lines).filter(|(_, line)| !line.is_empty())
}

/// Whether a text that is no JSON as a whole is an object a line: at least half of its lines are one.
fn is_lines(text: &str) -> bool {
    let is_object = |line: &str| line.starts_with('{') && check(line).is_ok();
    let (mut all, mut objects) = (0, 0);
    for (_, line) in lines(text) {
        all += 1;
        objects += usize::from(is_object(line));
    }
    objects * 2 >= all
}

/// Whether a text is one value in JSON, and not too deep; else what is wrong and where.
fn check(text: &str) -> Result<(), String> {
    if is_deep(text) {
        return Err(format!("it is more than {MAX_DEPTH} levels deep"));
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether brackets are nested too deep. Where there are few of them they cannot be.
fn is_deep(text: &str) -> bool {
    // One bit is all that differs between the two.
    let is_opening = |byte: &u8| u8::from(byte | (b'[' ^ b'{') == b'{');
    let opening: usize = (text.as_bytes().chunks(255))
        .map(|bytes| usize::from(bytes.iter().map(is_opening).sum::<u8>()))
        .sum();
    if opening <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut quoted, mut bytes) = (0_usize, false, text.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// Reads what should be an object.
fn object<F: FnMut(Result<Reading<'_>, Refusal>)>(
    text: &str,
    shape: &Shape,
    row: &mut Row,
    to: &mut Outcomes<'_, F>,
) {
    if is_deep(text) {
        return to.bad(&format!("it is more than {MAX_DEPTH} levels deep"));
    }
    let mark = row.mark();
    let mut list = None;
    match fill(text, &shape.root, row, &mut list) {
        Err(error) => to.bad(&error.to_string()),
        Ok(()) => match list.filter(|list| list.starts_with('[')) {
            None => to.row(row),
            Some(list) => items(list, shape, row, to),
        },
    }
    row.forget(&shape.outer, mark);
    row.unset(&shape.inner);
}

/// Reads the items of an object's list, to each of which the object's own values belong.
fn items<F: FnMut(Result<Reading<'_>, Refusal>)>(
    list: &str,
    shape: &Shape,
    row: &mut Row,
    to: &mut Outcomes<'_, F>,
) {
    let mark = row.mark();
    each_item(list, &mut |number, item| {
        row.forget(&shape.inner, mark);
        match fill(item, &shape.item, row, &mut None) {
            Ok(()) => to.row(row),
            Err(error) => to.bad(&format!("item {number}: {error}")),
        }
    });
}

/// Takes the wanted values of a text in JSON, and the list of readings as it is written.
fn fill<'t>(
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
fn each_item(list: &str, each: &mut dyn FnMut(usize, &str)) {
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
