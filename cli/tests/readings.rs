//! Readings that are not as they should be, as a user meets them: what is said, by the run and by the dry run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;

use common::{Plant, failures, text};

/// A plant of two sensors whose readings are the files of `in/`, or what `location` says.
struct Inputs {
    plant: Plant,
}

const HEADER: &str = "TS,Device,Tag,Value\n";

/// Five readings of a sensor.
fn rows(device: &str, tag: u32) -> String {
    let row = |second: u32| format!("2018-08-28T23:00:0{second}Z,{device},{tag},20.{second}\n");
    (0..5).map(row).collect::<Vec<String>>().concat()
}

impl Inputs {
    /// The files by their paths.
    fn new(files: &[(&str, String)]) -> Self {
        let inputs = Self {
            plant: Plant::new(2),
        };
        let window = "  window: {start: 2026-01-05T00:00:00Z, end: 2026-01-05T00:30:00Z}\n";
        inputs.plant.edit("run.yaml", window, "");
        let label = "      label: Label      # the truth: the report gives precision and recall\n";
        inputs.plant.edit("run.yaml", label, "");
        for (path, text) in files {
            inputs.write(path, text.as_bytes());
        }
        inputs
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        fs::create_dir_all(self.plant.path(path).parent().unwrap()).unwrap();
        self.plant.write(path, bytes);
    }

    fn set(location: &str) -> String {
        format!("spec.input.location={location}")
    }

    /// The message of the failure that all of `sensors` have, and its reason.
    fn failure(&self, overrides: &[&str], sensors: u64) -> (String, String) {
        let (code, report) = self.plant.run(overrides);
        assert_eq!(code, 1, "{report}");
        let found = failures(&report);
        assert_eq!(found.len(), 1, "{found:?}");
        let (reason, (count, message)) = found.into_iter().next().unwrap();
        assert_eq!(count, sensors, "{message}");
        (reason, message)
    }

    /// What the dry run prints.
    fn plan(&self, location: &str) -> (Option<i32>, String) {
        let set = Self::set(location);
        let output = self
            .plant
            .fleetscore(&["plan", "-f", "run.yaml", "--set", &set]);
        (
            output.status.code(),
            text(&output.stdout) + &text(&output.stderr),
        )
    }

    /// Readings scored.
    fn scored(&self, overrides: &[&str]) -> u64 {
        let (code, report) = self.plant.run(overrides);
        assert_eq!(code, 0, "{report}");
        report["rows"].as_u64().unwrap()
    }
}

fn both() -> String {
    format!("{HEADER}{}{}", rows("1", 1), rows("1", 2))
}

#[test]
fn a_table_is_refused_by_the_run_and_by_the_plan() {
    for (mark, kind) in [
        (
            "in/_delta_log/00000000000000000000.json",
            "a Delta Lake table",
        ),
        ("in/metadata/v1.metadata.json", "an Apache Iceberg table"),
        ("in/.hoodie/hoodie.properties", "an Apache Hudi table"),
        ("_delta_log/00000000000000000000.json", "a Delta Lake table"),
    ] {
        let inputs = Inputs::new(&[("in/part-0.csv", both()), (mark, "{}".to_owned())]);
        for location in ["in/", "in/part-{device}.csv", "in/device={device}/"] {
            let set = Inputs::set(location);
            let output = inputs
                .plant
                .fleetscore(&["run", "-f", "run.yaml", "--set", &set]);
            let said = text(&output.stderr);
            assert!(!output.status.success(), "{mark} {location}: {said}");
            assert!(
                said.contains(kind) && said.contains("spec.input.location"),
                "{mark} {location}: {said}"
            );
            assert!(!inputs.plant.path("predictions/_SUCCESS").exists());
            let (code, said) = inputs.plan(location);
            assert_ne!(code, Some(0), "{mark} {location}: {said}");
            assert!(said.contains(kind), "{mark} {location}: {said}");
        }
        // One file of it can be named.
        assert_eq!(
            inputs.scored(&[&Inputs::set("in/part-0.csv")]),
            10,
            "{mark}"
        );
    }
    // Between the folder that all sensors share and that of one.
    let inputs = Inputs::new(&[
        ("in/1/_delta_log/0.json", "{}".to_owned()),
        ("in/1/part/a.csv", both()),
    ]);
    let (reason, message) = inputs.failure(&[&Inputs::set("in/{device}/part/")], 2);
    assert_eq!(reason, "ReadingsUnreadable");
    assert!(message.contains("in/1/ is a Delta Lake table"), "{message}");
    // Further down it is found when the folder is listed.
    let inputs = Inputs::new(&[
        ("in/a.csv", both()),
        ("in/lake/t/_delta_log/0.json", "{}".to_owned()),
        ("in/lake/t/part-0.csv", both()),
    ]);
    let (reason, message) = inputs.failure(&[&Inputs::set("in/")], 2);
    assert_eq!(reason, "ReadingsUnreadable");
    assert!(
        message.contains("in/lake/t/ is a Delta Lake table"),
        "{message}"
    );
    let (_, said) = inputs.plan("in/");
    assert!(said.contains("in/lake/t/ is a Delta Lake table"), "{said}");
}

#[test]
fn what_is_no_data_in_a_folder_does_not_count() {
    let inputs = Inputs::new(&[
        ("in/a.csv", both()),
        ("in/README.md", "# hello\n".to_owned()),
        ("in/Thumbs.db", "x".to_owned()),
        ("in/_SUCCESS", String::new()),
        ("in/.a.csv.crc", "x".to_owned()),
        ("in/_temporary/b.csv", both()),
    ]);
    assert_eq!(inputs.scored(&[&Inputs::set("in/")]), 10);
    let output = inputs.plant.fleetscore(&[
        "plan",
        "-f",
        "run.yaml",
        "--json",
        "--set",
        &Inputs::set("in/"),
    ]);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["inputObjects"].as_u64(), Some(1), "{plan}");
    fs::remove_file(inputs.plant.path("in/a.csv")).unwrap();
    let (reason, message) = inputs.failure(&[&Inputs::set("in/")], 2);
    assert_eq!(reason, "ReadingsNotFound");
    assert!(
        message.contains("README.md") && message.contains("does not count by its name"),
        "{message}"
    );
    let (_, said) = inputs.plan("in/");
    assert!(said.contains("does not count by its name"), "{said}");
}

#[test]
fn keys_and_partitions_may_begin_with_an_underscore() {
    let inputs = Inputs::new(&[
        ("_in/_x=1/a.csv", both()),
        ("in/_1.csv", format!("{HEADER}{}", rows("1", 1))),
        ("in/_2.csv", format!("{HEADER}{}", rows("1", 2))),
    ]);
    assert_eq!(inputs.scored(&[&Inputs::set("_in/")]), 10);
    assert_eq!(inputs.scored(&[&Inputs::set("in/_{tag}.csv")]), 10);
}

#[test]
fn a_folder_without_a_slash_and_a_pattern_are_named() {
    let inputs = Inputs::new(&[("in/a.csv", both())]);
    for (location, part) in [
        ("in", "is a folder; end it in a slash"),
        ("in/*.csv", "patterns are not expanded, write "),
        ("in/*/", "patterns are not expanded, write "),
    ] {
        let (reason, message) = inputs.failure(&[&Inputs::set(location)], 2);
        assert_eq!(reason, "ReadingsNotFound", "{location}");
        assert!(message.contains(part), "{location}: {message}");
        let (_, said) = inputs.plan(location);
        assert!(said.contains(part), "{location}: {said}");
    }
}

#[test]
fn no_readings_says_what_there_was_instead() {
    let readings = rows("01", 1) + &rows("1", 2);
    let inputs = Inputs::new(&[("in.csv", format!("{HEADER}{readings}"))]);
    let here = Inputs::set("in.csv");
    let (reason, message) = inputs.failure(&[&here], 1);
    assert_eq!(reason, "NoReadings");
    assert!(
        message.contains("rows have device=\"01\" tag=\"1\": keys are compared as text"),
        "{message}"
    );
    let window = [
        "spec.window.start=2018-08-28T22:00:00Z",
        "spec.window.end=2018-08-28T23:00:00Z",
    ];
    inputs.write("in.csv", both().as_bytes());
    let (reason, message) = inputs.failure(&[&here, window[0], window[1]], 2);
    assert_eq!(reason, "NoReadings");
    assert!(
        message.contains(
            "5 of its readings are outside the window, the nearest at 2018-08-28T23:00:00Z"
        ),
        "{message}"
    );
    let skip = "spec.input.onInvalidReading=Skip";
    inputs.write("in.csv", both().replace(",20.", ",?").as_bytes());
    let (_, message) = inputs.failure(&[&here, skip], 2);
    assert!(
        message.contains("5 were left out because they cannot be scored, the first is"),
        "{message}"
    );
    assert!(
        message.contains("row 2, column \"Value\": \"?0\" is not a finite number"),
        "{message}"
    );
    inputs.write("in.csv", both().replace(",20.", ",20,").as_bytes());
    let (_, message) = inputs.failure(&[&here, skip], 2);
    assert!(
        message.contains("10 lines were left out for their number of fields, the first is"),
        "{message}"
    );
    assert!(
        message.contains("line 2: 5 fields, but the header has 4"),
        "{message}"
    );
}

/// Whether a sensor's file ends within a line.
fn warns(report: &serde_json::Value) -> bool {
    let groups = report["warnings"].as_array().unwrap();
    groups
        .iter()
        .any(|group| group["reason"] == "UnfinishedLine")
}

#[test]
fn the_last_line_of_a_file_that_grows_is_named() {
    let inputs = Inputs::new(&[("in.csv", both() + "2018-08-28T23:00:09Z,1,1,10.1")]);
    let here = Inputs::set("in.csv");
    let (code, report) = inputs.plant.run(&[&here]);
    assert_eq!((code, report["rows"].as_u64()), (0, Some(11)));
    assert!(warns(&report), "{report}");
    let window = [
        "spec.window.start=2018-08-28T23:00:00Z",
        "spec.window.end=2018-08-28T23:01:00Z",
    ];
    let (code, report) = inputs.plant.run(&[&here, window[0], window[1]]);
    assert_eq!(
        (code, report["rows"].as_u64(), report["skipped"].as_u64()),
        (0, Some(10), Some(1))
    );
    assert!(warns(&report), "{report}");
    inputs.write("in.csv", (both() + "2018-08-28T23:00:09Z,1").as_bytes());
    let (reason, message) = inputs.failure(&[&here], 2);
    assert_eq!(reason, "ReadingsUnreadable");
    assert!(
        message
            .contains("in.csv ends within line 12, without a line end; is it still being written?"),
        "{message}"
    );
}

#[test]
fn times_with_two_readings_are_refused_and_others_read() {
    for (time, fits) in [
        ("2018-08-28 23:00:00 UTC", true),
        ("2018-08-28 23:00:00 +0000", true),
        ("1.535497200E9", true),
        ("8/28/2018 11:00:00 PM", false),
        ("1.5354972E9", false),
    ] {
        let inputs = Inputs::new(&[(
            "in.csv",
            format!("{HEADER}{time},1,1,20.5\n{time},1,2,20.5\n"),
        )]);
        let here = Inputs::set("in.csv");
        if fits {
            assert_eq!(inputs.scored(&[&here]), 2, "{time}");
        } else {
            let (reason, message) = inputs.failure(&[&here], 2);
            assert_eq!(reason, "InvalidReading");
            assert!(
                message.contains("column \"TS\"") && message.contains("is not a time"),
                "{message}"
            );
        }
    }
}
