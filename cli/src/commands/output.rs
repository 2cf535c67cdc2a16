//! What a command prints on standard output.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;
use fleetscore_crds::visible_lines;

use super::{Result, failure};

/// Prints `text`, with what nobody would see in it written out: names and messages are those of others.
pub fn print(text: impl AsRef<str>) -> Result<()> {
    print_as_is(visible_lines(text.as_ref()).as_bytes())
}

/// Prints `bytes` as they are.
///
/// A reader that has seen enough, such as `head`, is no error: the rest is not printed.
pub fn print_as_is(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error)
            .context("standard output cannot be written")
            .map_err(failure),
        _ => Ok(()),
    }
}

/// Prints `value` as indented JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(failure)?;
    print_json_text(&(text + "\n"))
}

/// Prints JSON. What nobody would see in its texts is escaped as JSON does it, so that it means the same.
pub fn print_json_text(json: &str) -> Result<()> {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        let mut bytes = [0; 4];
        let letter_text = letter.encode_utf8(&mut bytes);
        if matches!(visible_lines(letter_text), Cow::Borrowed(_)) {
            text.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{:04x}", u32::from(letter));
        }
    }
    print_as_is(text.as_bytes())
}

/// Prints a line on standard error, where nobody may read it any more.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", visible_lines(line));
}

/// Asks something on standard error; the answer is to be typed on the same line.
pub fn ask(question: &str) {
    let mut out = io::stderr();
    let _ = write!(out, "{}", visible_lines(question));
    let _ = out.flush();
}
