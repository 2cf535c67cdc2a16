/// The texts of a packed key: each is behind its length of two bytes, little endian. None: the bytes are no such key of `count` texts.
pub(super) fn texts(mut key: &[u8], count: usize) -> Option<Vec<&str>> {
    let mut texts = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, rest) = key.split_first_chunk::<2>()?;
        let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        texts.push(str::from_utf8(text).ok()?);
        key = rest;
    }
    key.is_empty().then_some(texts)
}

/// Puts bytes into `into` that sort as the texts of keys do, one after the other.
pub(super) fn sortable<'a>(texts: impl IntoIterator<Item = &'a str>, into: &mut Vec<u8>) {
    into.clear();
    for text in texts {
        for byte in text.bytes() {
            into.push(byte);
            // A text's end sorts before all that could follow.
            if byte == 0 {
                into.push(1);
            }
        }
        into.extend([0, 0]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_as_the_texts_do(
            a in prop::collection::vec("[\0\u{1}ab]{0,3}", 2),
            b in prop::collection::vec("[\0\u{1}ab]{0,3}", 2),
        ) {
            let bytes = |texts: &[String]| {
                let mut bytes = Vec::new();
                sortable(texts.iter().map(String::as_str), &mut bytes);
                bytes
            };
            prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), a.cmp(&b));
        }

        #[test]
        fn a_key_s_texts_come_back(texts in prop::collection::vec(".{0,9}", 0..4), cut in 0..40_usize) {
            let mut key = Vec::new();
            for text in &texts {
                key.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
                key.extend(text.as_bytes());
            }
            prop_assert_eq!(super::texts(&key, texts.len()), Some(texts.iter().map(String::as_str).collect()));
            prop_assert_eq!(super::texts(&key, texts.len() + 1), None);
            if cut < key.len() {
                prop_assert_eq!(super::texts(&key[..cut], texts.len()), None);
            }
        }
    }
}
