//! Relative paths in locations, which are taken from the manifest's folder.

use std::path::Path;

use fleetscore_crds::Kind;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::node::{Node, Placed};
use super::{Place, Problem};

/// The fields of a run's spec that hold a location.
const LOCATIONS: [[&str; 2]; 5] = [
    ["model", "location"],
    ["input", "location"],
    ["output", "location"],
    ["logs", "location"],
    ["sensors", "manifest"],
];

/// What a URL's path must not hold as it is. Braces stay: they make placeholders.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'^')
    .add(b'|')
    .add(b'\\');

/// Makes `file://` URLs of the paths in the locations of the object `root`, below `folder` where they are relative.
pub fn resolve(root: &mut Placed, kind: Kind, folder: &Path) -> Option<Problem> {
    let spec = match kind {
        Kind::ScoringRun => root.get_mut("spec"),
        Kind::ScoringSchedule => root
            .get_mut("spec")
            .and_then(|spec| spec.get_mut("runTemplate")?.get_mut("spec")),
    }?;
    for [part, field] in LOCATIONS {
        let Some(location) = spec.get_mut(part).and_then(|part| part.get_mut(field)) else {
            continue;
        };
        let Some(text) = location
            .text()
            .filter(|text| !text.is_empty() && !has_scheme(text))
        else {
            continue;
        };
        match folder.to_str() {
            Some(folder) => location.node = Node::Scalar(file_url(folder, text).into()),
            None => return Some(not_text(folder)),
        }
    }
    None
}

fn not_text(folder: &Path) -> Problem {
    let message = format!(
        "the folder {} is not UTF-8, so paths below it have no URL; write URLs",
        folder.display()
    );
    Problem {
        place: Place::Unknown,
        field: String::new(),
        message,
    }
}

/// Whether `text` begins like `az:`; a single letter would be a drive.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    scheme.len() > 1
        && scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+.-".contains(letter))
}

/// The URL of the path `text`, from `folder` where it is relative. Placeholders stay as they are.
fn file_url(folder: &str, text: &str) -> String {
    let mut parts = Vec::new();
    if !text.starts_with('/') {
        let literal = folder.replace('{', "{{").replace('}', "}}");
        parts.extend(
            literal
                .split('/')
                .filter(|part| !part.is_empty())
                .map(encoded),
        );
    }
    let segments = segments(text);
    for segment in &segments {
        match *segment {
            "" | "." => {}
            ".." => drop(parts.pop()),
            segment => parts.push(encoded(segment)),
        }
    }
    let slash = if matches!(segments.last(), Some(&("" | "." | ".."))) {
        "/"
    } else {
        ""
    };
    format!(
        "file:///{}{}",
        parts.join("/"),
        if parts.is_empty() { "" } else { slash }
    )
}

/// `text` cut at the slashes outside of placeholders.
fn segments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    for (literal, at, piece) in pieces(text) {
        for (slash, _) in piece.match_indices('/').filter(|_| literal) {
            found.push(text.get(begin..at + slash).unwrap_or_default());
            begin = at + slash + 1;
        }
    }
    found.push(text.get(begin..).unwrap_or_default());
    found
}

/// A segment percent-encoded outside of placeholders.
fn encoded(segment: &str) -> String {
    let encode = |(literal, _, piece): (bool, usize, &str)| {
        if literal {
            utf8_percent_encode(piece, ENCODED).to_string()
        } else {
            piece.to_owned()
        }
    };
    pieces(segment).into_iter().map(encode).collect()
}

/// `text` as literal pieces (true; doubled braces among them) and placeholders (false), each with its byte offset.
fn pieces(text: &str) -> Vec<(bool, usize, &str)> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let doubled = rest.starts_with("{{") || rest.starts_with("}}");
        let placeholder = rest
            .starts_with('{')
            .then(|| rest.find('}'))
            .flatten()
            .filter(|_| !doubled);
        if let Some(end) = placeholder {
            found.push((true, begin, text.get(begin..at).unwrap_or_default()));
            found.push((false, at, rest.get(..=end).unwrap_or_default()));
            at += end + 1;
            begin = at;
        } else {
            at += if doubled {
                2
            } else {
                rest.chars().next().map_or(1, char::len_utf8)
            };
        }
    }
    found.push((true, begin, text.get(begin..).unwrap_or_default()));
    found
}
