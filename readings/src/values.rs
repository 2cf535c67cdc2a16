//! What single fields hold.

use std::str;

use fleetscore_crds::Window;
use jiff::Timestamp;

/// What a feature field should hold.
pub(super) const NUMBER: &str = "a finite number";
/// What the last field should hold where it cannot be read and the file ends with it.
pub(super) const UNFINISHED: &str =
    "whole: the file ends within this line, without a line end; is it still being written?";
/// What a label field should hold.
pub(super) const LABEL: &str = "a label (0, 1, true or false)";

/// A number of so many digits is exact as a float, and so are these powers of ten: one division rounds as a parser must.
const EXACT_DIGITS: usize = 15;
const POWERS_OF_TEN: [f64; EXACT_DIGITS + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// A finite number, spaces around it allowed.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    short_number(text).or_else(|| any_number(text))
}

/// A number of few digits with or without a point, as most are; none where it is another one or none at all.
fn short_number(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text {
        [b'-', text @ ..] => (true, text),
        text => (false, text),
    };
    if text.len() > EXACT_DIGITS + 1 {
        return None;
    }
    let (mut digits, mut count, mut point) = (0_i64, 0, None);
    for byte in text {
        if byte.is_ascii_digit() {
            digits = digits * 10 + i64::from(byte - b'0');
            count += 1;
        } else if *byte == b'.' && point.is_none() {
            point = Some(count);
        } else {
            return None;
        }
    }
    if !(1..=EXACT_DIGITS).contains(&count) {
        return None;
    }
    let places = point.map_or(0, |point| count - point);
    let number = digits as f64 / POWERS_OF_TEN.get(places)?;
    Some(if negative { -number } else { number })
}

fn any_number(text: &[u8]) -> Option<f64> {
    str::from_utf8(text.trim_ascii())
        .ok()?
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A label: `1` or `true` for an anomaly, `0` or `false` for a normal reading.
pub(super) fn label(text: &[u8]) -> Option<bool> {
    let text = text.trim_ascii();
    match text {
        b"0" => return Some(false),
        b"1" => return Some(true),
        _ => {}
    }
    if text.eq_ignore_ascii_case(b"true") {
        return Some(true);
    }
    if text.eq_ignore_ascii_case(b"false") {
        return Some(false);
    }
    label_number(number(text)?)
}

/// A label that is stored as a number.
pub(super) fn label_number(number: f64) -> Option<bool> {
    match number {
        1.0 => Some(true),
        0.0 => Some(false),
        _ => None,
    }
}

/// A window in nanoseconds since 1970; an end that `i64` cannot hold becomes its limit.
pub(super) fn window_nanos(window: Window) -> (i64, i64) {
    (clamp(window.start), clamp(window.end))
}

fn clamp(instant: Timestamp) -> i64 {
    let limit = if instant.as_second() < 0 {
        i64::MIN
    } else {
        i64::MAX
    };
    i64::try_from(instant.as_nanosecond()).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_finite_and_whole_fields() {
        for (text, value) in [
            ("10.16", 10.16),
            (" -1e3 ", -1000.0),
            ("+5", 5.0),
            ("0.1", 0.1),
            (".5", 0.5),
            ("5e-324", 5e-324),
        ] {
            assert_eq!(number(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "",
            " ",
            "NaN",
            "inf",
            "-Infinity",
            "1e999",
            "1,5",
            "1 2",
            "0x10",
            "ten",
            "1_000",
            "\u{ff11}",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        /// A number of few digits is the same as the library's to the bit, its sign included.
        #[test]
        fn short_numbers_are_exact(text in "-?[0-9]{0,16}\\.?[0-9]{0,16}") {
            let bits = |number: Option<f64>| number.map(f64::to_bits);
            prop_assert_eq!(bits(number(text.as_bytes())), bits(text.parse().ok()));
        }
    }

    #[test]
    fn labels_are_binary() {
        for text in ["1", "true", "True", "TRUE", "1.0", " 1 "] {
            assert_eq!(label(text.as_bytes()), Some(true), "{text}");
        }
        for text in ["0", "false", "False", "0.0", "-0"] {
            assert_eq!(label(text.as_bytes()), Some(false), "{text}");
        }
        for text in ["", "2", "-1", "yes", "0.5"] {
            assert_eq!(label(text.as_bytes()), None, "{text}");
        }
    }
}
