//! The committed JSON schemas of `report.json` and of the records of runs are those of the code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use fleetscore_crds::{FailureReason, SENSOR_REASONS};
use fleetscore_scorer::history::RunRecord;
use fleetscore_scorer::report::Report;

/// Run with `UPDATE=1` to write the schema anew.
#[test]
fn committed_schema_is_current() {
    check("report.schema.json", &schemars::schema_for!(Report));
    check("run-record.schema.json", &schemars::schema_for!(RunRecord));
}

fn check(name: &str, schema: &schemars::Schema) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");
    let path = folder.join(name);
    let schema = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == schema,
        "docs/reference/{name} is out of date: run this test with UPDATE=1"
    );
}

/// The operator counts the reasons that it knows by name, and all others as one.
#[test]
fn every_reason_of_a_sensor_is_known_to_who_counts_them() {
    let schema = schemars::schema_for!(FailureReason);
    let variants = schema.get("oneOf").unwrap().as_array().unwrap();
    let mut reasons: Vec<_> = variants
        .iter()
        .map(|variant| variant["const"].as_str().unwrap())
        .collect();
    let mut known = SENSOR_REASONS.to_vec();
    reasons.sort_unstable();
    known.sort_unstable();
    assert_eq!(reasons, known, "list it in crds/src/reason.rs");
}
