//! The committed JSON schema of the pages' numbers is the one of the code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use fleetscore_cluster::view;
use fleetscore_dashboard::views::{Health, Nodes, Overview, RunView, Runs, Schedule, SensorView};
use schemars::JsonSchema;

/// The numbers of any page.
#[derive(JsonSchema)]
#[schemars(title = "Numbers of the dashboard's pages")]
#[allow(dead_code, reason = "only its schema is wanted")]
struct Pages {
    /// `/overview.json`.
    overview: Overview,
    /// `/runs.json`.
    runs: Runs,
    /// `/runs/NAMESPACE/RUN.json`.
    run: RunView,
    /// `cluster` in that of a run which is in the cluster.
    live_run: view::RunView,
    /// `/schedules/NAMESPACE/SCHEDULE.json`.
    schedule: Schedule,
    /// `cluster` in that of a schedule which is in the cluster.
    live_schedule: view::ScheduleView,
    /// `/nodes.json`.
    nodes: Nodes,
    /// `/sensors/NAMESPACE/SCHEDULE/KEY.json`.
    sensor: SensorView,
    /// `/health/NAMESPACE/SCHEDULE.json`.
    health: Health,
}

/// Run with `UPDATE=1` to write the schema anew.
#[test]
fn committed_schema_is_current() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/dashboard.schema.json");
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Pages)).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == schema,
        "docs/reference/dashboard.schema.json is out of date: run this test with UPDATE=1"
    );
}
