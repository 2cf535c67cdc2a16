use std::ops::Range;

use super::ExpressionError;

/// The parser's own `has` takes a member of a message, such as `has(m.v)`. What a field is asked with goes by this name, which is as
/// long, so that positions stay.
pub(super) const HAS: &str = "_h_";

/// Bytes that an expression may have.
const MAX_BYTES: usize = 4096;

/// The text of an expression.
pub(super) struct Source<'t> {
    text: &'t str,
    /// Its words outside of quotes and comments.
    words: Vec<Range<usize>>,
}

impl<'t> Source<'t> {
    pub fn new(text: &'t str) -> Result<Self, ExpressionError> {
        let source = Self {
            text,
            words: words(text),
        };
        if text.len() > MAX_BYTES {
            let message = format!(
                "it has {} bytes; an expression has at most {MAX_BYTES}",
                text.len()
            );
            return Err(source.error_at(0, message));
        }
        Ok(source)
    }

    /// The text for the parser.
    pub fn for_parser(&self) -> String {
        let mut text = self.text.to_owned();
        for word in &self.words {
            let rest = self.text.get(word.end..).unwrap_or_default();
            if self.text.get(word.clone()) == Some("has") && rest.trim_start().starts_with('(') {
                text.replace_range(word.clone(), HAS);
            }
        }
        text
    }

    /// An error at the first place of a word, or at the beginning.
    pub fn error_at_word(&self, word: &str, message: String) -> ExpressionError {
        let found = (self.words.iter()).find(|range| self.text.get((*range).clone()) == Some(word));
        self.error_at(found.map_or(0, |range| range.start), message)
    }

    /// An error at the first place of a function's name or an operator, or at the beginning.
    pub fn error_at_operator(&self, name: &str, message: String) -> ExpressionError {
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_word {
            return self.error_at_word(name, message);
        }
        self.error_at(self.text.find(name).unwrap_or(0), message)
    }

    /// An error at a byte.
    pub fn error_at(&self, byte: usize, message: String) -> ExpressionError {
        let before = self.text.get(..byte).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        self.error(line, column, message)
    }

    /// An error at a line and a character, both from 1.
    pub fn error(&self, line: usize, column: usize, message: String) -> ExpressionError {
        let end = self.text.floor_char_boundary(256);
        ExpressionError {
            text: self.text.get(..end).unwrap_or_default().to_owned(),
            line,
            column,
            message,
        }
    }
}

/// The words (names, also of functions) outside of quotes and comments.
fn words(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        if is_word(byte) {
            let end = at + rest.iter().take_while(|byte| is_word(byte)).count();
            let word = bytes.get(at..end).unwrap_or_default();
            let quoted = matches!(bytes.get(end), Some(b'"' | b'\''));
            if quoted
                && matches!(
                    word,
                    b"r" | b"R" | b"br" | b"bR" | b"Br" | b"BR" | b"rb" | b"rB" | b"Rb" | b"RB"
                )
            {
                at = quote_end(bytes, end, true);
                continue;
            }
            if !byte.is_ascii_digit() {
                words.push(at..end);
            }
            at = end;
        } else if matches!(byte, b'"' | b'\'') {
            at = quote_end(bytes, at, false);
        } else if rest.starts_with(b"//") {
            at += rest.iter().take_while(|byte| **byte != b'\n').count();
        } else {
            at += 1;
        }
    }
    words
}

/// Where the text that opens at `start` has ended. In raw text a backslash is a backslash.
fn quote_end(bytes: &[u8], start: usize, raw: bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let quote = rest.get(..1).unwrap_or_default();
    let triple = rest
        .get(..3)
        .is_some_and(|three| three.iter().all(|byte| [*byte] == quote));
    let close = if triple {
        rest.get(..3).unwrap_or_default()
    } else {
        quote
    };
    let mut at = start + close.len();
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(close) {
            return at + close.len();
        }
        at += if !raw && rest.starts_with(b"\\") {
            2
        } else {
            1
        };
    }
    bytes.len()
}
