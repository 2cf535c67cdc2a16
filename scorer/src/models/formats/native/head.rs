//! What the families in the second version of the format begin with.

use std::sync::Arc;

use super::common::{ends, length, malformed, size, string};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::{self, Meter};
use crate::models::{Labels, ModelError};

const NO_LABELS: u8 = 0;
const INTEGERS: u8 = 1;
const TEXTS: u8 = 2;

/// What every family begins with: two bytes of its own, and the labels.
pub fn head(first: u8, second: u8, labels: Option<&Labels>) -> Vec<u8> {
    let kind = match labels {
        None => NO_LABELS,
        Some(Labels::Integers(_)) => INTEGERS,
        Some(Labels::Texts(_)) => TEXTS,
    };
    let mut head = vec![first, second, kind];
    head.extend(length(labels.map_or(0, Labels::len)).to_le_bytes());
    match labels {
        None => {}
        Some(Labels::Integers(labels)) => {
            head.extend(labels.iter().flat_map(|label| label.to_le_bytes()));
        }
        Some(Labels::Texts(labels)) => {
            for label in labels {
                head.extend(length(label.len()).to_le_bytes());
                head.extend(label.bytes());
            }
        }
    }
    head
}

/// The two bytes and the labels.
pub type Head = (u8, u8, Option<Arc<Labels>>);

/// Reads that.
pub fn read_head(input: &mut Cursor<'_>, meter: &mut Meter<'_>) -> Result<Head, ModelError> {
    let [first, second, kind] = input.array().ok_or_else(ends)?;
    let count = limits::check_numbers("the classes", Some(size(integer(input)?)?))?;
    // Neither can be more than there are bytes.
    if count > input.remaining() {
        return Err(ends());
    }
    meter.take(count.saturating_mul(size_of::<String>() + size_of::<i64>()))?;
    let labels = match kind {
        NO_LABELS if count == 0 => return Ok((first, second, None)),
        INTEGERS => (0..count)
            .map(|_| input.array().map(i64::from_le_bytes).ok_or_else(ends))
            .collect::<Result<_, _>>()
            .map(Labels::Integers)?,
        TEXTS => (0..count)
            .map(|_| string(input))
            .collect::<Result<_, _>>()
            .map(Labels::Texts)?,
        other => return Err(malformed(format!("unknown labels {other}"))),
    };
    labels.check().map_err(ModelError::Invalid)?;
    Ok((first, second, Some(Arc::new(labels))))
}

/// A whole number.
pub fn integer(input: &mut Cursor<'_>) -> Result<u32, ModelError> {
    input.array().map(u32::from_le_bytes).ok_or_else(ends)
}

/// Appends numbers.
pub fn put(bytes: &mut Vec<u8>, numbers: &[f64]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}
