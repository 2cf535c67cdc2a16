//! What a command prints on standard output.

use std::io::{self, ErrorKind, Write};

use anyhow::Context as _;

use super::{Result, failure};

/// Prints `text` as it is.
///
/// A reader that has seen enough, such as `head`, is no error: the rest is not printed.
pub fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error)
            .context("standard output cannot be written")
            .map_err(failure),
        _ => Ok(()),
    }
}

/// Prints `value` as indented JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(failure)?;
    print(text + "\n")
}

/// Prints a line on standard error, where nobody may read it any more.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
