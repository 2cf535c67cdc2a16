use csv::{ByteRecord, ReaderBuilder};

use super::columns::{Columns, Placed};
use super::judge::Outcomes;
use super::row::Row;
use super::scalar::Scalar;
use crate::{Reading, Refusal};

/// Reads lines of comma-separated values.
pub(super) fn read<F: FnMut(Result<Reading<'_>, Refusal>)>(
    text: &[u8],
    columns: &Columns,
    row: &mut Row,
    to: &mut Outcomes<'_, F>,
) {
    if memchr::memchr(b'"', text).is_some()
        && let Err(message) = check_quotes(text)
    {
        return to.bad(message);
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(text.len().clamp(64, 1 << 16))
        .from_reader(text);
    let mut record = ByteRecord::new();
    let placed = if columns.header.is_empty() {
        match reader.read_byte_record(&mut record) {
            Ok(true) => columns.place(record.iter()),
            Ok(false) => return,
            Err(error) => Err(error.to_string()),
        }
    } else {
        columns.place(columns.header.iter().map(String::as_bytes))
    };
    let placed = match placed {
        Ok(placed) => placed,
        Err(message) => return to.bad(&message),
    };
    let mark = row.mark();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return to.bad(&error.to_string()),
        }
        let line = record.position().map_or(0, csv::Position::line);
        to.place = Some(("line", usize::try_from(line).unwrap_or(usize::MAX)));
        row.forget(&columns.fields, mark);
        match fill(&record, &placed, row) {
            Ok(()) => to.row(row),
            Err(message) => to.bad(&message),
        }
    }
}

/// Takes the wanted values of a line. An empty one is missing. Empty ones behind the last column do not count.
fn fill(record: &ByteRecord, placed: &Placed, row: &mut Row) -> Result<(), String> {
    let behind = record.iter().skip(placed.count);
    if record.len() < placed.count || behind.into_iter().any(|value| !value.is_empty()) {
        return Err(format!(
            "it has {} fields, not {}",
            record.len(),
            placed.count
        ));
    }
    for (place, field) in &placed.places {
        match record.get(*place) {
            None | Some([]) => {}
            Some(value) => row.set(*field, Scalar::of_bytes(value)),
        }
    }
    Ok(())
}

/// Whether every quote that opens a field is closed at its end: behind one that is not, what follows could be anything.
fn check_quotes(text: &[u8]) -> Result<(), &'static str> {
    let (mut rest, mut at_start) = (text, true);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'"' && at_start {
            rest = after_quoted(rest)?;
        }
        at_start = matches!(byte, b',' | b'\n' | b'\r');
    }
    Ok(())
}

/// What follows a quoted field.
fn after_quoted(mut rest: &[u8]) -> Result<&[u8], &'static str> {
    while let Some(quote) = memchr::memchr(b'"', rest) {
        rest = rest.get(quote + 1..).unwrap_or_default();
        match rest {
            [b'"', after @ ..] => rest = after,
            [] | [b',' | b'\n' | b'\r', ..] => return Ok(rest),
            _ => return Err("text follows a closing quote; a quote that is text is written twice"),
        }
    }
    Err("a quote is never closed")
}
