//! Text and times in the form that Kubernetes' conditions have.

use fleetscore_crds::visible;
use jiff::Timestamp;

/// Bytes of a reason.
pub const REASON_BYTES: usize = 64;

/// A reason is one word of letters, digits and `_`, as Kubernetes' conditions have it.
pub fn reason_word(text: &str) -> String {
    let word: String = text
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .take(REASON_BYTES)
        .collect();
    if word.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        word
    } else {
        "Unknown".to_owned()
    }
}

/// The text with what nobody would see written out, cut where its JSON would take more than `bytes`. What pods and files say comes
/// from others.
pub fn cut(text: &str, bytes: usize) -> String {
    let text = visible(text);
    let length = |letter: char| match letter {
        '"' | '\\' => 2,
        letter if letter < ' ' => 6,
        letter => letter.len_utf8(),
    };
    if text.chars().map(length).sum::<usize>() <= bytes {
        return text.into_owned();
    }
    let mut left = bytes.saturating_sub(3);
    let kept = text.chars().take_while(|letter| {
        let fits = length(*letter) <= left;
        left = left.saturating_sub(length(*letter));
        fits
    });
    kept.chain("...".chars()).collect()
}

/// The time without fractions, as Kubernetes' objects have it.
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_written_out() {
        let text = "a\u{1b}[2J\nb\u{202e}c";
        assert_eq!(cut(text, 100), "a\\u{1b}[2J\\nb\\u{202e}c");
        assert_eq!(cut(&"x".repeat(20), 10), "xxxxxxx...");
    }
}
