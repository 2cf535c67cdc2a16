use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

/// A key's value as it stands in an object's path: percent-encoded where it would add or leave a path segment, or could be
/// mistaken for an encoded one. That is `/`, `\`, `%`, `?`, `#`, control characters, and values of dots alone. All else, letters of
/// any language among it, stays as it is.
///
/// `a/b` becomes `a%2Fb` and `..` becomes `%2E%2E`, so no sensor can reach outside its prefix.
pub fn encode_value(value: &str) -> Cow<'_, str> {
    let dots = value.chars().all(|letter| letter == '.');
    let is_unsafe =
        |letter: char| letter.is_control() || "/\\%?#".contains(letter) || (dots && letter == '.');
    if !value.contains(is_unsafe) {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len() + 8);
    for letter in value.chars() {
        if is_unsafe(letter) {
            for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(letter);
        }
    }
    Cow::Owned(text)
}

/// The key's value that [`encode_value`] wrote as `text`. Text that it does not write, such as `a%20b`, is a value as it stands.
pub fn decode_value(text: &str) -> Cow<'_, str> {
    match percent_decode_str(text).decode_utf8() {
        Ok(value) if encode_value(&value) == text => value,
        _ => Cow::Borrowed(text),
    }
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
            ("a\u{85}b\n", "a%C2%85b%0A"),
        ];
        for (value, encoded) in table {
            assert_eq!(encode_value(value), encoded);
            assert_eq!(decode_value(encoded), value);
        }
    }

    #[test]
    fn letters_of_any_language_stay_as_they_are() {
        for value in ["Kühler", "Ku\u{308}hler", "水泵 1", "насос+&='\"[]", "a b"] {
            assert_eq!(encode_value(value), value);
            assert_eq!(decode_value(value), value);
        }
    }

    #[test]
    fn only_what_is_encoded_is_decoded() {
        for text in [
            "a%20b",
            "K%C3%BChler",
            "a%2fb",
            "50%",
            "%2E",
            "%zz",
            "%41",
            "x%2E%2E",
        ] {
            let value = decode_value(text);
            let expected = if text == "%2E" { "." } else { text };
            assert_eq!(value, expected);
        }
    }

    proptest! {
        #[test]
        fn every_value_survives_the_round_trip(value in ".*") {
            let encoded = encode_value(&value).into_owned();
            prop_assert!(!encoded.contains('/') && encoded != "." && encoded != "..");
            prop_assert_eq!(decode_value(&encoded), value);
        }

        #[test]
        fn a_name_is_that_of_its_value_or_the_value_itself(text in "[a-z%0-9A-F.]{0,12}") {
            let value = decode_value(&text);
            prop_assert!(encode_value(&value) == text || value == text);
        }
    }
}
