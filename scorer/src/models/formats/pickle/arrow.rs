//! Texts of pyarrow, in which pandas holds the names of a data frame's columns.

use std::borrow::Cow;

use super::machine::{Machine, Step};
use crate::models::ModelError;
use crate::models::formats::python::{Heap, Object, Value};

/// An array of texts; see "Variable-size Binary Layout" in Arrow's columnar format.
struct Texts {
    /// Where each text ends and the next one starts.
    offsets: Value,
    /// Bytes of an offset.
    width: usize,
    /// The texts, one behind the other.
    data: Value,
    /// The number of offsets that count.
    count: usize,
}

impl Machine<'_, '_, '_> {
    /// pyarrow's `_restore_array`: a list of its texts. An array of anything else stands for itself.
    pub(super) fn arrow_array(&mut self, parts: Value) -> Step {
        let texts = Texts::of(&self.heap, parts);
        match texts
            .map(|texts| self.copied(&texts))
            .transpose()?
            .flatten()
        {
            Some(texts) => self.add_texts(texts),
            None => self.add(Object::Made {
                class: Value::None,
                state: Value::None,
            }),
        }
    }

    fn add_texts(&mut self, texts: Vec<String>) -> Step {
        self.meter.grow::<(Value, Object<'_>)>(texts.len())?;
        let text = |text| self.heap.add(Object::Text(Cow::Owned(text)));
        let texts = texts.into_iter().map(text).collect();
        self.add(Object::List(texts))
    }

    /// The texts; nothing where they do not lie in their buffers.
    fn copied(&mut self, texts: &Texts) -> Result<Option<Vec<String>>, ModelError> {
        let bytes = |value| match self.heap.get(value) {
            Some(Object::Bytes(bytes)) => &**bytes,
            _ => &[],
        };
        let (data, offsets) = (bytes(texts.data), bytes(texts.offsets));
        let size = texts.count.saturating_add(data.len());
        let Some(left) = self.copies_left.checked_sub(size) else {
            return Err(self.malformed("the same texts are read again and again"));
        };
        self.copies_left = left;
        self.meter.take(data.len())?;
        self.meter.grow::<(usize, String)>(texts.count)?;
        let Some(ends) = offsets.get(..texts.count * texts.width) else {
            return Ok(None);
        };
        let ends: Vec<usize> = ends.chunks_exact(texts.width).map(little_endian).collect();
        let text = |ends: &[usize]| {
            let text = data.get(*ends.first()?..*ends.last()?)?;
            Some(std::str::from_utf8(text).ok()?.to_owned())
        };
        // Offsets that go back would give the same bytes again.
        Ok(ends
            .is_sorted()
            .then(|| ends.windows(2).map(text).collect())
            .flatten())
    }
}

impl Texts {
    /// The parts are type, number of texts, of absent ones, of those to pass over, buffers, children and dictionary. pandas writes arrays
    /// that start with their first text.
    fn of(heap: &Heap<'_>, parts: Value) -> Option<Self> {
        let parts = heap.tuple(parts)?;
        let &[
            kind,
            Value::Int(texts),
            Value::Int(0),
            Value::Int(0),
            buffers,
            _,
            _,
        ] = parts
        else {
            return None;
        };
        let &[_, offsets, data] = heap.sequence(buffers)? else {
            return None;
        };
        let width = match heap.text(kind)? {
            "string" => 4,
            "large_string" => 8,
            _ => return None,
        };
        let count = usize::try_from(texts).ok()?.checked_add(1)?;
        count.checked_mul(width)?;
        Some(Self {
            offsets,
            width,
            data,
            count,
        })
    }
}

/// The number that some bytes are, saturated.
fn little_endian(bytes: &[u8]) -> usize {
    let number = bytes
        .iter()
        .rev()
        .fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    usize::try_from(number).unwrap_or(usize::MAX)
}
