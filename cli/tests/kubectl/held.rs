//! Texts that commands print, held against the files of this folder: in a pipe, on 80 and on 120 columns. UPDATE=1 writes the files again.

use std::fs;
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthStr as _;

/// The end of a file's name, and the columns that the text in it has; none: a pipe.
pub const WIDTHS: [(&str, Option<usize>); 3] =
    [("pipe", None), ("80", Some(80)), ("120", Some(120))];

/// The folder of the texts.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl")
}

/// The file of a text at a width.
pub fn file(name: &str, end: &str) -> PathBuf {
    folder().join(format!("{name}.{end}.txt"))
}

/// Holds text against a file.
pub fn held(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        text,
        expected,
        "{}; UPDATE=1 writes it again",
        path.display()
    );
}

/// Sees that no line is longer than the screen. A command to copy stays on one line, and so does a word.
pub fn fits(name: &str, text: &str, width: Option<usize>) {
    let longer = |line: &&str| width.is_some_and(|width| line.width() > width);
    let is_whole = |line: &str| {
        let words = line.trim_start();
        words.starts_with("-> kubectl ") || !words.trim_start_matches("-> ").contains(' ')
    };
    let lines = text.lines().filter(longer);
    let sticks_out: Vec<_> = lines.filter(|line| !is_whole(line)).collect();
    assert_eq!(sticks_out, Vec::<&str>::new(), "{name} at {width:?}");
}
