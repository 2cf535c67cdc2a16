use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Condition;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Not begun.
    #[default]
    Pending,
    /// The plan is being made.
    Planning,
    /// The readings of the window are not complete yet.
    WaitingForReadings,
    /// The score pods wait for machines.
    WaitingForNodes,
    /// Sensors are being scored.
    Scoring,
    /// The report is being made.
    Collecting,
    /// Every sensor was scored.
    Succeeded,
    /// Some sensors failed, not more than the failure policy allows.
    PartiallySucceeded,
    /// More sensors failed than the failure policy allows, or the run itself failed.
    Failed,
    /// Stopped by `suspend`.
    Suspended,
}

impl Phase {
    /// Whether the run has ended. It is never run again.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::PartiallySucceeded | Self::Failed
        )
    }
}

/// What a run has come to. Stays small for any number of sensors: what grows is in the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScoringRunStatus {
    /// Where the run stands.
    #[serde(default)]
    pub phase: Phase,
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The run's sensors; known once it is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensors: Option<SensorCounts>,
    /// The score pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodCounts>,
    /// Readings that were scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Readings that were anomalies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomalies: Option<u64>,
    /// Sensors most of whose readings were anomalies: their model or their input is to be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mostly_anomalous: Option<u64>,
    /// The most frequent reasons why sensors failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), extend("x-kubernetes-list-type" = "atomic"))]
    pub top_failures: Vec<FailureGroup>,
    /// When the first step began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Timestamp>,
    /// URL of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub report: Option<String>,
    /// What machines the scoring took, as an estimate; known at the end, where the operator is told how many CPUs a machine has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What the run was planned with, and is scored and collected with, also after the operator was upgraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorer: Option<ScorerVersion>,
    /// The run's Jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub jobs: Vec<StepJob>,
    /// `Ready`, `Reconciling`, `Stalled`, `Planned`, `Scored` (nothing is scored any more, and why), `Complete` and `Failed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// What machines a run's scoring took. It is reckoned from the times of the score Jobs and the size of a machine, not from a bill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Machines that the score pods filled at the same time.
    pub nodes: u32,
    /// The seconds of all these machines together, also those in which they waited to be taken away.
    pub node_seconds: u64,
    /// What these seconds cost, in `currency`; known where the operator is told a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    /// The currency of `amount`: `EUR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub currency: Option<String>,
}

/// What runs in a run's pods, under the run's own templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScorerVersion {
    /// The image of the score pods.
    #[schemars(length(max = 1024))]
    pub image: String,
    /// The image of the plan and collect pods, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub coordinator_image: Option<String>,
    /// The version of the operator that planned the run.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub operator: String,
}

/// How many of a run's sensors are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorCounts {
    /// In the plan.
    pub total: u64,
    /// Scored.
    #[serde(default)]
    pub succeeded: u64,
    /// Failed for good.
    #[serde(default)]
    pub failed: u64,
}

/// How many of a run's score pods are where, each counted once however often it is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodCounts {
    /// Needed for all sensors.
    pub total: u32,
    /// Pending or running.
    #[serde(default)]
    pub active: u32,
    /// Done without a failed sensor.
    #[serde(default)]
    pub succeeded: u32,
    /// Done with failed sensors, or given up.
    #[serde(default)]
    pub failed: u32,
}

/// Sensors that failed for the same reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureGroup {
    /// The reason, in one word.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// How many sensors.
    pub count: u64,
    /// One of them: `device=3 tag=9`.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub example: String,
    /// What happened to that one.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub message: String,
}

/// One Job of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepJob {
    /// Name of the Job.
    #[schemars(length(max = 253))]
    pub name: String,
    /// What it does.
    pub step: Step,
    /// Where it stands.
    #[serde(default)]
    pub state: JobState,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Timestamp>,
}

/// The steps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Step {
    /// Lists the sensors.
    Plan,
    /// Scores them.
    Score,
    /// Makes the report.
    Collect,
}

/// Where a Job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum JobState {
    /// No pod of it has begun.
    #[default]
    Waiting,
    /// Pods of it run.
    Running,
    /// Stopped by `suspend` or not yet admitted by Kueue.
    Suspended,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
}

/// Where a schedule stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScoringScheduleStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The latest tick that a run was created for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_schedule_time: Option<Timestamp>,
    /// The next tick. Its run starts later by the schedule's share of `spreadSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_schedule_time: Option<Timestamp>,
    /// The latest tick whose run ended `Succeeded` or `PartiallySucceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_successful_time: Option<Timestamp>,
    /// Names of the runs that have not ended, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 253)), extend("x-kubernetes-list-type" = "atomic"))]
    pub active: Vec<String>,
    /// Ticks that got no run, whatever the reason.
    #[serde(default)]
    pub missed_runs: u64,
    /// The same by reason: `Missed` (by `missedRuns`), `DeadlineExceeded` (by `startingDeadlineSeconds`), `EarlierRunActive` and
    /// `Replaced` (by `concurrencyPolicy`), `Suspended`, `ScheduleChanged`, `NameConflict`, `QueueFull`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub missed_reasons: BTreeMap<String, u64>,
    /// The latest tick that got no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_missed: Option<MissedTick>,
    /// Which ticks are settled: have their run, wait for it, or were missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<SettledTicks>,
    /// Settled ticks that wait for their run, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub waiting: Vec<TickRange>,
    /// How far the backfill is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<BackfillStatus>,
    /// The last value of the annotation `scoring.fleetscore.io/trigger` that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_trigger: Option<HandledTrigger>,
    /// `Ready`, `Reconciling` and `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Which ticks of a schedule are settled, and what the schedule was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettledTicks {
    /// Ticks at this instant or before are settled: none of them is decided on again.
    pub until: Timestamp,
    /// The schedule's text.
    #[schemars(length(max = 256))]
    pub schedule: String,
    /// Its time zone.
    #[schemars(length(max = 64))]
    pub time_zone: String,
    /// Whether it was suspended.
    #[serde(default)]
    pub suspended: bool,
}

/// Ticks that follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TickRange {
    /// The first.
    pub from: Timestamp,
    /// The last.
    pub to: Timestamp,
}

/// A tick that got no run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissedTick {
    /// The tick.
    pub time: Timestamp,
    /// Why, in one word.
    #[schemars(length(max = 64))]
    pub reason: String,
}

/// A value of the trigger annotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandledTrigger {
    /// What the value comes to in the name of its run.
    #[schemars(length(max = 64))]
    pub id: String,
    /// The value, or its beginning.
    #[schemars(length(max = 64))]
    pub value: String,
    /// Its run. Absent where the schedule already had the value when it was first seen, or where a run of that name belongs to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub run: Option<String>,
}

/// How far a backfill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackfillStatus {
    /// The beginning of the range.
    pub from: Timestamp,
    /// Ticks of the range at this instant or before have had their run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Ticks whose runs have ended.
    pub done: u64,
    /// Ticks in the range.
    pub total: u64,
}
