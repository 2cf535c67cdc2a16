#![allow(
    clippy::duplicated_attributes,
    reason = "printer columns share their types"
)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    FailurePolicy, InputSpec, LogsSpec, ModelSpec, OutputSpec, PodTemplate, SensorsSpec, Sharding,
    StorageSpec, Window,
};

/// One execution over all sensors of a fleet: every sensor's readings in the window are scored with its own model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "kube", derive(kube::CustomResource))]
#[cfg_attr(
    feature = "kube",
    kube(
        group = "scoring.fleetscore.io",
        version = "v1alpha1",
        kind = "ScoringRun",
        shortname = "srun",
        namespaced,
        status = "crate::ScoringRunStatus",
        printcolumn(json_path = ".status.phase", name = "Phase", type_ = "string"),
        printcolumn(
            json_path = ".status.sensors.total",
            name = "Sensors",
            type_ = "integer"
        ),
        printcolumn(
            json_path = ".status.sensors.succeeded",
            name = "Succeeded",
            type_ = "integer"
        ),
        printcolumn(
            json_path = ".status.sensors.failed",
            name = "Failed",
            type_ = "integer"
        ),
        printcolumn(json_path = ".status.anomalies", name = "Anomalies", type_ = "integer"),
        printcolumn(
            json_path = ".spec.window.start",
            name = "Window",
            type_ = "string",
            priority = 1
        ),
        printcolumn(
            json_path = ".status.report",
            name = "Report",
            type_ = "string",
            priority = 1
        ),
        printcolumn(
            json_path = ".metadata.creationTimestamp",
            name = "Age",
            type_ = "date"
        )
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::run()))]
pub struct ScoringRunSpec {
    /// The readings to score. Without it: all readings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Which sensors to score.
    #[serde(default)]
    pub sensors: SensorsSpec,
    /// Where the models are.
    pub model: ModelSpec,
    /// Where the readings are.
    pub input: InputSpec,
    /// Where the predictions go.
    pub output: OutputSpec,
    /// Where the logs go. Default: `_run/logs/` under the output location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<LogsSpec>,
    /// How storage is reached.
    #[serde(default)]
    pub storage: StorageSpec,
    /// How the sensors are spread over pods.
    #[serde(default)]
    pub sharding: Sharding,
    /// When failures make the whole run fail, and what is tried again.
    #[serde(default)]
    pub failure_policy: FailurePolicy,
    /// Stops the run's pods until it is false again.
    #[serde(default)]
    pub suspend: bool,
    /// The run fails when it is not finished after so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub active_deadline_seconds: Option<u32>,
    /// A pod that cannot start for so many seconds fails the run, with the reason.
    #[serde(default = "pending_timeout")]
    #[schemars(range(min = 1))]
    pub pending_timeout_seconds: u32,
    /// The run's Jobs and pods are removed so many seconds after it finished; the `ScoringRun` itself stays. Without it they stay as
    /// well, but for the runs of a schedule: theirs are removed after 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds_after_finished: Option<u32>,
    /// Kueue's local queue. With it the Jobs are created suspended and Kueue admits them.
    // The Jobs carry it as a label.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(
        length(max = 63),
        regex(pattern = "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$")
    )]
    pub queue_name: String,
    /// Merged over the defaults of the scoring pods.
    #[serde(default)]
    pub pod_template: PodTemplate,
    /// Merged over the defaults of the plan and collect pods.
    #[serde(default)]
    pub coordinator_template: PodTemplate,
}

fn pending_timeout() -> u32 {
    900
}
