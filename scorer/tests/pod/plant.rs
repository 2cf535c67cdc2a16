use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// In the environment of every scorer; must not appear in anything that it writes.
pub const SECRET: &str = "c2VjcmV0LW1hcmtlci10aGF0LW5vYm9keS1tYXktc2Vl";

/// A folder with models, readings and a run.
pub struct Plant {
    dir: TempDir,
    /// The run as the operator hands it to a pod.
    pub run: Value,
}

/// How a step ended.
#[derive(Debug)]
pub struct Ended {
    /// None where a signal has killed it.
    pub code: Option<i32>,
    /// The termination message.
    pub message: Value,
    /// Standard error.
    pub stderr: String,
}

impl Plant {
    /// `sensors` sensors with a real model each and `rows` readings each, all in one CSV file.
    pub fn new(sensors: usize, rows: usize) -> Self {
        let plant = Self::empty();
        for sensor in 0..sensors {
            plant.add_model(sensor);
        }
        let mut csv = "Time,Device,Value\n".to_owned();
        for row in 0..rows {
            for sensor in 0..sensors {
                push_row(&mut csv, row, &format!("{sensor:03},"));
            }
        }
        plant.write("readings.csv", &csv);
        plant
    }

    /// The same with a file of readings for each sensor, so that each is scored in a pass of its own.
    pub fn with_files(sensors: usize, rows: usize) -> Self {
        let mut plant = Self::empty();
        let mut csv = "Time,Value\n".to_owned();
        for row in 0..rows {
            push_row(&mut csv, row, "");
        }
        plant.write("readings/000.csv", &csv);
        for sensor in 0..sensors {
            plant.add_model(sensor);
            if sensor > 0 {
                let link = plant.path(&format!("readings/{sensor:03}.csv"));
                fs::hard_link(plant.path("readings/000.csv"), link).unwrap();
            }
        }
        let location = plant.url("readings/{device}.csv");
        plant.set("/spec/input/location", json!(location));
        plant.set("/spec/input/columns/keys", json!({}));
        plant
    }

    fn empty() -> Self {
        let mut plant = Self {
            dir: TempDir::new().unwrap(),
            run: json!({
                "apiVersion": "scoring.fleetscore.io/v1alpha1",
                "kind": "ScoringRun",
                "metadata": {"name": "pods"},
                "spec": {
                    "model": {"location": ""},
                    "input": {
                        "location": "",
                        "columns": {"time": "Time", "keys": {"device": "Device"}, "features": ["Value"]},
                    },
                    "output": {"location": "", "file": "preds_{device}.csv"},
                },
            }),
        };
        for (field, path) in [
            ("model", "models/{device}.pkl"),
            ("input", "readings.csv"),
            ("output", "out/"),
        ] {
            let url = plant.url(path);
            plant.run["spec"][field]["location"] = json!(url);
        }
        plant
    }

    fn add_model(&self, sensor: usize) {
        let model = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/models/standard_rbf_d1_sk191.p5.pkl");
        self.write(&format!("models/{sensor:03}.pkl"), fs::read(model).unwrap());
    }

    /// A path in the plant's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The location of a path in the plant's folder.
    pub fn url(&self, name: &str) -> String {
        format!("file://{}/{name}", self.dir.path().display())
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    /// A text file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Sets a field of the run, which may be absent; its parent must be there.
    pub fn set(&mut self, pointer: &str, value: Value) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        self.run.pointer_mut(parent).unwrap()[name] = value;
    }

    /// A command that runs a step, behind `launcher`. Its termination message goes to the file `termination`.
    pub fn command(&self, launcher: &[&str], args: &[&str]) -> Command {
        self.write("run.json", self.run.to_string());
        self.write("termination", "");
        let mut words = launcher.to_vec();
        words.push(env!("CARGO_BIN_EXE_scorer"));
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(args)
            .arg("--run")
            .arg(self.path("run.json"))
            .arg("--termination-log")
            .arg(self.path("termination"))
            .env("AZURE_STORAGE_ACCOUNT_KEY", SECRET)
            .stderr(Stdio::piped());
        command
    }

    /// Runs a step to its end.
    pub fn step(&self, args: &[&str]) -> Ended {
        self.end(self.command(&[], args).spawn().unwrap())
    }

    /// Runs a step that must do all its work.
    pub fn succeed(&self, args: &[&str]) -> Value {
        let ended = self.step(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
        ended.message
    }

    /// Waits for a step.
    pub fn end(&self, child: Child) -> Ended {
        let output = child.wait_with_output().unwrap();
        let message = self.read("termination");
        assert!(message.len() <= 4096, "{} bytes", message.len());
        Ended {
            code: output.status.code(),
            message: serde_json::from_str(&message).unwrap_or_default(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Plans, scores every shard and collects; every step must succeed.
    pub fn whole_run(&self) {
        let plan = self.succeed(&["plan"]);
        for shard in 0..plan["shards"].as_u64().unwrap() {
            self.succeed(&["score", "--shard", &shard.to_string()]);
        }
        self.succeed(&["collect"]);
    }

    /// Every file of the output by its path, without what may differ from run to run: the claims, the logs, the page, and timings.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        add_files(&self.path("out"), &self.path("out"), &mut files);
        files
    }

    /// The files of predictions.
    pub fn predictions(&self) -> BTreeMap<String, String> {
        let mut files = self.outputs();
        files.retain(|name, _| name.starts_with("preds_"));
        files
    }

    /// The header and the entries of a ledger.
    pub fn ledger(&self, shard: u32) -> (Value, Vec<Value>) {
        let text = self.read(&format!("out/_run/ledger/{shard:06}.jsonl"));
        let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        (lines.next().unwrap(), lines.collect())
    }

    /// The reasons of the failures in a ledger; an empty one for a sensor that was scored.
    pub fn reasons(&self, shard: u32) -> Vec<String> {
        let reason = |entry: &Value| {
            entry["error"]["reason"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        self.ledger(shard).1.iter().map(reason).collect()
    }

    /// The names of the files directly in the output folder.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("out")) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Waits until `seen` holds for the names in the output folder; whether it did before the child ended.
    pub fn watch(&self, child: &mut Child, seen: impl Fn(&[String]) -> bool) -> bool {
        loop {
            if seen(&self.names()) {
                return true;
            }
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::yield_now();
        }
    }
}

/// Fails with the names of the files that differ.
pub fn assert_same(found: &BTreeMap<String, String>, expected: &BTreeMap<String, String>) {
    let names: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    for name in names {
        let (found, expected) = (found.get(name), expected.get(name));
        if found == expected {
            continue;
        }
        let mut lines = found
            .into_iter()
            .flat_map(|text| text.lines())
            .zip(expected.into_iter().flat_map(|text| text.lines()));
        let differing = lines.find(|(found, expected)| found != expected);
        let lengths = (found.map(String::len), expected.map(String::len));
        panic!("{name} differs, bytes: {lengths:?}, first: {differing:?}");
    }
}

fn push_row(csv: &mut String, row: usize, key: &str) {
    let (minutes, seconds) = (row / 60 % 60, row % 60);
    let (day, hour) = (1 + row / 86_400, row / 3600 % 24);
    // A value that goes up and down about the models' means, with a decimal part.
    let value = 19.0 + (row * 37 % 101) as f64 / 16.0;
    writeln!(
        csv,
        "2018-08-{day:02}T{hour:02}:{minutes:02}:{seconds:02}Z,{key}{value}"
    )
    .unwrap();
}

fn add_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_dir() {
            add_files(root, &path, files);
        } else if !name.starts_with("_run/owner/") {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8(bytes)
                .unwrap_or_else(|error| format!("{:?}", error.into_bytes()));
            files.insert(name.clone(), stable(&name, &text));
        }
    }
}

fn stable(name: &str, text: &str) -> String {
    match name {
        "_run/report.html" => "page".to_owned(),
        "_run/report.json" => without_timings(text),
        _ if name.starts_with("_runs/") => without_timings(text),
        _ if name.starts_with("_run/logs/") => "log".to_owned(),
        _ if name.starts_with("_run/ledger/") => text.lines().map(without_timings).collect(),
        _ => text.to_owned(),
    }
}

fn without_timings(json: &str) -> String {
    let mut value: Value = serde_json::from_str(json).unwrap();
    let object = value.as_object_mut().unwrap();
    object.remove("seconds");
    object.remove("timing");
    value.to_string() + "\n"
}
