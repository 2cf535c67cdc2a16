use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, StringArray, UInt64Array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, TimeUnit};

use super::schema::is_text;
use super::wide;
use crate::TimeParser;
use crate::key_index::{KeyValue, push_value};
use crate::values::{label, label_number};

/// Result of a conversion between Arrow types.
pub(super) type Result<T> = std::result::Result<T, ArrowError>;

const DAY: i64 = 86_400_000_000_000;

/// A key column of a batch.
pub(super) enum Keys {
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Text(StringArray),
}

impl Keys {
    pub fn new(array: &ArrayRef) -> Result<Self> {
        let data_type = array.data_type();
        Ok(if data_type.is_unsigned_integer() {
            Self::Unsigned(
                cast(array, &DataType::UInt64)?
                    .as_primitive::<UInt64Type>()
                    .clone(),
            )
        } else if data_type.is_integer() {
            Self::Signed(
                cast(array, &DataType::Int64)?
                    .as_primitive::<Int64Type>()
                    .clone(),
            )
        } else if let Some(bytes) = array.as_fixed_size_binary_opt() {
            Self::Text(bytes.iter().map(|bytes| Some(uuid(bytes?))).collect())
        } else {
            Self::Text(texts(array)?)
        })
    }

    /// The numbers, where all are there.
    pub fn numbers(&self) -> Option<&[i64]> {
        match self {
            Self::Signed(array) if array.null_count() == 0 => Some(array.values()),
            _ => None,
        }
    }

    /// Whether row `row` has `value`.
    pub fn has(&self, row: usize, value: &KeyValue) -> bool {
        match self {
            Self::Text(array) => array.is_valid(row) && array.value(row) == value.text,
            Self::Signed(array) => array.is_valid(row) && Some(array.value(row)) == value.number,
            Self::Unsigned(array) => {
                let number = value.number.and_then(|number| u64::try_from(number).ok());
                array.is_valid(row) && Some(array.value(row)) == number
            }
        }
    }

    /// Appends the text of row `row` to the joined keys; false where there is none.
    pub fn push(&self, row: usize, joined: &mut Vec<u8>) -> bool {
        match self {
            Self::Text(array) if array.is_valid(row) => {
                push_value(joined, array.value(row).as_bytes());
            }
            Self::Signed(array) if array.is_valid(row) => push_number(joined, array.value(row)),
            Self::Unsigned(array) if array.is_valid(row) => push_number(joined, array.value(row)),
            _ => return false,
        }
        true
    }
}

/// The text of a UUID.
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

fn push_number(joined: &mut Vec<u8>, number: impl itoa::Integer) {
    push_value(joined, itoa::Buffer::new().format(number).as_bytes());
}

/// The time column of a batch.
pub(super) struct Instants {
    /// An instant a row.
    pub nanos: Vec<i64>,
    /// Whether a row has one; empty where all have.
    pub valid: Vec<bool>,
    /// The text of the times where the file holds text.
    pub text: Option<StringArray>,
}

impl Instants {
    /// `millis`: the same times in milliseconds, where their nanoseconds may have run over.
    pub fn new(
        array: &ArrayRef,
        millis: Option<&[Option<i64>]>,
        parser: &mut TimeParser,
    ) -> Result<Self> {
        if let Some(millis) = millis {
            return Ok(Self::of(wide_instants(array, millis, parser)?, None));
        }
        if let Some(nanos) = plain_instants(array, parser)? {
            return Ok(Self {
                nanos,
                valid: Vec::new(),
                text: None,
            });
        }
        if !is_text(array.data_type()) {
            return Ok(Self::of(instants(array, parser)?, None));
        }
        let text = texts(array)?;
        let nanos = text
            .iter()
            .map(|text| parser.parse(text?.as_bytes()))
            .collect();
        Ok(Self::of(nanos, Some(text)))
    }

    fn of(instants: Vec<Option<i64>>, text: Option<StringArray>) -> Self {
        let valid = if instants.iter().all(Option::is_some) {
            Vec::new()
        } else {
            instants.iter().map(Option::is_some).collect()
        };
        let nanos = instants.into_iter().map(Option::unwrap_or_default);
        Self {
            nanos: nanos.collect(),
            valid,
            text,
        }
    }

    /// Whether row `row` has a time.
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.is_empty() || self.valid.get(row) == Some(&true)
    }
}

/// The instants of timestamps that are all there, in range and of no other zone than UTC: they only take a multiplication. None
/// where that is not so.
fn plain_instants(array: &ArrayRef, parser: &TimeParser) -> Result<Option<Vec<i64>>> {
    let unit = match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => nanos_in(*unit),
        DataType::Timestamp(unit, None) if parser.is_utc() => nanos_in(*unit),
        _ => return Ok(None),
    };
    if array.null_count() > 0 {
        return Ok(None);
    }
    let values = cast(array, &DataType::Int64)?;
    let mut out_of_range = false;
    let instant = |value: &i64| {
        let (nanos, over) = value.overflowing_mul(unit);
        out_of_range |= over;
        nanos
    };
    let values = values.as_primitive::<Int64Type>().values();
    let nanos = values.iter().map(instant).collect();
    Ok((!out_of_range).then_some(nanos))
}

/// The instants of nanoseconds that may have run over, beside their milliseconds.
fn wide_instants(
    array: &ArrayRef,
    millis: &[Option<i64>],
    parser: &mut TimeParser,
) -> Result<Vec<Option<i64>>> {
    let nanos = cast(array, &DataType::Int64)?;
    let pairs = nanos.as_primitive::<Int64Type>().iter().zip(millis);
    let instant = |(nanos, millis): (Option<i64>, &Option<i64>)| {
        let nanos = nanos.filter(|nanos| millis.is_some_and(|millis| wide::agree(*nanos, millis)));
        parser.local(nanos?)
    };
    Ok(pairs.map(instant).collect())
}

/// The instants of a column that is no text.
pub(super) fn instants(array: &ArrayRef, parser: &mut TimeParser) -> Result<Vec<Option<i64>>> {
    let values = match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().iter();
            return Ok(days
                .map(|day| parser.local(i64::from(day?).checked_mul(DAY)?))
                .collect());
        }
        DataType::Float64 => {
            let numbers = array.as_primitive::<Float64Type>().iter();
            return Ok(numbers
                .map(|number| TimeParser::epoch_float(number?))
                .collect());
        }
        data_type if data_type.is_unsigned_integer() => cast(array, &DataType::UInt64)?,
        _ => array.clone(),
    };
    let values = cast(&values, &DataType::Int64)?;
    let values = values.as_primitive::<Int64Type>().iter();
    Ok(match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => values
            .map(|value| value?.checked_mul(nanos_in(*unit)))
            .collect(),
        DataType::Timestamp(unit, None) => values
            .map(|value| parser.local(value?.checked_mul(nanos_in(*unit))?))
            .collect(),
        DataType::Date64 => values
            .map(|value| parser.local(value?.checked_mul(1_000_000)?))
            .collect(),
        _ => values.map(|value| TimeParser::epoch(value?)).collect(),
    })
}

fn nanos_in(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// A column as text.
pub(super) fn texts(array: &ArrayRef) -> Result<StringArray> {
    Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// A column as double-precision numbers.
pub(super) fn numbers(array: &ArrayRef) -> Result<Float64Array> {
    Ok(cast(array, &DataType::Float64)?
        .as_primitive::<Float64Type>()
        .clone())
}

/// A label column of a batch: one label a row, none where there is no valid one.
pub(super) fn labels(array: &ArrayRef) -> Result<Vec<Option<bool>>> {
    if is_text(array.data_type()) {
        return Ok(texts(array)?
            .iter()
            .map(|text| label(text?.as_bytes()))
            .collect());
    }
    Ok(numbers(array)?
        .iter()
        .map(|number| label_number(number?))
        .collect())
}
