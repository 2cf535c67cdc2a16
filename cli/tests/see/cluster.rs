use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::api::Api;
use crate::common::text;

pub const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
pub const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";

/// A cluster, and a folder with the login to it.
pub struct Cluster {
    pub api: Api,
    pub folder: TempDir,
    // The server lives in it.
    _runtime: Runtime,
}

impl Cluster {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let api = Api::new();
        let url = runtime.block_on(api.listen("person"));
        let folder = TempDir::new().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "plant-a"}}],
        });
        fs::write(folder.path().join("config"), kubeconfig.to_string()).unwrap();
        Self {
            api,
            folder,
            _runtime: runtime,
        }
    }

    /// A call of the program with this login, as kubectl's plugin.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
        command
            .arg("kubectl")
            .args(args)
            .env_clear()
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("PATH", self.folder.path());
        command
    }

    pub fn call(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What it prints, where it ends with this code.
    pub fn said(&self, args: &[&str], code: i32) -> String {
        let output = self.call(args);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        text(&output.stdout) + &errors
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.call(&[args, &["-o", "json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", text(&output.stderr)))
    }

    pub fn run(&self, name: &str, location: &str, storage: &Value, status: &Value) {
        self.api.create(
            RUNS,
            "plant-a",
            name,
            json!({
                "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun", "metadata": {},
                "spec": {
                    "model": {"location": "az://models/{device}"},
                    "input": {"location": "az://data/i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                    "output": {"location": location, "file": "{device}.csv"},
                    "storage": storage,
                },
                "status": status,
            }),
        );
    }

    pub fn ended(&self, name: &str, phase: &str) {
        let status = json!({"phase": phase, "sensors": {"total": 3, "succeeded": 2, "failed": 1}, "topFailures": [
            {"reason": "ModelNotFound", "count": 1, "example": "device=3", "message": "az://models/3 does not exist"},
        ]});
        self.run(
            name,
            "az://predictions/{run}/",
            &json!({"azure": {"account": "plantstore"}}),
            &status,
        );
    }

    /// A program of this name on the PATH, which leaves a file behind when it is called.
    pub fn trap(&self, name: &str) -> std::path::PathBuf {
        let mark = self.folder.path().join(format!("{name}-was-called"));
        let program = self.folder.path().join(name);
        let script = format!("#!/bin/sh\n: > {}\nexit 1\n", mark.display());
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        mark
    }
}
