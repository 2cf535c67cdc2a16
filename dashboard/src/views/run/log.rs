use std::fmt::{self, Display};

use fleetscore_scorer::drawing::format;
use fleetscore_scorer::outputs;
use schemars::JsonSchema;
use serde::Serialize;

/// Bytes of a text on a page, with what stands for `<` and the like: a page has 200 KB.
const SHOWN: usize = 120_000;

/// Which log of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogName {
    /// That of the plan.
    Plan,
    /// That of a shard.
    Shard(u32),
    /// That of the report.
    Collect,
}

impl LogName {
    /// The log that an address names: `plan`, `collect`, `shard-17`. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "plan" => Some(Self::Plan),
            "collect" => Some(Self::Collect),
            _ => {
                let shard = text.strip_prefix("shard-")?.parse().ok()?;
                Some(Self::Shard(shard)).filter(|name| name.to_string() == text)
            }
        }
    }

    /// Its name for people.
    pub fn title(self) -> String {
        match self {
            Self::Plan => "plan".into(),
            Self::Shard(shard) => format!("shard {shard}"),
            Self::Collect => "collect".into(),
        }
    }

    /// Its file, below the run's output.
    pub fn file(self) -> String {
        match self {
            Self::Plan => format!("{}plan.log", outputs::LOGS),
            Self::Shard(shard) => format!("{}{}", outputs::LOGS, outputs::shard_log(shard)),
            Self::Collect => format!("{}collect.log", outputs::LOGS),
        }
    }
}

impl Display for LogName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => out.write_str("plan"),
            Self::Shard(shard) => write!(out, "shard-{shard}"),
            Self::Collect => out.write_str("collect"),
        }
    }
}

/// The end of a log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogText {
    /// What it is: `plan`, `shard 17`, `collect`.
    pub name: String,
    /// Where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its end, at most 64 KiB, without what disturbs a screen.
    pub text: String,
    /// Bytes before that end, which are not shown.
    pub left_out: u64,
    /// Why it cannot be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl LogText {
    /// The end of the log `name`, of which `bytes` were read at `source`, `left_out` before them not.
    pub fn new(name: LogName, source: String, bytes: &[u8], left_out: u64) -> Self {
        let text = String::from_utf8_lossy(bytes);
        // Where the begin is missing, the first line is a piece, and goes unless it is all that there is.
        let whole = match text.split_once('\n') {
            Some((_, rest)) if left_out > 0 && !rest.is_empty() => rest,
            _ => &text,
        };
        let shown = ending(whole);
        let before = (text.len() - whole.len()) + (whole.len() - shown.read);
        Self {
            name: name.title(),
            source: Some(source),
            text: shown.text,
            left_out: left_out.saturating_add(before as u64),
            error: None,
        }
    }

    /// That the log `name` cannot be shown.
    pub fn unread(name: LogName, error: String) -> Self {
        Self {
            name: name.title(),
            source: None,
            text: String::new(),
            left_out: 0,
            error: Some(error),
        }
    }

    /// Where it was read, as text.
    pub fn source_text(&self) -> String {
        format::shortened(self.source.as_deref().unwrap_or_default(), 500)
    }

    /// How much is left out, as text; empty where nothing is.
    pub fn left_out_text(&self) -> String {
        match self.left_out {
            0 => String::new(),
            bytes => format!("{} before this are left out.", format::bytes(bytes)),
        }
    }
}

/// The end of a text, as it can be shown.
pub struct Ending {
    /// The text.
    pub text: String,
    /// Bytes of the whole that it was made of.
    pub read: usize,
}

/// The end of `text` that fits on a page, line by line, without what would disturb a screen.
pub fn ending(text: &str) -> Ending {
    let (mut lines, mut read, mut shown) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n').rev() {
        let clean = format::harmless(line.trim_end_matches(['\r', '\n']));
        // `<` is five bytes on a page.
        let bytes: usize = clean
            .chars()
            .map(|char| match char {
                '<' | '>' | '&' | '"' | '\'' => 5,
                other => other.len_utf8(),
            })
            .sum();
        shown += bytes + 1;
        if shown > SHOWN {
            if lines.is_empty() {
                lines.push(tail(&clean));
                read = line.len();
            }
            break;
        }
        read += line.len();
        lines.push(clean);
    }
    lines.reverse();
    Ending {
        text: lines.join("\n"),
        read,
    }
}

/// The end of a line that alone is too long.
fn tail(line: &str) -> String {
    let count = line.chars().count();
    let end = line.chars().skip(count.saturating_sub(SHOWN / 5));
    format!("…{}", end.collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_of_logs_alone() {
        for name in [LogName::Plan, LogName::Collect, LogName::Shard(17)] {
            assert_eq!(LogName::parse(&name.to_string()), Some(name));
        }
        for text in [
            "",
            "shard-",
            "shard-017",
            "shard-+1",
            "shard--1",
            "../plan",
            "plan.log",
            "shard-4294967296",
        ] {
            assert_eq!(LogName::parse(text), None, "{text}");
        }
        assert_eq!(LogName::Shard(17).file(), "_run/logs/000017.log");
    }

    #[test]
    fn a_piece_of_a_line_is_left_out_and_told() {
        let log = LogText::new(
            LogName::Plan,
            "az://a/b".into(),
            b"iece\n\x1b[2Jtwo\nthree\n",
            10,
        );
        assert_eq!(log.text, "\u{FFFD}[2Jtwo\nthree");
        assert_eq!(log.left_out, 15);
        let piece = LogText::new(LogName::Plan, "az://a/b".into(), b"piece\n", 10);
        assert_eq!((piece.text.as_str(), piece.left_out), ("piece", 10));
        let whole = LogText::new(LogName::Plan, "az://a/b".into(), b"one\ntwo", 0);
        assert_eq!((whole.text.as_str(), whole.left_out), ("one\ntwo", 0));
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let ending = ending(&"<".repeat(1 << 20));
        assert!(ending.text.len() * 5 <= SHOWN + 20);
        assert!(ending.text.starts_with('…'));
    }

    proptest! {
        #[test]
        fn any_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..2000), left_out in any::<u64>()) {
            let log = LogText::new(LogName::Collect, String::new(), &bytes, left_out);
            prop_assert!(log.text.chars().all(|char| char == '\n' || !char.is_control()));
        }
    }
}
