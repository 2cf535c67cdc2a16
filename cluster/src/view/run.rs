use fleetscore_crds::{
    CAUSE_LABEL, Condition, ConditionStatus, FailureGroup, JobState, Phase, PodCounts,
    ScoringRunStatus, SensorCounts, Step, Window,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::advice::{Notice, Subject, examined};
use super::{VERSION, seconds, share};
use crate::Run;
use crate::object::condition;

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The schedule that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// What made the schedule create it: `tick`, `backfill`, `trigger`; `retry` where it scores again what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Where it stands; none where its status cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Its sensors; known once it is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensors: Option<SensorCounts>,
    /// Its score pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodCounts>,
    /// Readings that were scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Readings that were anomalies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomalies: Option<u64>,
    /// `anomalies` / `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly_share: Option<f64>,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When its first step began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Seconds that it took, or has taken so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Since when it waits for nodes, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// Why it is where it is, in one word, where that is more than its phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether it is being deleted.
    pub leaving: bool,
}

impl RunLine {
    /// The line of a run at `now`.
    pub fn of(run: &Run, now: Timestamp) -> Self {
        let line = Self {
            namespace: run.namespace().to_owned(),
            name: run.name().to_owned(),
            schedule: run.schedule().map(str::to_owned),
            cause: run.label(CAUSE_LABEL).map(str::to_owned),
            phase: run.phase(),
            sensors: None,
            pods: None,
            rows: None,
            anomalies: None,
            anomaly_share: None,
            created: run.created(),
            started: None,
            ended: None,
            seconds: None,
            waiting_since: None,
            reason: None,
            message: None,
            leaving: run.is_leaving(),
        };
        match &run.status {
            Ok(status) => line.with(status, now),
            Err(error) => Self {
                reason: Some("Unreadable".to_owned()),
                message: Some(error.clone()),
                ..line
            },
        }
    }

    fn with(self, status: &ScoringRunStatus, now: Timestamp) -> Self {
        let told = told(status);
        Self {
            sensors: status.sensors,
            pods: status.pods,
            rows: status.rows,
            anomalies: status.anomalies,
            anomaly_share: status
                .anomalies
                .zip(status.rows)
                .and_then(|(anomalies, rows)| share(anomalies, rows)),
            started: status.start_time,
            ended: status.completion_time,
            seconds: status
                .start_time
                .map(|start| seconds(start, status.completion_time.unwrap_or(now))),
            waiting_since: waiting_since(status),
            reason: told.map(|told| told.reason.clone()),
            message: told
                .map(|told| told.message.clone())
                .filter(|text| !text.is_empty()),
            ..self
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.phase.is_some_and(Phase::is_end)
    }

    /// What a person should know about it.
    pub fn notice(&self) -> Option<Notice> {
        let failed = self.sensors.map_or(0, |sensors| sensors.failed);
        let (message, command) = match self.phase {
            None => (
                format!(
                    "its status cannot be read: {}",
                    self.message.as_deref().unwrap_or_default()
                ),
                None,
            ),
            Some(Phase::Succeeded) => return None,
            Some(Phase::PartiallySucceeded | Phase::Failed) => {
                let counted = match failed {
                    0 => None,
                    1 => Some("1 sensor failed".to_owned()),
                    failed => Some(format!("{failed} sensors failed")),
                };
                let parts = [counted, self.message.clone()];
                let parts: Vec<_> = parts.into_iter().flatten().collect();
                let message = if parts.is_empty() {
                    "the run failed".to_owned()
                } else {
                    parts.join("; ")
                };
                let verb = if failed > 0 { "failed" } else { "status" };
                (message, Some(verb))
            }
            Some(_) => (self.message.clone()?, Some("tree")),
        };
        Some(Notice {
            kind: Subject::Run,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            reason: self.reason.clone().unwrap_or_else(|| {
                self.phase
                    .map_or_else(|| "Unreadable".to_owned(), |phase| format!("{phase:?}"))
            }),
            message,
            command: command.map(|verb| {
                let cause = examined(self.reason.as_deref().unwrap_or_default(), &self.namespace);
                cause.unwrap_or_else(|| format!("{verb} run/{} -n {}", self.name, self.namespace))
            }),
        })
    }
}

/// Since when the run waits for nodes: an older operator tells it by the plan alone.
fn waiting_since(status: &ScoringRunStatus) -> Option<Timestamp> {
    let mut kinds = ["WaitingForNodes", "Planned"].into_iter();
    let held = |kind| {
        condition(&status.conditions, kind).filter(|found| found.status == ConditionStatus::True)
    };
    let since = kinds.find_map(held).map(|found| found.last_transition_time);
    since.filter(|_| status.phase == Phase::WaitingForNodes)
}

/// The condition that says more than the phase does: why nothing goes on, why scoring was stopped, or why the run failed.
fn told(status: &ScoringRunStatus) -> Option<&Condition> {
    let phase = format!("{:?}", status.phase);
    let kinds = ["Failed", "Stalled", "Ready", "Reconciling"];
    let mut found = kinds
        .into_iter()
        .filter_map(|kind| condition(&status.conditions, kind));
    found.find(|found| found.reason != phase && !found.message.is_empty())
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepLine {
    /// The Job; none where it is not yet there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// What it does.
    pub step: Step,
    /// Where it stands; none where its Job is not yet there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Seconds that it took, or has taken so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// Version of this form: 1.
    pub version: u32,
    /// The run in one line.
    pub run: RunLine,
    /// The readings that it scores; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Where the predictions go, as the manifest says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// URL of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// Its steps.
    pub steps: Vec<StepLine>,
    /// The most frequent reasons why sensors failed.
    pub failures: Vec<FailureGroup>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What a person should look at.
    pub notices: Vec<Notice>,
}

/// The view of one run at `now`.
pub fn run(run: &Run, now: Timestamp) -> RunView {
    let line = RunLine::of(run, now);
    let status = run.status.as_ref().ok();
    let notice = line.notice().map(|notice| own_notice(notice, status));
    let mut notices: Vec<_> = notice.into_iter().collect();
    if let Err(error) = &run.spec {
        notices.push(Notice {
            kind: Subject::Run,
            namespace: line.namespace.clone(),
            name: line.name.clone(),
            reason: "Unreadable".to_owned(),
            message: format!("its spec cannot be read: {error}"),
            command: None,
        });
    }
    let spec = run.spec.as_ref().ok();
    RunView {
        version: VERSION,
        window: spec.and_then(|spec| spec.window),
        output: spec.map(|spec| spec.output.location.clone()),
        report: status.and_then(|status| status.report.clone()),
        steps: status.map_or_else(Vec::new, |status| steps(status, now)),
        failures: status.map_or_else(Vec::new, |status| status.top_failures.clone()),
        conditions: status.map_or_else(Vec::new, |status| status.conditions.clone()),
        notices,
        run: line,
    }
}

/// A run's notice on its own page: what has steps has logs that tell more.
fn own_notice(notice: Notice, status: Option<&ScoringRunStatus>) -> Notice {
    let logs = format!("logs run/{} -n {}", notice.name, notice.namespace);
    let mut notice = notice.on_own_page();
    if status.is_some_and(|status| status.phase == Phase::Failed && !status.jobs.is_empty()) {
        notice.command.get_or_insert(logs);
    }
    notice
}

/// The steps that there are, and those that are still to come.
fn steps(status: &ScoringRunStatus, now: Timestamp) -> Vec<StepLine> {
    let mut steps = Vec::new();
    for step in [Step::Plan, Step::Score, Step::Collect] {
        let mut jobs = status.jobs.iter().filter(|job| job.step == step).peekable();
        if jobs.peek().is_none() && !status.phase.is_end() {
            steps.push(StepLine {
                job: None,
                step,
                state: None,
                started: None,
                ended: None,
                seconds: None,
            });
        }
        steps.extend(jobs.map(|job| {
            StepLine {
                job: Some(job.name.clone()),
                step,
                state: Some(job.state),
                started: job.start_time,
                ended: job.completion_time,
                seconds: job
                    .start_time
                    .map(|start| seconds(start, job.completion_time.unwrap_or(now))),
            }
        }));
    }
    steps
}
