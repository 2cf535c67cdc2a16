//! Whether a Parquet file is encrypted, so that a failure to read it can say so.

use super::super::kind::{ENCRYPTED_PARQUET, PARQUET};
use crate::readings::ObjectSource;

/// The field of the footer that names the algorithm.
const ALGORITHM: i64 = 8;

/// What stands in place of a field at the end of a struct.
const STOP: u8 = 0;

/// Bytes of a footer that are looked at. The algorithm comes after the columns, and a footer is rarely larger.
const MOST: u64 = 16 << 20;

/// Groups within groups that a footer may have.
const DEPTH: u8 = 16;

/// Whether the object is a Parquet file with an encrypted footer, or with one that says that columns are encrypted.
pub(super) fn is_encrypted(object: &ObjectSource) -> bool {
    let size = object.size();
    let Ok(tail) = object.range(size.saturating_sub(8)..size) else {
        return false;
    };
    if tail.ends_with(ENCRYPTED_PARQUET) {
        return true;
    }
    let Some(length) = tail
        .first_chunk()
        .map(|bytes| u64::from(u32::from_le_bytes(*bytes)))
    else {
        return false;
    };
    if !tail.ends_with(PARQUET) || length > MOST || length + 8 > size {
        return false;
    }
    let footer = object.range(size - 8 - length..size - 8);
    footer.is_ok_and(|footer| Compact(&footer).has_field(ALGORITHM).unwrap_or(false))
}

/// Thrift's compact protocol, as far as fields are to be passed over.
struct Compact<'a>(&'a [u8]);

impl Compact<'_> {
    /// Whether the struct has a field of that number.
    fn has_field(&mut self, wanted: i64) -> Option<bool> {
        let mut id = 0;
        loop {
            match self.field(&mut id)? {
                STOP => return Some(false),
                _ if id == wanted => return Some(true),
                kind => self.skip(kind, DEPTH)?,
            }
        }
    }

    /// Reads a field's head: its number and type, which is [`STOP`] at the end of the struct.
    fn field(&mut self, id: &mut i64) -> Option<u8> {
        let head = self.byte()?;
        let (delta, kind) = (head >> 4, head & 15);
        if head == STOP {
            return Some(STOP);
        }
        *id = if delta == 0 {
            i64::try_from(self.number()? >> 1).ok()?
        } else {
            id.checked_add(i64::from(delta))?
        };
        Some(kind)
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.number().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let length = self.number()?;
                self.pass(usize::try_from(length).ok()?)
            }
            9 | 10 => self.skip_list(depth),
            12 => {
                let mut id = 0;
                loop {
                    match self.field(&mut id)? {
                        STOP => return Some(()),
                        kind => self.skip(kind, depth)?,
                    }
                }
            }
            _ => None,
        }
    }

    fn skip_list(&mut self, depth: u8) -> Option<()> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.number()?,
            count => u64::from(count),
        };
        for _ in 0..count {
            // In a list, a boolean takes a byte.
            match head & 15 {
                1 | 2 => self.pass(1)?,
                kind => self.skip(kind, depth)?,
            }
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn pass(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_behind_lists_and_structs_are_found() {
        // 1: 7, 2: [{1: "ab"}, {}], 4: true, 8: {}
        let footer = [
            0x15, 14, 0x19, 0x2c, 0x18, 2, b'a', b'b', 0, 0, 0x21, 0x4c, 0, 0,
        ];
        assert_eq!(Compact(&footer).has_field(8), Some(true));
        assert_eq!(Compact(&footer).has_field(3), Some(false));
        assert_eq!(Compact(&footer[..9]).has_field(8), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_harmless(bytes: Vec<u8>) {
            Compact(&bytes).has_field(8);
        }
    }
}
