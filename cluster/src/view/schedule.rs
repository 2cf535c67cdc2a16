use std::collections::BTreeMap;

use fleetscore_crds::{
    BackfillStatus, CAUSE_LABEL, Condition, MissedTick, Phase, RETRY_CAUSE, ScoringScheduleStatus,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use super::advice::{Notice, Subject};
use super::run::RunLine;
use crate::object::{condition, holds};
use crate::{Run, Schedule};

/// Fewer runs than this tell nothing of what is usual.
const USUAL: usize = 3;

/// Where a schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum ScheduleState {
    /// Its ticks create runs.
    Active,
    /// Stopped by `suspend`.
    Suspended,
    /// It goes no further until somebody does something.
    Stalled,
    /// Its spec or status cannot be read by this program.
    Unreadable,
    /// The operator has not looked at it yet.
    New,
}

/// A schedule in one line.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: ScheduleState,
    /// When it runs: cron.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The time zone of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The next tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// The latest tick that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// Its newest run that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunLine>,
    /// The median share of anomalies in its runs that are still there, but for the last; none of fewer than three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_anomaly_share: Option<f64>,
    /// Its runs that go on.
    pub active: u64,
    /// Ticks that got no run since the schedule was created.
    pub missed: u64,
    /// The latest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_missed: Option<MissedTick>,
    /// Why it stands where it stands, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ScheduleLine {
    /// The line of a schedule with its `runs`, newest first.
    pub fn of(schedule: &Schedule, runs: &[&Run], now: Timestamp) -> Self {
        let spec = schedule.spec.as_ref().ok();
        let blank = ScoringScheduleStatus::default();
        let status = schedule.status.as_ref().unwrap_or(&blank);
        let (state, told) = state(schedule, status);
        let ended = runs
            .iter()
            .filter(|run| run.phase().is_some_and(Phase::is_end));
        let active = runs.len() - ended.clone().count();
        // A retry scores some sensors alone: it says nothing of the fleet.
        let ended: Vec<_> = ended
            .filter(|run| run.label(CAUSE_LABEL) != Some(RETRY_CAUSE))
            .map(|run| RunLine::of(run, now))
            .collect();
        Self {
            namespace: schedule.namespace().to_owned(),
            name: schedule.name().to_owned(),
            state,
            schedule: spec.map(|spec| spec.schedule.clone()),
            time_zone: spec.map(|spec| spec.time_zone.clone()),
            next: status.next_schedule_time,
            last_success: status.last_successful_time,
            usual_anomaly_share: usual(&ended),
            last_run: ended.into_iter().next(),
            active: (active as u64).max(status.active.len() as u64),
            missed: status.missed_runs,
            last_missed: status.last_missed.clone(),
            reason: told.as_ref().map(|(reason, _)| reason.clone()),
            message: told.map(|(_, message)| message),
        }
    }

    /// What a person should know about it: why it stalls, and ticks missed since `since`.
    pub fn notices(&self, since: Timestamp) -> Vec<Notice> {
        let mut notices = Vec::new();
        let notice = |reason: &str, message: String| Notice {
            kind: Subject::Schedule,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            reason: reason.to_owned(),
            message,
            command: Some(format!(
                "status schedule/{} -n {}",
                self.name, self.namespace
            )),
        };
        if matches!(
            self.state,
            ScheduleState::Stalled | ScheduleState::Unreadable
        ) {
            notices.push(notice(
                self.reason.as_deref().unwrap_or("Stalled"),
                self.message.clone().unwrap_or_default(),
            ));
        }
        if let Some(missed) = self.last_missed.as_ref().filter(|missed| {
            missed.time >= since
                && !matches!(missed.reason.as_str(), "Suspended" | "ScheduleChanged")
        }) {
            let (time, reason) = (missed.time, &missed.reason);
            notices.push(notice(
                reason,
                format!(
                    "ticks missed so far: {}; the last at {time} ({reason})",
                    self.missed
                ),
            ));
        }
        notices
    }
}

fn state(
    schedule: &Schedule,
    status: &ScoringScheduleStatus,
) -> (ScheduleState, Option<(String, String)>) {
    let unreadable = |error: &String| {
        let told = ("Unreadable".to_owned(), error.clone());
        (ScheduleState::Unreadable, Some(told))
    };
    if let Err(error) = &schedule.status {
        return unreadable(error);
    }
    let spec = match &schedule.spec {
        Ok(spec) => spec,
        Err(error) => return unreadable(error),
    };
    let ready = condition(&status.conditions, "Ready");
    let told = ready
        .filter(|ready| !ready.message.is_empty())
        .map(|ready| (ready.reason.clone(), ready.message.clone()));
    let state = if holds(&status.conditions, "Stalled") {
        ScheduleState::Stalled
    } else if spec.suspend {
        ScheduleState::Suspended
    } else if ready.is_none() {
        ScheduleState::New
    } else {
        ScheduleState::Active
    };
    (state, told)
}

/// The median of the runs' shares of anomalies but for the newest one's.
fn usual(ended: &[RunLine]) -> Option<f64> {
    let earlier = ended.iter().skip(1);
    let mut shares: Vec<_> = earlier.filter_map(|run| run.anomaly_share).collect();
    if shares.len() < USUAL {
        return None;
    }
    shares.sort_by(f64::total_cmp);
    shares.get((shares.len() - 1) / 2).copied()
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView {
    /// Version of this form: 1.
    pub version: u32,
    /// The schedule in one line.
    pub schedule: ScheduleLine,
    /// Its runs that are still there, newest first.
    pub runs: Vec<RunLine>,
    /// Ticks that got no run, by reason.
    pub missed: BTreeMap<String, u64>,
    /// Ticks that wait for their run, in ranges of first and last.
    pub waiting: Vec<[Timestamp; 2]>,
    /// How far the backfill is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<BackfillStatus>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What a person should look at.
    pub notices: Vec<Notice>,
}

/// The view of one schedule with its `runs`, newest first. Notices tell of what happened since `since`.
pub fn schedule(
    schedule: &Schedule,
    runs: &[&Run],
    since: Timestamp,
    now: Timestamp,
) -> ScheduleView {
    let line = ScheduleLine::of(schedule, runs, now);
    let status = schedule.status.clone().unwrap_or_default();
    let own = line.notices(since).into_iter();
    let mut notices: Vec<_> = own.map(Notice::on_own_page).collect();
    let lines: Vec<_> = runs.iter().map(|run| RunLine::of(run, now)).collect();
    let newest = lines
        .iter()
        .find(|run| run.has_ended())
        .map(|run| &run.name);
    notices.extend(
        lines
            .iter()
            .filter(|run| !run.has_ended() || Some(&run.name) == newest)
            .filter_map(RunLine::notice),
    );
    ScheduleView {
        version: VERSION,
        schedule: line,
        runs: lines,
        missed: status.missed_reasons,
        waiting: status
            .waiting
            .iter()
            .map(|range| [range.from, range.to])
            .collect(),
        backfill: status.backfill,
        conditions: status.conditions,
        notices,
    }
}
