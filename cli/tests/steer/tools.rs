use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;

pub const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
pub const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";
pub const NAMESPACE: &str = "plant-a";
pub const RUN: &str = "pumps-1764324000";

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// An API server and somebody's login to it.
pub struct Person {
    pub api: Api,
    pub folder: TempDir,
}

impl Person {
    pub async fn new() -> Self {
        let api = Api::new();
        let url = api.listen("person").await;
        let person = Self {
            api,
            folder: TempDir::new().unwrap(),
        };
        person.log_in(&url);
        person
    }

    /// Writes a kubeconfig for the server at `url`.
    pub fn log_in(&self, url: &str) {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": url}}],
            "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": NAMESPACE}}],
        });
        std::fs::write(self.kubeconfig(), config.to_string()).unwrap();
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A command of the plugin, in the person's folder and with the person's login.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
        command
            .arg("kubectl")
            .args(args)
            .env("KUBECONFIG", self.kubeconfig())
            .current_dir(self.folder.path())
            .stdin(std::process::Stdio::null());
        command
    }

    pub async fn does(&self, args: &[&str]) -> Done {
        done(self.command(args)).await
    }
}

/// Runs a command while the server answers.
pub async fn done(mut command: Command) -> Done {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn spec() -> Value {
    json!({
        "model": {"location": "az://models/model_{device}"},
        "input": {"location": "az://data/d.csv", "columns": {"time": "TS", "keys": {"device": "Device"}, "features": ["Value"]}},
        "output": {"location": "az://predictions/{schedule}/{window.start:%Y/%m/%d/%H}/", "file": "p_{device}.csv"},
        "storage": {"azure": {"account": "plantstore"}},
    })
}

/// A run of `pumps`.
#[allow(clippy::needless_pass_by_value, reason = "a test says it at once")]
pub fn run(status: Value) -> Value {
    let mut spec = spec();
    spec["window"] = json!({"start": "2025-11-28T09:00:00Z", "end": "2025-11-28T10:00:00Z"});
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun",
        "metadata": {"name": RUN, "labels": {"scoring.fleetscore.io/schedule": "pumps", "scoring.fleetscore.io/cause": "tick"}},
        "spec": spec, "status": status,
    })
}

/// A run that ended so.
pub fn ended(phase: &str, failed: u64) -> Value {
    run(json!({
        "phase": phase,
        "sensors": {"total": 15, "succeeded": 15 - failed, "failed": failed},
        "startTime": "2025-11-28T10:00:00Z", "completionTime": "2025-11-28T10:04:10Z",
        "report": "az://predictions/pumps/2025/11/28/09/_run/report.html",
        "topFailures": [{"reason": "ModelNotFound", "count": failed, "example": "device=3", "message": "az://models/model_3 does not exist"}],
        "usage": {"nodes": 4, "nodeSeconds": 3000, "amount": 0.25, "currency": "EUR"},
    }))
}

pub fn schedule() -> Value {
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringSchedule",
        "metadata": {"name": "pumps", "annotations": {}},
        "spec": {"schedule": "0 * * * *", "timeZone": "Europe/Berlin", "runTemplate": {"spec": spec()}},
        "status": {},
    })
}
