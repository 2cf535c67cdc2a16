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

/// A finite number, spaces around it allowed.
pub(super) fn number(text: &[u8]) -> Option<f64> {
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
