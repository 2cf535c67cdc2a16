//! A manifest's text in its bytes: UTF-8, or UTF-16 as Windows writes it.

use super::{Place, Problem};

/// The text of `bytes`, without a byte order mark.
///
/// UTF-16 is taken where a byte order mark says so. Other encodings are refused at the first byte that shows them: which
/// letter it stands for would be a guess.
pub fn text(bytes: &[u8]) -> Result<String, Problem> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Problem> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let letters = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let text: Result<String, _> = letters.collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(problem(
            Place::Unknown,
            "begins as UTF-16 does and goes on as something else; save it as UTF-8".to_owned(),
        )),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Problem> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return no_nul(text),
        Err(error) => error,
    };
    let (before, after) = bytes.split_at(error.valid_up_to());
    let place = place_after(&String::from_utf8_lossy(before));
    let byte = after.first().copied().unwrap_or_default();
    // The letters of Western Windows and Latin-1 from here on are the same.
    let letter = match byte {
        0xa0.. => format!(" (`{}` in a Windows encoding)", char::from(byte)),
        _ => String::new(),
    };
    let message = format!("the byte 0x{byte:02X}{letter} is not UTF-8; save the file as UTF-8");
    Err(problem(place, message))
}

/// Refuses text with zero bytes: UTF-16 without a mark, or no text at all.
fn no_nul(text: &str) -> Result<String, Problem> {
    match text.split_once('\0') {
        None => Ok(text.to_owned()),
        Some((before, _)) => Err(problem(
            place_after(before),
            "holds a zero byte, which no text does; save the file as UTF-8".to_owned(),
        )),
    }
}

fn place_after(before: &str) -> Place {
    let line = before.matches('\n').count() as u64 + 1;
    let begun = before.rsplit('\n').next().unwrap_or_default();
    Place::File {
        line,
        column: begun.chars().count() as u64 + 1,
    }
}

fn problem(place: Place, message: String) -> Problem {
    Problem {
        place,
        field: String::new(),
        message,
    }
}
