use std::time::Duration;

use fleetscore_cluster::act::Pace;
use fleetscore_cluster::{Cluster, Login, Run, Scope};
use serde_json::{Value, json};

use crate::api::Api;

pub const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
pub const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";
pub const NAMESPACE: &str = "plant-a";

/// Looks at once again, and gives up soon.
pub const PACE: Pace = Pace {
    look: Duration::from_millis(5),
    tell: Duration::ZERO,
    away: Duration::from_millis(100),
};

/// Somebody's login to an API server at `url`.
pub async fn login(url: &str) -> Cluster {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": url}}],
        "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": NAMESPACE}}],
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let login = Login {
        kubeconfig: Some(file),
        request_timeout: Some(Duration::from_secs(20)),
        ..Login::default()
    };
    Cluster::connect(&login).await.unwrap()
}

pub fn here() -> Scope {
    Scope::Namespace(NAMESPACE.to_owned())
}

/// An API server and a login to it.
pub async fn cluster() -> (Api, Cluster) {
    let api = Api::new();
    let url = api.listen("person").await;
    let cluster = login(&url).await;
    (api, cluster)
}

/// A run of the schedule `pumps`, which writes by window.
#[allow(clippy::needless_pass_by_value, reason = "a test says it at once")]
pub fn run(status: Value) -> Value {
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1",
        "kind": "ScoringRun",
        "metadata": {
            "name": "pumps-1764324000",
            "labels": {
                "scoring.fleetscore.io/schedule": "pumps",
                "scoring.fleetscore.io/cause": "tick",
                "app.kubernetes.io/managed-by": "fleetscore-operator",
                "argocd.argoproj.io/instance": "plant",
                "team": "pumps",
            },
            "annotations": {
                "scoring.fleetscore.io/tick": "2025-11-28T10:00:00Z",
                "argocd.argoproj.io/tracking-id": "plant:x",
            },
        },
        "spec": {
            "window": {"start": "2025-11-28T09:00:00Z", "end": "2025-11-28T10:00:00Z"},
            "suspend": true,
            "model": {"location": "az://models/model_{device}"},
            "input": {"location": "az://data/d.csv", "columns": {"time": "TS", "keys": {"device": "Device"}, "features": ["Value"]}},
            "output": {"location": "az://predictions/{schedule}/{window.start:%Y/%m/%d/%H}/", "file": "p_{device}.csv"},
            "storage": {"azure": {"account": "plantstore"}},
            "ofTheFuture": {"kept": true},
        },
        "status": status,
    })
}

pub fn partial() -> Value {
    json!({
        "phase": "PartiallySucceeded",
        "sensors": {"total": 15, "succeeded": 12, "failed": 3},
        "report": "az://predictions/pumps/2025/11/28/09/_run/report.html",
        "topFailures": [
            {"reason": "ModelNotFound", "count": 2, "example": "device=3", "message": "m"},
            {"reason": "NoReadings", "count": 1, "example": "device=4", "message": "m"},
        ],
    })
}

pub fn typed(object: &Value) -> Run {
    serde_json::from_value(object.clone()).unwrap()
}
