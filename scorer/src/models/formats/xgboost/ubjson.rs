//! Universal Binary JSON, <https://ubjson.org>: numbers big-endian, lists and maps with their lengths, and lists of one type.

use serde::de::value::Error;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::malformed;
use crate::models::ModelError;
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::Meter;

/// Lists and maps within each other; a model has 7.
const DEEPEST: usize = 64;

/// Reads one value.
///
/// Errors when the bytes are none, or another than expected.
pub fn read<T: DeserializeOwned>(bytes: &[u8], meter: &mut Meter<'_>) -> Result<T, ModelError> {
    // A number is one byte at least, and takes four, three times while its list grows.
    meter.take(bytes.len().saturating_mul(12))?;
    let mut reader = Reader {
        input: Cursor::new(bytes),
        depth: 0,
    };
    let value = T::deserialize(Item {
        reader: &mut reader,
        marker: None,
    });
    value.map_err(|error| malformed(&format!("byte {}: {error}", reader.input.position())))
}

struct Reader<'de> {
    input: Cursor<'de>,
    depth: usize,
}

/// One value; in a list of one type the marker is known before.
struct Item<'r, 'de> {
    reader: &'r mut Reader<'de>,
    marker: Option<u8>,
}

/// What is left of a list or map.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// Values to come, where that is known.
    left: Option<usize>,
    marker: Option<u8>,
    /// What ends it otherwise.
    end: u8,
}

fn ends() -> Error {
    Error::custom("it ends early: it is cut off; copy or save it again")
}

impl<'de> Reader<'de> {
    fn byte(&mut self) -> Result<u8, Error> {
        self.input.byte().ok_or_else(ends)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.input.array().ok_or_else(ends)
    }

    /// A marker; padding is skipped.
    fn marker(&mut self) -> Result<u8, Error> {
        loop {
            match self.byte()? {
                b'N' => {}
                marker => return Ok(marker),
            }
        }
    }

    fn integer(&mut self, marker: u8) -> Result<Option<i64>, Error> {
        Ok(Some(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => self.byte()?.into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Ok(None),
        }))
    }

    /// A length; `marker` is its type.
    fn length(&mut self, marker: u8) -> Result<usize, Error> {
        let length = self.integer(marker)?;
        let length = length.and_then(|length| usize::try_from(length).ok());
        length.ok_or_else(|| Error::custom("a length that is none"))
    }

    /// A text; `marker` is the type of its length.
    fn text(&mut self, marker: u8) -> Result<&'de str, Error> {
        let length = self.length(marker)?;
        let bytes = self.input.take(length).ok_or_else(ends)?;
        std::str::from_utf8(bytes).map_err(|_| Error::custom("a text that is not UTF-8"))
    }

    /// Opens a list or map, behind its first byte.
    fn open(&mut self, end: u8) -> Result<Items<'_, 'de>, Error> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Error::custom("lists and maps are nested too deeply"));
        }
        let mut marker = None;
        if self.input.rest().first() == Some(&b'$') {
            self.byte()?;
            marker = Some(self.byte()?);
        }
        let mut left = None;
        if self.input.rest().first() == Some(&b'#') {
            self.byte()?;
            let of_length = self.byte()?;
            let count = self.length(of_length)?;
            // Each takes a byte at least, but for what is nothing but its type.
            if count > self.input.remaining() {
                return Err(ends());
            }
            left = Some(count);
        } else if marker.is_some() {
            return Err(Error::custom("a list of one type without its length"));
        }
        Ok(Items {
            reader: self,
            left,
            marker,
            end,
        })
    }
}

impl Items<'_, '_> {
    /// Whether another value comes; the end is skipped.
    fn goes_on(&mut self) -> Result<bool, Error> {
        match &mut self.left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.reader.input.rest().first() == Some(&self.end) => {
                self.reader.byte()?;
                self.left = Some(0);
                Ok(false)
            }
            None => Ok(true),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if !self.goes_on()? {
            return Ok(None);
        }
        let marker = self.marker;
        seed.deserialize(Item {
            reader: self.reader,
            marker,
        })
        .map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.left
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if !self.goes_on()? {
            return Ok(None);
        }
        let of_length = self.reader.byte()?;
        let key = self.reader.text(of_length)?;
        seed.deserialize(serde::de::value::BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let marker = self.marker;
        seed.deserialize(Item {
            reader: self.reader,
            marker,
        })
    }
}

impl<'de> Deserializer<'de> for Item<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { reader, marker } = self;
        let marker = match marker {
            Some(marker) => marker,
            None => reader.marker()?,
        };
        if let Some(number) = reader.integer(marker)? {
            return visitor.visit_i64(number);
        }
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(reader.array()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(reader.array()?)),
            b'C' => visitor.visit_char(reader.byte()?.into()),
            b'S' | b'H' => {
                let of_length = reader.byte()?;
                visitor.visit_borrowed_str(reader.text(of_length)?)
            }
            b'[' => {
                let mut items = reader.open(b']')?;
                let value = visitor.visit_seq(&mut items)?;
                close(items)?;
                Ok(value)
            }
            b'{' => {
                let mut items = reader.open(b'}')?;
                let value = visitor.visit_map(&mut items)?;
                close(items)?;
                Ok(value)
            }
            other => Err(Error::custom(format!("no value starts with 0x{other:02x}"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { reader, marker } = self;
        let marker = match marker {
            Some(marker) => marker,
            None => reader.marker()?,
        };
        if marker == b'Z' {
            return visitor.visit_none();
        }
        visitor.visit_some(Item {
            reader,
            marker: Some(marker),
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// Errors when values are left.
fn close(mut items: Items<'_, '_>) -> Result<(), Error> {
    if items.goes_on()? {
        return Err(Error::custom("a list is longer than expected"));
    }
    items.reader.depth -= 1;
    Ok(())
}
