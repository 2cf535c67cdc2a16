use std::ops::Range;

use fleetscore_crds::FieldType;
use fleetscore_readings::TimeParser;

use super::scalar::{Scalar, Value};
use crate::expression::{Expression, Text, Values};
use crate::{Reason, Refusal};

/// Bytes of a value that a refusal shows.
const SHOWN: usize = 256;

/// The values of one reading, by field. Texts are in one buffer, which is used again for the next.
#[derive(Clone, Debug)]
pub(super) struct Row {
    kinds: Vec<FieldType>,
    cells: Vec<Cell>,
    texts: String,
    times: TimeParser,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Cell {
    #[default]
    Missing,
    Number(f64),
    Text(Range<usize>),
    Time(i64),
    Boolean(bool),
    Bad(Reason, Range<usize>),
}

/// What is wrong with a field.
pub(super) type Fault<'a> = (Reason, Option<&'a str>);

impl Row {
    /// A row of fields of these types; `times` reads its times.
    pub fn new(kinds: Vec<FieldType>, times: TimeParser) -> Self {
        let cells = vec![Cell::Missing; kinds.len()];
        Self {
            kinds,
            cells,
            texts: String::new(),
            times,
        }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.cells.fill(Cell::Missing);
        self.texts.clear();
    }

    /// Where the buffer of texts ends now.
    pub fn mark(&self) -> usize {
        self.texts.len()
    }

    /// Forgets these fields, and the texts from `mark` on, which are theirs.
    pub fn forget(&mut self, fields: &[usize], mark: usize) {
        self.unset(fields);
        self.texts.truncate(mark);
    }

    /// Forgets these fields.
    pub fn unset(&mut self, fields: &[usize]) {
        for field in fields {
            self.put(*field, Cell::Missing);
        }
    }

    /// What a field is.
    pub fn kind(&self, field: usize) -> FieldType {
        self.kinds.get(field).copied().unwrap_or_default()
    }

    /// Sets a field to a value of an event.
    pub fn set(&mut self, field: usize, scalar: Scalar<'_>) {
        let value = scalar.typed(self.kind(field), &mut self.times);
        self.set_value(field, value);
    }

    /// Sets a field to the value of another.
    pub fn copy(&mut self, from: usize, to: usize) {
        let cell = self.cells.get(from).cloned().unwrap_or_default();
        self.put(to, cell);
    }

    /// Sets a field to a text.
    pub fn set_text(&mut self, field: usize, text: &str) {
        let span = self.keep(text);
        self.put(field, Cell::Text(span));
    }

    /// Sets a field to what an expression over `of` yields. Where that is unknown since one of them is bad, it is bad too.
    pub fn reckon(&mut self, field: usize, expression: &Expression, of: &[usize]) {
        let value = match expression {
            Expression::Text(Text::Field(from)) => return self.copy(*from, field),
            Expression::Text(Text::Literal(text)) => return self.set_text(field, text),
            Expression::Number(number) => number.evaluate(self).map(|number| {
                if number.is_finite() {
                    Value::Number(number)
                } else {
                    Value::Bad(Reason::NotFinite, super::scalar::float(number).into())
                }
            }),
            Expression::Time(time) => time.evaluate(self).map(Value::Time),
            Expression::Boolean(condition) => condition.evaluate(self).map(Value::Boolean),
        };
        if let Some(value) = value {
            return self.set_value(field, value);
        }
        let mut cells = of.iter().filter_map(|of| self.cells.get(*of));
        let bad = cells.find(|cell| matches!(cell, Cell::Bad(..)));
        let cell = bad.cloned().unwrap_or_default();
        self.put(field, cell);
    }

    /// Whether a field holds anything, be it bad.
    pub fn is_given(&self, field: usize) -> bool {
        !matches!(self.cells.get(field), None | Some(Cell::Missing))
    }

    /// Why a field that has no value of its type cannot be used.
    pub fn fault(&self, field: usize) -> Fault<'_> {
        match self.cells.get(field) {
            Some(Cell::Bad(reason, span)) => (*reason, self.texts.get(span.clone())),
            _ => (Reason::FieldMissing, None),
        }
    }

    fn set_value(&mut self, field: usize, value: Value<'_>) {
        let cell = match value {
            Value::Missing => Cell::Missing,
            Value::Number(number) => Cell::Number(number),
            Value::Time(time) => Cell::Time(time),
            Value::Boolean(value) => Cell::Boolean(value),
            Value::Text(text) => Cell::Text(self.keep(&text)),
            Value::Bad(reason, text) => Cell::Bad(reason, self.keep(cut(&text))),
        };
        self.put(field, cell);
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.texts.len();
        self.texts.push_str(text);
        start..self.texts.len()
    }

    fn put(&mut self, field: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(field) {
            *place = cell;
        }
    }
}

impl Values for Row {
    fn number(&self, field: usize) -> Option<f64> {
        match self.cells.get(field)? {
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn text(&self, field: usize) -> Option<&str> {
        match self.cells.get(field)? {
            Cell::Text(span) => self.texts.get(span.clone()),
            _ => None,
        }
    }

    fn time(&self, field: usize) -> Option<i64> {
        match self.cells.get(field)? {
            Cell::Time(time) => Some(*time),
            _ => None,
        }
    }

    fn boolean(&self, field: usize) -> Option<bool> {
        match self.cells.get(field)? {
            Cell::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    fn is_there(&self, field: usize) -> Option<bool> {
        match self.cells.get(field)? {
            Cell::Missing => Some(false),
            Cell::Bad(..) => None,
            _ => Some(true),
        }
    }
}

/// The beginning of a text that a refusal shows.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SHOWN))
        .unwrap_or_default()
}

/// The refusal of a payload, or of a line or item of it.
pub(super) fn bad_payload(message: &str) -> Refusal {
    Refusal {
        reason: Reason::BadPayload,
        field: None,
        value: Some(cut(message).to_owned()),
    }
}
