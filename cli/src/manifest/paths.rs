//! Paths in locations, which become URLs; relative ones are taken from the manifest's folder.
//!
//! A location is literal, so a path becomes a URL as it is: nothing is percent-encoded.

use std::path::Path;

use fleetscore_crds::Kind;

use super::node::{Node, Placed};
use super::{Place, Problem};

/// The fields of a run's spec that hold a location.
const OF_RUN: [&str; 7] = [
    "model.location",
    "model.scaler",
    "input.location",
    "input.waitFor.object",
    "output.location",
    "logs.location",
    "sensors.manifest",
];

/// The field of a run's spec that may hold the path of a file with code, which stays a path.
const MODULE: &str = "model.worker.module";

/// Those of a stream's.
const OF_STREAM: [&str; 2] = ["output.location", "deadLetter.location"];

/// The fields of an object of `kind` that hold a location.
pub(super) fn locations(kind: Kind) -> impl Iterator<Item = String> {
    let (spec, fields) = match kind {
        Kind::ScoringRun => ("spec", &OF_RUN[..]),
        Kind::ScoringSchedule => ("spec.runTemplate.spec", &OF_RUN[..]),
        Kind::ReadingStream => ("spec", &OF_STREAM[..]),
    };
    fields.iter().map(move |field| format!("{spec}.{field}"))
}

/// Makes `file://` URLs of the paths in the locations of the object `root`, below `folder` where they are relative.
pub fn resolve(root: &mut Placed, kind: Kind, folder: &Path) -> Option<Problem> {
    for field in locations(kind) {
        let mut steps = field.split('.');
        let Some(location) = steps.try_fold(&mut *root, |node, name| node.get_mut(name)) else {
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
    resolve_module(root, kind, folder);
    None
}

/// Takes the path of a module from `folder` where it is relative. A module's name is for Python to find.
fn resolve_module(root: &mut Placed, kind: Kind, folder: &Path) {
    let spec = match kind {
        Kind::ScoringRun => "spec",
        Kind::ScoringSchedule => "spec.runTemplate.spec",
        Kind::ReadingStream => return,
    };
    let mut steps = spec.split('.').chain(MODULE.split('.'));
    let Some(module) = steps.try_fold(root, |node, name| node.get_mut(name)) else {
        return;
    };
    let is_file = |text: &&str| text.strip_suffix(".py").is_some();
    if let Some(text) = module.text().filter(is_file)
        && let Some(path) = folder.join(text).to_str()
    {
        module.node = Node::Scalar(path.into());
    }
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

/// The URL of the path `text`, from `folder` where it is relative. The folder's braces are literal, those of `text` make
/// placeholders.
fn file_url(folder: &str, text: &str) -> String {
    let literal = folder.replace('{', "{{").replace('}', "}}");
    let mut parts: Vec<&str> = Vec::new();
    if !text.starts_with('/') {
        parts.extend(literal.split('/').filter(|part| !part.is_empty()));
    }
    let segments = segments(text);
    for segment in &segments {
        match *segment {
            "" | "." => {}
            ".." => drop(parts.pop()),
            segment => parts.push(segment),
        }
    }
    let is_folder = matches!(segments.last(), Some(&("" | "." | "..")));
    let slash = if is_folder && !parts.is_empty() {
        "/"
    } else {
        ""
    };
    format!("file:///{}{slash}", parts.join("/"))
}

/// `text` cut at the slashes outside of placeholders, whose formats may hold some: `{window.start:%Y/%m}`.
fn segments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if letter == '/' {
            found.push(text.get(begin..at).unwrap_or_default());
            begin = at + 1;
        }
        at += match rest.find('}') {
            _ if rest.starts_with("{{") => 2,
            Some(end) if letter == '{' => end + 1,
            _ => letter.len_utf8(),
        };
    }
    found.push(text.get(begin..).unwrap_or_default());
    found
}
