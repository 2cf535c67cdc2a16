use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Characters that would add a path segment or could be mistaken for an encoded one.
const UNSAFE: &AsciiSet = &CONTROLS.add(b'/').add(b'\\').add(b'%').add(b'?').add(b'#');
/// The same and the dot, for values that are a whole relative segment by themselves.
const UNSAFE_DOTS: &AsciiSet = &UNSAFE.add(b'.');

/// A key's value as it stands in an object's path: percent-encoded where it would add or leave a path segment.
///
/// `a/b` becomes `a%2Fb` and `..` becomes `%2E%2E`, so no sensor can reach outside its prefix.
pub fn encode_value(value: &str) -> Cow<'_, str> {
    let set = if value.chars().all(|letter| letter == '.') {
        UNSAFE_DOTS
    } else {
        UNSAFE
    };
    utf8_percent_encode(value, set).into()
}

/// The key's value that [`encode_value`] wrote as `text`. Text that is not valid UTF-8 once decoded stays as it is.
pub fn decode_value(text: &str) -> Cow<'_, str> {
    percent_decode_str(text)
        .decode_utf8()
        .unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_cannot_add_or_leave_a_segment() {
        let table = [
            ("1", "1"),
            ("a/b", "a%2Fb"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("v1.2", "v1.2"),
            ("50%", "50%25"),
        ];
        for (value, encoded) in table {
            assert_eq!(encode_value(value), encoded);
        }
    }

    proptest! {
        #[test]
        fn every_value_survives_the_round_trip(value in ".*") {
            let encoded = encode_value(&value).into_owned();
            prop_assert!(!encoded.contains('/') && encoded != "." && encoded != "..");
            prop_assert_eq!(decode_value(&encoded), value);
        }
    }
}
