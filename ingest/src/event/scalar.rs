use std::borrow::Cow;
use std::str;

use fleetscore_crds::FieldType;
use fleetscore_readings::TimeParser;
use jiff::Timestamp;

use crate::Reason;

/// A single value as an event holds it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number as it is written in the event.
    Literal(&'a str),
    /// A whole number.
    Whole(i64),
    /// A number of 64 bits.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// Nanoseconds since 1970.
    Instant(i64),
    /// What has parts, or cannot be read: it is of no type.
    Other(&'a [u8]),
}

/// A value as what its field is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Missing,
    Number(f64),
    Text(Cow<'a, str>),
    Time(i64),
    Boolean(bool),
    Bad(Reason, Cow<'a, str>),
}

impl<'a> Scalar<'a> {
    /// A text of bytes, if they are text.
    pub fn of_bytes(bytes: &'a [u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(Cow::Borrowed(text)),
            Err(_) => Self::Other(bytes),
        }
    }

    /// The value of a field of a type.
    pub fn typed(self, kind: FieldType, times: &mut TimeParser) -> Value<'a> {
        if self == Self::Null {
            return Value::Missing;
        }
        match kind {
            FieldType::Text => self.text(),
            FieldType::Number => self.number(),
            FieldType::Time => self.time(times),
            FieldType::Boolean => self.boolean(),
        }
    }

    fn text(self) -> Value<'a> {
        match self {
            Self::Other(_) => Value::Bad(Reason::BadText, self.written()),
            _ => Value::Text(self.written()),
        }
    }

    fn number(self) -> Value<'a> {
        let number = match &self {
            Self::Literal(text) => text.parse().ok(),
            Self::Text(text) => text.trim_ascii().parse().ok(),
            Self::Whole(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        };
        match number {
            Some(number) if f64::is_finite(number) => Value::Number(number),
            Some(_) => Value::Bad(Reason::NotFinite, self.written()),
            None => Value::Bad(Reason::BadNumber, self.written()),
        }
    }

    fn time(self, times: &mut TimeParser) -> Value<'a> {
        let time = match &self {
            Self::Instant(time) => Some(*time),
            Self::Whole(number) => TimeParser::epoch(*number),
            Self::Literal(text) => times.parse(text.as_bytes()),
            Self::Text(text) => times.parse(text.as_bytes()),
            // Written in the fewest digits that read back as the same, and never with an exponent.
            Self::Float(number) => times.parse(number.to_string().as_bytes()),
            _ => None,
        };
        time.map_or_else(|| Value::Bad(Reason::BadTime, self.written()), Value::Time)
    }

    fn boolean(self) -> Value<'a> {
        let value = match &self {
            Self::Boolean(value) => Some(*value),
            Self::Whole(number) => zero_or_one(*number as f64),
            Self::Float(number) => zero_or_one(*number),
            Self::Literal(text) => text.parse().ok().and_then(zero_or_one),
            Self::Text(text) => match text.trim_ascii() {
                text if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
                text if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        value.map_or_else(
            || Value::Bad(Reason::BadBoolean, self.written()),
            Value::Boolean,
        )
    }

    /// The value as text.
    fn written(self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
            Self::Literal(text) => Cow::Borrowed(text),
            Self::Whole(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(float(number)),
            Self::Text(text) => text,
            Self::Instant(time) => Cow::Owned(
                Timestamp::from_nanosecond(time.into())
                    .unwrap_or_default()
                    .to_string(),
            ),
            Self::Other(bytes) => Cow::Owned(shown(bytes)),
        }
    }
}

/// A number in the fewest digits that read back as the same.
pub(super) fn float(number: f64) -> String {
    zmij::Buffer::new().format(number).to_owned()
}

/// Bytes that are no text, for messages: their beginning, with what is no UTF-8 replaced.
pub(super) fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..256).unwrap_or(bytes);
    String::from_utf8_lossy(start).into_owned()
}

fn zero_or_one(number: f64) -> Option<bool> {
    match number {
        0.0 => Some(false),
        1.0 => Some(true),
        _ => None,
    }
}
