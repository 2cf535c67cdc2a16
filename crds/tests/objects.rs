//! Every object in `objects/valid` is allowed; every one in `objects/invalid` is refused with the field and message that its
//! first line names: `# field: message`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use fleetscore_crds::{
    Kind, Manifest, ManifestError, ReadingStreamSpec, ScoringRunSpec, ScoringScheduleSpec,
    validate_object,
};
use serde_json::Value;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/objects")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 5);
    files
}

fn read(path: &Path) -> (String, Value) {
    let text = fs::read_to_string(path).unwrap();
    let value =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (text, value)
}

fn kind(object: &Value) -> Kind {
    match object["kind"].as_str() {
        Some("ScoringSchedule") => Kind::ScoringSchedule,
        Some("ReadingStream") => Kind::ReadingStream,
        _ => Kind::ScoringRun,
    }
}

fn parse(object: &Value) -> Result<String, ManifestError> {
    let json = object.to_string();
    Ok(match kind(object) {
        Kind::ScoringRun => Manifest::<ScoringRunSpec>::from_json(json.as_bytes())?.to_json()?,
        Kind::ScoringSchedule => {
            Manifest::<ScoringScheduleSpec>::from_json(json.as_bytes())?.to_json()?
        }
        Kind::ReadingStream => {
            Manifest::<ReadingStreamSpec>::from_json(json.as_bytes())?.to_json()?
        }
    })
}

#[test]
fn valid_objects_are_allowed() {
    for file in files("valid") {
        let (_, object) = read(&file);
        let written = parse(&object).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let again: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(
            validate_object(kind(&object), &again),
            [],
            "{}: defaults are valid too",
            file.display()
        );
    }
}

#[test]
fn invalid_objects_are_refused() {
    let mut wrong = Vec::new();
    for file in files("invalid") {
        let (text, object) = read(&file);
        let (field, message) = text
            .lines()
            .next()
            .unwrap()
            .trim_start_matches("# ")
            .split_once(": ")
            .unwrap();
        let found = validate_object(kind(&object), &object);
        if !found
            .iter()
            .any(|violation| violation.field == field && violation.message.contains(message))
        {
            wrong.push(format!("{}: {found:#?}", file.display()));
        }
        assert!(parse(&object).is_err(), "{}", file.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One mistake gives one complaint, so that nobody looks for a second.
#[test]
fn one_mistake_one_complaint() {
    for file in files("invalid") {
        let (_, object) = read(&file);
        let found = validate_object(kind(&object), &object);
        assert_eq!(found.len(), 1, "{}: {found:#?}", file.display());
    }
}

/// A misspelt field or value is refused by the types alone too, not only by the schema.
#[test]
fn the_types_are_strict() {
    for name in [
        "unknown-field",
        "misspelt-enum",
        "misspelt-kind",
        "unknown-in-azure",
    ] {
        let (_, object) = read(
            &files("invalid")
                .into_iter()
                .find(|file| file.ends_with(format!("{name}.yaml")))
                .unwrap(),
        );
        assert!(
            serde_json::from_value::<Manifest<ScoringRunSpec>>(object).is_err(),
            "{name}"
        );
    }
}
