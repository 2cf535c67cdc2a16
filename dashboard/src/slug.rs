//! Names in addresses.
//!
//! A name is one segment of a path, whatever it holds. Letters, digits, `-`, `_`, `=`, `,`, `:` and dots stay, all else is `~` and two
//! hexadecimal digits a byte. So an address never holds an encoded slash, which some servers take for a real one, no segment is `.` or
//! `..`, and none ends in `.json`, which is the ending of a page's numbers.

use std::fmt::Write as _;

use fleetscore_crds::SensorKey;

/// Bytes of the longest segment that is read.
const LONGEST: usize = 4096;

/// `name` as a segment.
pub fn encode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    write(&mut text, name, b"-_=,:");
    text
}

/// Writes `name`, in which the punctuation `plain` stays as it is.
fn write(text: &mut String, name: &str, plain: &[u8]) {
    let ending = name.strip_suffix(".json").map(str::len);
    let is_dots = name.bytes().all(|byte| byte == b'.');
    for (position, byte) in name.bytes().enumerate() {
        let is_dot = byte == b'.' && !is_dots && ending != Some(position);
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) || is_dot {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "~{byte:02X}");
        }
    }
}

/// The name of a segment that [`encode`] wrote; none of any other.
pub fn decode(segment: &str) -> Option<String> {
    if segment.is_empty() || segment.len() > LONGEST {
        return None;
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'~' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    let name = String::from_utf8(bytes).ok()?;
    (encode(&name) == segment).then_some(name)
}

/// A sensor's key as a segment: `device=1,tag=2`, and `-` for the only sensor, which has none.
pub fn encode_key(key: &SensorKey) -> String {
    let mut text = String::new();
    write_key(&mut text, key.iter());
    text
}

/// Writes the segment of the key with these names and values.
pub fn write_key<'k>(text: &mut String, pairs: impl Iterator<Item = (&'k str, &'k str)>) {
    let start = text.len();
    for (name, value) in pairs {
        if text.len() > start {
            text.push(',');
        }
        write(text, name, b"-_:");
        text.push('=');
        write(text, value, b"-_:");
    }
    if text.len() == start {
        text.push('-');
    }
}

/// The key of a segment that [`encode_key`] wrote; none of any other.
pub fn decode_key(segment: &str) -> Option<SensorKey> {
    if segment == "-" {
        return Some(SensorKey::default());
    }
    if segment.len() > LONGEST {
        return None;
    }
    let part = |text: &str| {
        if text.is_empty() {
            return Some(String::new());
        }
        decode(&text.replace("~3D", "=").replace("~2C", ","))
    };
    let pairs = segment.split(',').map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((part(name)?, part(value)?))
    });
    let key: SensorKey = pairs.collect::<Option<Vec<_>>>()?.into_iter().collect();
    (encode_key(&key) == segment).then_some(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_readable_and_dangerous_ones_are_spelt_out() {
        for (name, segment) in [
            ("pumps-1764324000", "pumps-1764324000"),
            ("run:plant.a", "run:plant.a"),
            ("..", "~2E~2E"),
            ("../x", "..~2Fx"),
            ("a.json", "a~2Ejson"),
            ("<b>", "~3Cb~3E"),
        ] {
            assert_eq!(encode(name), segment);
            assert_eq!(decode(segment).as_deref(), Some(name));
        }
        for segment in ["", "..", "a/b", "~2f", "~2", "~ff", "a.json", "%41"] {
            assert_eq!(decode(segment), None, "{segment}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in any::<String>(), names in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4)) {
            if !name.is_empty() {
                prop_assert_eq!(decode(&encode(&name)), Some(name));
            }
            let key = SensorKey(names);
            prop_assert_eq!(decode_key(&encode_key(&key)), Some(key));
        }

        #[test]
        fn any_text_is_harmless(segment in any::<String>()) {
            let _ = (decode(&segment), decode_key(&segment));
        }
    }
}
