//! The committed JSON schema of `report.json` is the one of the code.

use std::path::Path;

use fleetscore_scorer::report::Report;

/// Run with `UPDATE=1` to write the schema anew.
#[test]
fn committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/report.schema.json");
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Report)).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == schema,
        "docs/reference/report.schema.json is out of date: run this test with UPDATE=1"
    );
}
