//! Events in JSON: an object, a list of objects, or an object a line.

mod part;

use serde::de::IgnoredAny;

use part::{each_item, fill};

use super::judge::Outcomes;
use super::row::Row;
use super::shape::Shape;
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
