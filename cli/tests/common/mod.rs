//! A small plant on disk, and the program run on it.
#![allow(dead_code, reason = "every test file uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a simulated plant, its models and a manifest.
pub struct Plant {
    dir: TempDir,
}

impl Plant {
    /// Simulates and trains a plant of `sensors` sensors, two tags a device.
    pub fn new(sensors: u32) -> Self {
        let plant = Self {
            dir: TempDir::new().unwrap(),
        };
        let simulate = [
            "simulate",
            "--seed",
            "7",
            "--hours",
            "0.5",
            "--interval-seconds",
            "30",
            "--tags",
            "2",
        ];
        let training = [
            "--train-hours",
            "2",
            "--sensors",
            &sensors.to_string(),
            "--out",
            ".",
        ];
        assert_success(&plant.fleetscore(&[&simulate[..], &training[..]].concat()));
        assert_success(&plant.fleetscore(&["train", "-f", "train.yaml"]));
        plant
    }

    /// The plant's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A text file of the plant.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Replaces a file of the plant.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Makes a folder of the plant.
    pub fn write_folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    /// Replaces text in a file of the plant; it must occur.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not contain {from:?}");
        self.write(name, text.replacen(from, to, 1));
    }

    /// Runs the program in the plant's folder.
    pub fn fleetscore(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_fleetscore"))
            .args(args)
            .current_dir(self.dir.path())
            .output()
            .unwrap()
    }

    /// Runs `run.yaml` with overrides; returns the exit code and the report.
    pub fn run(&self, overrides: &[&str]) -> (i32, Value) {
        let mut args = vec!["run", "-f", "run.yaml", "--json", "--quiet"];
        args.extend(overrides.iter().flat_map(|set| ["--set", set]));
        let output = self.fleetscore(&args);
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), report)
    }

    /// Every file under `predictions/`, without what may differ from run to run: the logs, the page, and timings.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        tree(&self.path("predictions"))
    }
}

/// Every file under `folder` by its path, without what may differ from run to run: the claims of the place, the runs' UIDs among it.
pub fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    collect(folder, folder, &mut files);
    files
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_dir() {
            collect(root, &path, files);
        } else if !name.starts_with("_run/owner/") {
            files.insert(name.clone(), stable(&name, &fs::read(&path).unwrap()));
        }
    }
}

fn stable(name: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if name.starts_with("_run/ledger/") || name == "_run/plan.jsonl" {
        return text
            .lines()
            .map(without_timings)
            .collect::<Vec<_>>()
            .join("\n");
    }
    match name {
        "_run/report.json" => without_timings(&text),
        "_run/report.html" => "html".to_owned(),
        _ if name.starts_with("_runs/") => without_timings(&text),
        _ if name.starts_with("_run/logs/") => "log".to_owned(),
        _ => text,
    }
}

fn without_timings(json: &str) -> String {
    let mut value: Value = serde_json::from_str(json).unwrap();
    let object = value.as_object_mut().unwrap();
    for field in ["seconds", "timing"] {
        object.remove(field);
    }
    if let Some(run) = object.get_mut("run").and_then(Value::as_object_mut) {
        run.remove("uid");
    }
    value.to_string()
}

/// Fails with the program's messages unless it ended with 0.
pub fn assert_success(output: &Output) {
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The failures of a report by reason, with the number of sensors and the first example's message.
pub fn failures(report: &Value) -> BTreeMap<String, (u64, String)> {
    let groups = report["failures"].as_array().unwrap();
    groups
        .iter()
        .map(|group| {
            let message = group["examples"][0]["message"].as_str().unwrap().to_owned();
            (
                group["reason"].as_str().unwrap().to_owned(),
                (group["count"].as_u64().unwrap(), message),
            )
        })
        .collect()
}
