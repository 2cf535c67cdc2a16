//! Numbers, times and names as people read them.

use jiff::Timestamp;

/// `17,768`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12 sensors`, `1 sensor`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// `38.0%`; a share that is not zero never reads as zero.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.05 {
        "<0.1%".into()
    } else {
        format!("{percent:.1}%")
    }
}

/// `part` of `whole` as [`percent`]; an en dash without a whole.
pub fn percent_of(part: u64, whole: u64) -> String {
    if whole == 0 {
        "–".into()
    } else {
        percent(part as f64 / whole as f64)
    }
}

/// A coordinate with so many decimals, 1 to 9: `12.5`.
pub fn fixed(value: f64, decimals: usize) -> String {
    let mut text = String::with_capacity(8);
    push_fixed(&mut text, value, decimals);
    text
}

/// Appends a coordinate as [`fixed`] writes it; whole numbers are several times faster to write than floats are.
pub fn push_fixed(text: &mut String, value: f64, decimals: usize) {
    let unit = (0..decimals).fold(1.0, |unit, _| unit * 10.0);
    #[allow(clippy::cast_possible_truncation, reason = "saturates")]
    let scaled = (value * unit).round() as i64;
    if scaled < 0 {
        text.push('-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(scaled.unsigned_abs());
    let (whole, rest) = digits.split_at(digits.len().saturating_sub(decimals));
    text.push_str(if whole.is_empty() { "0" } else { whole });
    text.push('.');
    (rest.len()..decimals).for_each(|_| text.push('0'));
    text.push_str(rest);
}

/// `0.42 s`, `3.1 s`, `2 min 5 s`, `1 h 4 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{seconds:.2} s");
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates"
    )]
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{} h {minutes} min", count(hours))
    } else {
        format!("{minutes} min {rest} s")
    }
}

/// `812 B`, `1.2 MB` (powers of 1000).
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut scaled = number as f64 / 1000.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if scaled < 999.95 {
            break;
        }
        scaled /= 1000.0;
        unit = larger;
    }
    format!("{scaled:.1} {unit}")
}

/// Four significant digits, without an exponent where that stays short.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = if size >= 1000.0 {
        0
    } else if size >= 100.0 {
        1
    } else if size >= 10.0 {
        2
    } else if size >= 1.0 {
        3
    } else {
        4
    };
    format!("{value:.decimals$}")
}

/// `2018-08-28 23:00:00 UTC`.
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `text` without what could disturb a terminal or the reading order: control characters, bidirectional overrides, line
/// breaks.
pub fn harmless(text: &str) -> String {
    text.chars().map(undisturbing).collect()
}

fn undisturbing(char: char) -> char {
    if is_disturbing(char) {
        '\u{FFFD}'
    } else {
        char
    }
}

/// `text` as [`harmless`] makes it, at most `limit` characters, an ellipsis as the last of a longer one.
pub fn shortened(text: &str, limit: usize) -> String {
    let mut clean = text.chars().map(undisturbing);
    let mut short: String = clean.by_ref().take(limit).collect();
    if clean.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

fn is_disturbing(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "sensor"), "1 sensor");
        assert_eq!(percent(0.380_29), "38.0%");
        assert_eq!(percent(0.000_01), "<0.1%");
        assert_eq!(percent(0.0), "0.0%");
        assert_eq!(percent_of(1, 0), "–");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(bytes(u64::MAX), "18446.7 PB");
        assert_eq!(number(-0.123_456), "-0.1235");
        assert_eq!(number(1e300), "1.000e300");
        assert_eq!(number(12_345.6), "12346");
    }

    #[test]
    fn coordinates_are_rounded() {
        let cases = [
            (0.0, "0.0"),
            (12.34, "12.3"),
            (999.96, "1000.0"),
            (-0.26, "-0.3"),
            (-0.01, "0.0"),
        ];
        for (value, text) in cases {
            assert_eq!(fixed(value, 1), text);
        }
        assert_eq!(fixed(7.0, 2), "7.00");
        assert_eq!(fixed(0.056, 2), "0.06");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(0.0), "0.00 s");
        assert_eq!(duration(3.08), "3.1 s");
        assert_eq!(duration(59.99), "1 min 0 s");
        assert_eq!(duration(125.2), "2 min 5 s");
        assert_eq!(duration(3_840.0), "1 h 4 min");
    }

    #[test]
    fn text_is_cleaned_and_bounded() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "ab…");
        assert_eq!(
            shortened("\u{1b}[31mred\u{202e}", 20),
            "\u{FFFD}[31mred\u{FFFD}"
        );
    }
}
