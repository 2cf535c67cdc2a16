use std::borrow::Cow;

use super::{Dtype, Heap, Object, Value};
use crate::models::ModelError;
use crate::models::formats::limits::{self, Meter};

/// A numpy array as the file holds it. Its numbers are decoded only when asked for.
#[derive(Clone, Debug)]
pub struct Array<'a> {
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// Whether the first axis varies fastest (Fortran's order) rather than the last (C's).
    pub fortran: bool,
    /// The [`Dtype`], by reference: a pickle completes it after naming it.
    pub dtype: Value,
    /// The items.
    pub data: Data<'a>,
}

/// An array's items.
#[derive(Clone, Debug)]
pub enum Data<'a> {
    /// None yet.
    Missing,
    /// Bytes, or a list, elsewhere on the heap.
    Shared(Value),
    /// Bytes of its own.
    Own(Cow<'a, [u8]>),
}

/// An array's numbers in C's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// The numbers, last axis fastest.
    pub values: Vec<f64>,
}

impl<'a> Array<'a> {
    /// An array without items.
    pub fn empty() -> Self {
        Self {
            shape: vec![0],
            fortran: false,
            dtype: Value::None,
            data: Data::Missing,
        }
    }

    /// Decodes the numbers; `name` is the array's in messages.
    pub fn numbers(
        &self,
        heap: &Heap<'a>,
        name: &str,
        meter: &mut Meter<'_>,
    ) -> Result<Numbers, ModelError> {
        let invalid = |problem: &str| ModelError::Invalid(format!("array `{name}` {problem}"));
        let dtype = self.dtype(heap).ok_or_else(|| invalid("has no dtype"))?;
        let Some(item_bytes) = dtype.item_bytes() else {
            return match self.object_numbers(heap, meter)? {
                Some(numbers) => Ok(numbers),
                None => Err(invalid("does not hold numbers")),
            };
        };
        let count = limits::check_numbers(&format!("array `{name}`"), self.count())?;
        let bytes = self.bytes(heap).ok_or_else(|| invalid("has no bytes"))?;
        if bytes.len() != count * item_bytes {
            return Err(invalid(&format!(
                "has {} bytes, but its shape {:?} needs {}",
                bytes.len(),
                self.shape,
                count * item_bytes
            )));
        }
        // Fortran's order is turned in a second array.
        let copies = if self.fortran { 2 } else { 1 };
        meter.take(count * size_of::<f64>() * copies)?;
        let values = dtype.numbers(bytes.chunks_exact(item_bytes));
        let values = match (self.fortran, self.shape.as_slice()) {
            (true, &[rows, columns]) => transpose(&values, rows, columns),
            (true, shape) if shape.len() > 2 => return Err(invalid("has more than two axes")),
            _ => values,
        };
        Ok(Numbers {
            shape: self.shape.clone(),
            values,
        })
    }

    /// The numbers of an array of objects with one axis; nothing where one is no number.
    fn object_numbers(
        &self,
        heap: &Heap<'a>,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Numbers>, ModelError> {
        let Some(items) = self.items(heap) else {
            return Ok(None);
        };
        if self.shape != [items.len()] {
            return Ok(None);
        }
        meter.grow::<f64>(items.len())?;
        let number = |item: &Value| match *item {
            Value::Float(number) => Some(number),
            Value::Int(number) => Some(number as f64),
            _ => None,
        };
        let values: Option<Vec<f64>> = items.iter().map(number).collect();
        Ok(values.map(|values| Numbers {
            shape: self.shape.clone(),
            values,
        }))
    }

    /// The number of items.
    pub fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1_usize, |count, &length| count.checked_mul(length))
    }

    /// The items of an array of strings.
    ///
    /// Nothing where there are not `count` of them, or one is no string.
    pub fn texts(
        &self,
        heap: &Heap<'a>,
        count: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Vec<String>>, ModelError> {
        if self.count() != Some(count) {
            return Ok(None);
        }
        if let Some(items) = self.items(heap) {
            return heap.texts(items, meter);
        }
        let (Some(dtype), Some(bytes)) = (self.dtype(heap), self.bytes(heap)) else {
            return Ok(None);
        };
        match dtype.width() {
            Some(width) if width > 0 && Some(bytes.len()) == count.checked_mul(width) => {
                meter.take(bytes.len() + count * size_of::<String>())?;
                Ok(bytes
                    .chunks_exact(width)
                    .map(|item| dtype.text(item))
                    .collect())
            }
            _ => Ok(None),
        }
    }

    /// The items of an array of objects.
    pub fn items<'h>(&self, heap: &'h Heap<'a>) -> Option<&'h [Value]> {
        match self.data {
            Data::Shared(list) => heap.sequence(list),
            _ => None,
        }
    }

    /// The type of the items.
    pub fn dtype(&self, heap: &Heap<'a>) -> Option<Dtype> {
        match heap.get(self.dtype)? {
            Object::Dtype(dtype) => Some(*dtype),
            _ => None,
        }
    }

    /// The bytes of the items, where there are some.
    pub fn bytes<'h>(&'h self, heap: &'h Heap<'a>) -> Option<&'h [u8]> {
        match &self.data {
            Data::Missing => None,
            Data::Own(bytes) => Some(bytes),
            Data::Shared(value) => match heap.get(*value)? {
                Object::Bytes(bytes) => Some(bytes),
                _ => None,
            },
        }
    }
}

/// From Fortran's order to C's: `values` holds `columns` columns of `rows` numbers.
fn transpose(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..rows)
        .flat_map(|row| {
            (0..columns).filter_map(move |column| values.get(column * rows + row).copied())
        })
        .collect()
}
