#![allow(
    clippy::duplicated_attributes,
    reason = "printer columns share their types"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ScoringRunSpec;

/// Creates a `ScoringRun` at every tick of a cron schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "kube", derive(kube::CustomResource))]
#[cfg_attr(
    feature = "kube",
    kube(
        group = "scoring.fleetscore.io",
        version = "v1alpha1",
        kind = "ScoringSchedule",
        shortname = "ssch",
        namespaced,
        status = "crate::ScoringScheduleStatus",
        printcolumn(json_path = ".spec.schedule", name = "Schedule", type_ = "string"),
        printcolumn(json_path = ".spec.timeZone", name = "Zone", type_ = "string"),
        printcolumn(json_path = ".spec.suspend", name = "Suspended", type_ = "boolean"),
        printcolumn(json_path = ".status.lastScheduleTime", name = "Last", type_ = "date"),
        printcolumn(
            json_path = ".status.nextScheduleTime",
            name = "Next",
            type_ = "string"
        ),
        printcolumn(
            json_path = ".status.active",
            name = "Active",
            type_ = "string",
            priority = 1
        ),
        printcolumn(
            json_path = ".status.missedRuns",
            name = "Missed",
            type_ = "integer",
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
#[schemars(extend("x-kubernetes-validations" = crate::rules::schedule()))]
pub struct ScoringScheduleSpec {
    /// When to run: cron with five fields (minute, hour, day of month, month, day of week), or `@hourly` and the like.
    #[schemars(length(min = 1, max = 256), extend("x-kubernetes-validations" = crate::rules::schedule_text()))]
    pub schedule: String,
    /// IANA time zone in which the schedule is read.
    #[serde(default = "utc")]
    #[schemars(length(max = 64), regex(pattern = "^[A-Za-z][A-Za-z0-9_+/-]*$"))]
    pub time_zone: String,
    /// Ticks and backfill create no runs until it is false again. Ticks in between are not made up for. A trigger still creates one.
    #[serde(default)]
    pub suspend: bool,
    /// What happens at a tick while an earlier run is still going.
    #[serde(default)]
    pub concurrency_policy: ConcurrencyPolicy,
    /// A tick that could not be started for so many seconds is not started any more and counts as missed, also one that waits in a
    /// queue. Without it: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub starting_deadline_seconds: Option<u32>,
    /// What happens to ticks that were missed while nothing could start them.
    #[serde(default)]
    pub missed_runs: MissedRuns,
    /// Runs start later by a stable offset in `[0, spreadSeconds)`, which differs from schedule to schedule.
    #[serde(default)]
    #[schemars(range(max = 86_400))]
    pub spread_seconds: u32,
    /// Which readings the run of a tick scores.
    #[serde(default)]
    pub window: ScheduleWindow,
    /// Makes the ticks of a past range due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<Backfill>,
    /// How many finished runs are kept.
    #[serde(default)]
    pub history: History,
    /// The runs to create.
    pub run_template: RunTemplate,
}

fn utc() -> String {
    "Etc/UTC".to_owned()
}

/// What happens at a tick while an earlier run is still going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConcurrencyPolicy {
    /// The new run starts beside it.
    Allow,
    /// The tick is skipped.
    #[default]
    Forbid,
    /// The earlier run is deleted, then the new one starts.
    Replace,
    /// The tick waits until the earlier run has finished, the oldest first.
    Queue,
}

/// What happens to ticks that were missed while nothing could start them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissedRuns {
    /// Which of the missed ticks are run.
    #[serde(default)]
    pub policy: MissedRunsPolicy,
    /// At most so many missed ticks are run with `All`: the oldest. The others are not run.
    #[serde(default = "max_missed")]
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
}

impl Default for MissedRuns {
    fn default() -> Self {
        Self {
            policy: MissedRunsPolicy::default(),
            max: max_missed(),
        }
    }
}

fn max_missed() -> u32 {
    24
}

/// Which of the missed ticks are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MissedRunsPolicy {
    /// None: a tick starts within a minute, or within `startingDeadlineSeconds`, or not at all.
    Skip,
    /// The latest tick, whether it is late or on time; none before it.
    #[default]
    Latest,
    /// All of them, oldest first. Unless runs may overlap (`Allow`), they wait for one another; with `Replace` only the latest is left.
    All,
}

/// Which readings the run of a tick scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleWindow {
    /// How the window follows from the tick.
    #[serde(default)]
    pub kind: ScheduleWindowKind,
    /// Moves the window back by so many seconds, so that late readings can settle.
    #[serde(default)]
    #[schemars(range(max = 31_622_400))]
    pub offset_seconds: u32,
}

/// How a run's window follows from its tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScheduleWindowKind {
    /// From the previous tick to this one: `[previous tick, this tick)`.
    #[default]
    PreviousInterval,
    /// No window: all readings.
    None,
}

/// Years that a backfill's range spans at most.
pub const BACKFILL_YEARS: u32 = 10;
/// Ticks that a backfill's range holds at most: ten years of an hourly schedule are 87,672.
pub const BACKFILL_TICKS: u64 = 100_000;

/// Makes the ticks of a past range due: each that has no run gets one, oldest first, beside the runs of the schedule. At
/// most ten years and 100,000 ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::backfill()))]
pub struct Backfill {
    /// Ticks at this instant or later become due (RFC 3339).
    pub from: Timestamp,
    /// Ticks before this instant become due (RFC 3339).
    pub to: Timestamp,
    /// Backfill runs that go on at the same time.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub max_concurrent: u32,
}

fn one() -> u32 {
    1
}

/// How many finished runs are kept. Those that ended earlier are deleted, at least two minutes after their end; what they wrote stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Runs that ended `Succeeded` or `PartiallySucceeded`.
    #[serde(default = "three")]
    #[schemars(range(max = 1000))]
    pub succeeded: u32,
    /// Runs that ended `Failed`.
    #[serde(default = "five")]
    #[schemars(range(max = 1000))]
    pub failed: u32,
}

impl Default for History {
    fn default() -> Self {
        Self {
            succeeded: three(),
            failed: five(),
        }
    }
}

fn three() -> u32 {
    3
}

fn five() -> u32 {
    5
}

/// The runs that a schedule creates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTemplate {
    /// Labels and annotations of the runs.
    #[serde(default)]
    pub metadata: RunTemplateMetadata,
    /// The runs' spec, without `window`: the schedule gives each run its own.
    #[schemars(schema_with = "crate::rules::template_spec")]
    pub spec: ScoringRunSpec,
}

/// Labels and annotations of the runs that a schedule creates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTemplateMetadata {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = crate::rules::label()))]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = crate::rules::annotation()))]
    pub annotations: BTreeMap<String, String>,
}
