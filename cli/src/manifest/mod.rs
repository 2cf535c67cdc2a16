//! Reading manifests: strict, with the line of every mistake.
//!
//! A file is read into a tree of nodes that know their places ([`node`]); `--set` overrides are put into the tree
//! ([`overrides`]) and relative paths become URLs ([`paths`]). The tree's JSON is then checked against the API's
//! definitions, the same that the API server checks, and every violation is reported at its field's line.

mod error;
mod node;
mod overrides;
mod paths;
#[cfg(test)]
mod tests;
mod timetable;
mod urls;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fleetscore_crds::{Kind, Manifest, ScoringRunSpec, ScoringScheduleSpec, Spec, validate_object};
use serde_json::Value;

pub use error::{ManifestError, Place, Problem};
use node::{Index, Placed};

/// The largest manifest that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// What a manifest file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded {
    /// One run.
    Run(Manifest<ScoringRunSpec>),
    /// A schedule of runs.
    Schedule(Manifest<ScoringScheduleSpec>),
}

/// Reads the manifest at `path`, YAML or JSON, after putting in the `overrides` (each `spec.a.b=value`).
///
/// Relative paths in its locations are taken from the manifest's folder.
///
/// # Errors
///
/// A file that cannot be read or is larger than 4 MiB; everything in it and in the overrides that the API does not allow, all
/// together, each with its line and column.
pub fn load(path: &Path, overrides: &[String]) -> Result<Loaded, ManifestError> {
    let read = |source| ManifestError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(read)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ManifestError::TooLarge {
            path: path.to_owned(),
        });
    }
    let absolute = std::path::absolute(path).map_err(read)?;
    // Without `..`, which a location must not hold and which a link before it gives another meaning.
    let folder = absolute
        .parent()
        .unwrap_or(&absolute)
        .canonicalize()
        .map_err(read)?;
    let source = path.display().to_string();
    parse(&source, &bytes, &folder, overrides)
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
    let mut root = node::read(bytes).map_err(|problem| refused(vec![problem]))?;
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
    }
    .map_err(|problem| refused(vec![problem]))
}

/// The kind whose rules the object is checked against; a misspelt one is reported by those.
fn kind_of(root: &Placed) -> Kind {
    let kind = root.get("kind").and_then(Placed::text).unwrap_or_default();
    if kind.to_lowercase().contains("schedule") {
        Kind::ScoringSchedule
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
    if kind == Kind::ScoringSchedule {
        timetable::check(value, index, &mut problems);
    }
    urls::check(kind, value, index, &mut problems);
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    problems
}

fn typed<S: Spec>(value: Value) -> Result<Manifest<S>, Problem> {
    serde_json::from_value(value).map_err(|error| Problem {
        place: Place::Unknown,
        field: String::new(),
        message: error.to_string(),
    })
}
