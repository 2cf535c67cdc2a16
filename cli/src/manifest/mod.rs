//! Reading manifests: strict, with the line of every mistake.
//!
//! The bytes of a file or of standard input ([`source`]) become text ([`encoding`]) and one tree of nodes that know their
//! places ([`document`], [`node`]); what an API server has added is left out ([`server`]), `--set` overrides are put in
//! ([`overrides`]) and relative paths become URLs ([`paths`]). The tree's JSON is then checked against the API's
//! definitions, the same that the API server checks, and every violation is reported at its field's line.

mod document;
mod encoding;
mod error;
mod node;
mod overrides;
mod paths;
mod server;
mod source;
#[cfg(test)]
mod tests;
mod timetable;
mod urls;

use std::path::Path;

use fleetscore_crds::{
    Kind, Manifest, ReadingStreamSpec, ScoringRunSpec, ScoringScheduleSpec, Spec, validate_object,
    without_nulls,
};
use serde_json::Value;

pub use error::{ManifestError, Place, Problem};
use node::{Index, Placed};
use source::Source;
pub use source::name;
pub use timetable::notes;

/// What a manifest file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded {
    /// One run.
    Run(Manifest<ScoringRunSpec>),
    /// A schedule of runs.
    Schedule(Manifest<ScoringScheduleSpec>),
    /// A stream of readings.
    Stream(Manifest<ReadingStreamSpec>),
}

/// Reads the manifest at `path`, YAML or JSON, or on standard input where the path is `-`, after putting in the `overrides`
/// (each `spec.a.b=value`).
///
/// Relative paths in its locations are taken from the manifest's folder, or from the current one.
///
/// # Errors
///
/// A file that cannot be read or is larger than 4 MiB; everything in it and in the overrides that the API does not allow, all
/// together, each with its line and column.
pub fn load(path: &Path, overrides: &[String]) -> Result<Loaded, ManifestError> {
    let Source {
        name,
        bytes,
        folder,
    } = Source::read(path)?;
    parse(&name, &bytes, &folder, overrides)
}

/// The text of the one document at `path`, or on standard input, without anything that stands in it twice.
///
/// # Errors
///
/// As [`load`], but for what the API does not allow.
pub fn load_text(path: &Path) -> Result<String, ManifestError> {
    let Source { name, bytes, .. } = Source::read(path)?;
    let refused = |problems| ManifestError::Invalid {
        source_name: name,
        problems,
    };
    match document::read(&bytes).and_then(|_| encoding::text(&bytes).map_err(|error| vec![error])) {
        Ok(text) => Ok(text),
        Err(problems) => Err(refused(problems)),
    }
}

/// Like [`load`] for the `bytes` of the file `source` in `folder` (absolute).
fn parse(
    source: &str,
    bytes: &[u8],
    folder: &Path,
    overrides: &[String],
) -> Result<Loaded, ManifestError> {
    let refused = |problems| ManifestError::Invalid {
        source_name: source.to_owned(),
        problems,
    };
    let mut root = document::read(bytes).map_err(refused)?;
    server::leave_out(&mut root);
    let mut problems = overrides::apply(&mut root, overrides);
    let kind = kind_of(&root);
    problems.extend(paths::resolve(&mut root, kind, folder));

    let index = Index::of(&root);
    let value = root.to_json();
    problems.extend(violations(kind, &value, &index));
    if !problems.is_empty() {
        return Err(refused(problems));
    }
    match kind {
        Kind::ScoringRun => typed(value).map(Loaded::Run),
        Kind::ScoringSchedule => typed(value).map(Loaded::Schedule),
        Kind::ReadingStream => typed(value).map(Loaded::Stream),
    }
    .map_err(|problem| refused(vec![problem]))
}

/// The kind whose rules the object is checked against; a misspelt one is reported by those.
fn kind_of(root: &Placed) -> Kind {
    let kind = root.get("kind").and_then(Placed::text).unwrap_or_default();
    let kind = kind.to_lowercase();
    if kind.contains("schedule") {
        Kind::ScoringSchedule
    } else if kind.contains("stream") {
        Kind::ReadingStream
    } else {
        Kind::ScoringRun
    }
}

fn violations(kind: Kind, value: &Value, index: &Index) -> Vec<Problem> {
    let mut found = validate_object(kind, value);
    // Another kind of object has other fields; to list them all would bury the one mistake.
    if found.iter().any(|violation| violation.field == "kind") {
        found.retain(|violation| violation.field == "kind");
    }
    let problem = |violation: fleetscore_crds::Violation| Problem {
        place: index.nearest(&violation.field),
        field: violation.field,
        message: violation.message,
    };
    let mut problems: Vec<_> = found.into_iter().map(problem).collect();
    timetable::check(kind, value, index, &mut problems);
    urls::check(kind, value, index, &mut problems);
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    problems
}

fn typed<S: Spec>(value: Value) -> Result<Manifest<S>, Problem> {
    // An empty field is an absent one, as for the API server.
    serde_json::from_value(without_nulls(value)).map_err(|error| Problem {
        place: Place::Unknown,
        field: String::new(),
        message: error.to_string(),
    })
}
