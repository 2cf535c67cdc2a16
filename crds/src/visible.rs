//! Text of others on terminals and in logs: keys, paths and what files hold may contain characters that move the cursor, begin a line of
//! their own or turn the direction of the text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// The text on one line, with what nobody would see written out: `\n`, `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, is_hidden)
}

/// The same of a text of several lines, whose line ends and tabs stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    written_out(text, |letter| {
        is_hidden(letter) && !matches!(letter, '\n' | '\t')
    })
}

/// Whether the character is none that is read: a control character, a line or paragraph separator, or one that changes the direction of
/// the text around it.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

fn written_out(text: &str, is_hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_hidden(letter) {
            // Writing to a string cannot fail.
            let _ = match letter {
                '\n' | '\r' | '\t' => write!(out, "{}", letter.escape_default()),
                letter => write!(out, "{}", letter.escape_unicode()),
            };
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

/// Writes lines of a log, each in one call, so that each stays one line and shows all that it holds.
#[derive(Clone, Debug, Default)]
pub struct VisibleLines<W>(pub W);

impl<W: io::Write> io::Write for VisibleLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (text.as_ref(), ""),
        };
        match visible(text) {
            Cow::Borrowed(_) => self.0.write_all(line)?,
            Cow::Owned(text) => self.0.write_all((text + end).as_bytes())?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_nobody_sees_is_written_out() {
        for (text, shown) in [
            (
                "device=pump 1 Kühler ß 水泵 😀",
                "device=pump 1 Kühler ß 水泵 😀",
            ),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{7f}\u{9b}31m", "\\u{7f}\\u{9b}31m"),
            (
                "x\u{202e}vsc.\u{2066}y\u{200f}",
                "x\\u{202e}vsc.\\u{2066}y\\u{200f}",
            ),
            ("a\u{2028}b", "a\\u{2028}b"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_lines("a\tb\nc\r\u{1b}d\n"), "a\tb\nc\\r\\u{1b}d\n");
    }

    #[test]
    fn a_line_of_a_log_stays_one() {
        let mut log = VisibleLines(Vec::new());
        log.write_all(b"WARN no readings sensor=device=a\nERROR forged\n")
            .unwrap();
        log.write_all("plain Kühler\n".as_bytes()).unwrap();
        log.write_all(b"bytes \xff\n").unwrap();
        let text = String::from_utf8_lossy(&log.0).into_owned();
        assert_eq!(
            text,
            "WARN no readings sensor=device=a\\nERROR forged\nplain Kühler\nbytes \u{fffd}\n"
        );
    }
}
