//! Whether a Parquet file is encrypted, so that a failure to read it can say so.

use super::super::kind::{ENCRYPTED_PARQUET, PARQUET};
use super::compact::{Compact, STOP};
use crate::ObjectSource;

/// The field of the footer that names the algorithm.
const ALGORITHM: i64 = 8;

/// Bytes of a footer that are looked at. The algorithm comes after the columns, and a footer is rarely larger.
const MOST: u64 = 16 << 20;

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
    footer.is_ok_and(|footer| has_field(&footer, ALGORITHM).unwrap_or(false))
}

/// Whether the struct has a field of that number.
fn has_field(bytes: &[u8], wanted: i64) -> Option<bool> {
    let mut fields = Compact::new(bytes);
    let mut id = 0;
    loop {
        match fields.field(&mut id)? {
            STOP => return Some(false),
            _ if id == wanted => return Some(true),
            kind => fields.skip(kind)?,
        }
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
        assert_eq!(has_field(&footer, 8), Some(true));
        assert_eq!(has_field(&footer, 3), Some(false));
        assert_eq!(has_field(&footer[..9], 8), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_harmless(bytes: Vec<u8>) {
            has_field(&bytes, 8);
        }
    }
}
