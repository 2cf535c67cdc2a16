//! Quantities as Kubernetes writes them: `500m`, `1.5`, `384Mi`.

/// The suffixes, and by how much each multiplies, as a numerator and a denominator.
const SUFFIXES: [(&str, u128, u128); 16] = [
    ("", 1, 1),
    ("n", 1, 1_000_000_000),
    ("u", 1, 1_000_000),
    ("m", 1, 1000),
    ("k", 1000, 1),
    ("M", 1_000_000, 1),
    ("G", 1_000_000_000, 1),
    ("T", 1_000_000_000_000, 1),
    ("P", 1_000_000_000_000_000, 1),
    ("E", 1_000_000_000_000_000_000, 1),
    ("Ki", 1 << 10, 1),
    ("Mi", 1 << 20, 1),
    ("Gi", 1 << 30, 1),
    ("Ti", 1 << 40, 1),
    ("Pi", 1 << 50, 1),
    ("Ei", 1 << 60, 1),
];
/// Longest text that is looked at.
const LONGEST: usize = 32;

/// A quantity that is not negative, in thousandths and rounded up: `500m` is 500, `2` is 2000, `1Ki` is 1,024,000.
///
/// None for any other text, and for what does not fit into a `u64`.
pub fn thousandths(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.len() > LONGEST {
        return None;
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let (numerator, denominator) = scale(suffix)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{part}").parse::<u128>().ok()?;
    let tenths = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let value = digits.checked_mul(1000)?.checked_mul(numerator)?;
    let value = value.div_ceil(denominator.checked_mul(tenths)?);
    u64::try_from(value).ok()
}

/// What a suffix, or an exponent such as `e3`, multiplies by.
fn scale(suffix: &str) -> Option<(u128, u128)> {
    let known = SUFFIXES.iter().find(|(name, ..)| *name == suffix);
    if let Some((_, numerator, denominator)) = known {
        return Some((*numerator, *denominator));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
    Some(if exponent < 0 { (1, power) } else { (power, 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("+1", Some(1000)),
            ("500m", Some(500)),
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("2.", Some(2000)),
            ("1.0005", Some(1001)),
            ("1n", Some(1)),
            ("100000u", Some(100)),
            ("384Mi", Some(384 * 1024 * 1024 * 1000)),
            ("1.5Gi", Some(1536 * 1024 * 1024 * 1000)),
            ("12e6", Some(12_000_000_000)),
            ("12E6", Some(12_000_000_000)),
            ("5e-1", Some(500)),
            ("2E", None),
            ("", None),
            (".", None),
            ("m", None),
            ("-1", None),
            ("1 Gi", None),
            ("1mi", None),
            ("0x10", None),
            ("1e999", None),
            ("1e-999", None),
            ("99999999999999999999999999999999999", None),
            ("١", None),
        ] {
            assert_eq!(thousandths(text), expected, "{text:?}");
        }
    }
}
