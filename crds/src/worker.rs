use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{run_pod, worker_pod};

/// Python that scores models which Fleetscore does not read itself, in processes of its own.
///
/// The run finds, reads and slices the readings, and writes what comes back; Python is handed a model's file and the readings of one
/// sensor at a time, and nothing else: no credentials, no other sensor's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::worker()))]
pub struct WorkerSpec {
    /// Image with Python 3.6 or newer, numpy and whatever the models need, as it is. Needed on a cluster; on one machine its own Python
    /// runs, and this is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^\S+$"))]
    pub image: Option<String>,
    /// The code that loads and scores: a module that Python can import there, such as `plant.predict`, or the path of a file, such as
    /// `predict.py`. On one machine a relative path is taken from the manifest's folder, in a pod from the image's working directory.
    /// Absent: a folder with `MLmodel` in it, or else a joblib file whose object has `predict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(
            pattern = r"^([A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)*|[^\x00-\x1f\x7f]*[.]py)$"
        )
    )]
    pub module: Option<String>,
    /// The Python and its arguments, before the name of the file that it is to run: `[/opt/conda/bin/python]`.
    #[serde(default = "python")]
    #[schemars(length(min = 1, max = 16), extend("default" = ["python3"], "items" = crate::rules::argument()))]
    pub command: Vec<String>,
    /// Python processes, each of which scores one sensor at a time.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    pub processes: u32,
    /// How long loading a model may take, and how long each scoring of its readings, in seconds. The process is then killed, and the
    /// sensor fails with `ModelTimeout`.
    #[serde(default = "two_minutes")]
    #[schemars(range(min = 1, max = 86_400))]
    pub timeout_seconds: u32,
    /// Memory of each process, in MiB. One that takes more is killed, and its sensor fails with `WorkerCrashed`.
    #[serde(default = "gibibyte", rename = "memoryMiB")]
    #[schemars(range(min = 64, max = 1_048_576))]
    pub memory_mib: u32,
    /// Rows that are handed over at once. A sensor with more of them is scored in several calls, in the order of its readings. Absent:
    /// all rows of a sensor come in one call, so that lags and moving windows see them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub max_rows: Option<u32>,
    /// What a module's `run` is handed.
    #[serde(default)]
    pub mini_batch: MiniBatch,
    /// Which models Python scores.
    #[serde(default, rename = "use")]
    pub used: WorkerUse,
}

/// What a module's `run(mini_batch)` is handed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MiniBatch {
    /// A pandas `DataFrame` of the sensor's readings.
    #[default]
    Frame,
    /// A list with the path of one CSV file of the sensor's readings.
    Files,
}

/// Which models Python scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WorkerUse {
    /// All of them.
    #[default]
    Always,
    /// Those alone that Fleetscore refuses to read: of another kind, or with something in them that it does not know.
    Refused,
}

impl WorkerSpec {
    /// Memory that its container has, in MiB: that of its processes, and some for what starts them.
    pub fn container_memory_mib(&self) -> u64 {
        u64::from(self.processes) * u64::from(self.memory_mib)
            + u64::from(worker_pod::MORE_MEMORY_MIB)
    }

    /// The CPU that the scorer beside it requests where no template says otherwise.
    pub fn scorer_cpu(&self) -> &'static str {
        match self.used {
            WorkerUse::Always => worker_pod::SCORER_CPU,
            WorkerUse::Refused => run_pod::SCORE_CPU,
        }
    }
}

impl Default for WorkerSpec {
    fn default() -> Self {
        Self {
            image: None,
            module: None,
            command: python(),
            processes: one(),
            timeout_seconds: two_minutes(),
            memory_mib: gibibyte(),
            max_rows: None,
            mini_batch: MiniBatch::default(),
            used: WorkerUse::default(),
        }
    }
}

fn python() -> Vec<String> {
    vec!["python3".to_owned()]
}

fn one() -> u32 {
    1
}

fn two_minutes() -> u32 {
    120
}

fn gibibyte() -> u32 {
    1024
}
