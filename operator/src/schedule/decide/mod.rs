//! What to do next. Pure: the schedule, its runs and the time go in, a decision comes out.
//!
//! Everything is derived anew from the objects and the status: which ticks are settled is written there, and a run that exists is
//! the run of its tick even where the status does not know it. What a decision comes to is put into the status once its runs are
//! created; where that does not happen, the next pass decides the same again, and the runs' names keep it from having an effect.

mod backfill;
mod base;
mod history;
mod lane;
mod live;

use fleetscore_ticks::{Timetable, TimetableError};
use jiff::{SignedDuration, Timestamp};

use super::runs::Runs;
use super::snapshot::ScheduleSnapshot;
use crate::children::{Cause, Child};
use crate::children::{tick_run, trigger_id, trigger_run};

#[cfg(test)]
pub use history::{KEPT, is_settled};

/// Runs that one pass creates at most. The next one follows at once.
pub const CREATIONS: usize = 100;

/// What to do, and what the ticks come to if it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleDecision {
    /// Why nothing is scheduled, where the schedule's text or zone is wrong.
    pub invalid: Option<Invalid>,
    /// Ticks up to here are settled before what follows.
    pub settled: Timestamp,
    /// Ticks that were waiting, ascending.
    pub waited: Vec<Judgement>,
    /// Ticks that have become due since, ascending.
    pub due: Vec<Judgement>,
    /// Ticks of the backfill, ascending.
    pub backfill: Vec<Judgement>,
    /// Ticks in the backfill's range, or why it is not backfilled.
    pub range: Option<Result<u64, Invalid>>,
    /// A new value of the trigger annotation.
    pub trigger: Option<Trigger>,
    /// Runs to delete before anything is created.
    pub replaced: Vec<Child>,
    /// Runs to create, in this order.
    pub creations: Vec<Creation>,
    /// Ended runs that are too many.
    pub surplus: Vec<Child>,
    /// Look again at this time at the latest.
    pub again: Option<Timestamp>,
}

/// Why a schedule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// In one word.
    pub reason: &'static str,
    /// In a sentence, with the place.
    pub message: String,
}

/// What becomes of a tick, or of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The tick, or the last of them.
    pub tick: Timestamp,
    /// With it, all ticks up to here are settled.
    pub until: Timestamp,
    /// What becomes of it.
    pub verdict: TickVerdict,
}

/// What becomes of a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TickVerdict {
    /// It has its run already.
    Exists,
    /// Its run is created now.
    Create,
    /// It waits for its turn.
    Waits,
    /// So many ticks get no run.
    Missed(u64, MissedReason),
}

/// Why a tick gets no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MissedReason {
    /// It was missed, and `missedRuns` leaves it out.
    Missed,
    /// It could not start within `startingDeadlineSeconds`.
    DeadlineExceeded,
    /// An earlier run was going, and `concurrencyPolicy` is `Forbid`.
    EarlierRunActive,
    /// A later tick takes its place, since `concurrencyPolicy` is `Replace`.
    Replaced,
    /// The schedule was suspended before it could start.
    Suspended,
    /// The schedule's text or zone was changed before it could start.
    ScheduleChanged,
    /// A run of its name belongs to somebody else.
    NameConflict,
    /// Too many ticks wait.
    QueueFull,
}

impl MissedReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Missed,
        Self::DeadlineExceeded,
        Self::EarlierRunActive,
        Self::Replaced,
        Self::Suspended,
        Self::ScheduleChanged,
        Self::NameConflict,
        Self::QueueFull,
    ];

    /// The reason in one word, as the status, events and metrics have it.
    pub fn word(self) -> String {
        format!("{self:?}")
    }
}

/// A value of the trigger annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// What it comes to in the run's name.
    pub id: String,
    /// The value.
    pub value: String,
    /// Its run; none for a value that the schedule was created with.
    pub run: Option<String>,
}

/// A run to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Its name.
    pub name: String,
    /// Why.
    pub cause: Cause,
    /// The tick whose window it scores.
    pub tick: Timestamp,
    /// When it was to be created, for a tick of the schedule.
    pub due: Option<Timestamp>,
    /// The value of the trigger annotation, for a trigger.
    pub trigger: Option<String>,
}

/// Decides what to do with `schedule` at `now`. `children` are its runs.
pub fn decide(
    schedule: &ScheduleSnapshot,
    timetable: Result<&Timetable, &TimetableError>,
    children: &[Child],
    now: Timestamp,
) -> ScheduleDecision {
    let runs = Runs::new(children);
    let base = base::base(schedule, &runs, now);
    let mut decision = ScheduleDecision {
        invalid: None,
        settled: base.settled,
        waited: base.waited,
        due: base.due,
        backfill: Vec::new(),
        range: None,
        trigger: None,
        replaced: Vec::new(),
        creations: Vec::new(),
        surplus: Vec::new(),
        again: None,
    };
    match timetable {
        Err(error) => decision.invalid = Some(invalid(error)),
        Ok(timetable) => {
            let mut budget = CREATIONS;
            if !schedule.spec.suspend {
                let live = live::Live::new(schedule, timetable, &runs, now);
                live.judge(&base.waiting, &mut decision, &mut budget);
            }
            trigger(schedule, timetable, &runs, now, &mut decision);
            decision.range = backfill::range(schedule, timetable);
            if !schedule.spec.suspend && matches!(decision.range, Some(Ok(_))) {
                decision.backfill =
                    backfill::judge(schedule, timetable, &runs, &base.waiting, budget);
            }
            let backfilled = created(&decision.backfill);
            let backfilled = backfilled.map(|tick| of_tick(schedule, tick, Cause::Backfill));
            decision.creations.extend(backfilled.collect::<Vec<_>>());
            if decision.creations.len() >= CREATIONS {
                decision.again = Some(now);
            }
            history::surplus(schedule, timetable, children, now, &mut decision);
        }
    }
    decision
}

/// The last tick that is settled once the decision is carried out.
pub fn settled_after(decision: &ScheduleDecision) -> Timestamp {
    decision
        .due
        .last()
        .map_or(decision.settled, |judgement| judgement.until)
}

fn invalid(error: &TimetableError) -> Invalid {
    let reason = match error.field() {
        Some("timeZone") => "InvalidTimeZone",
        Some(_) => "InvalidSchedule",
        None => "TimeZoneDatabase",
    };
    Invalid {
        reason,
        message: match error.field() {
            Some(field) => format!("spec.{field}: {}", error.message()),
            None => error.to_string(),
        },
    }
}

/// The ticks whose runs are to be created.
fn created(judgements: &[Judgement]) -> impl Iterator<Item = Timestamp> + '_ {
    let created = judgements
        .iter()
        .filter(|judgement| judgement.verdict == TickVerdict::Create);
    created.map(|judgement| judgement.tick)
}

fn of_tick(schedule: &ScheduleSnapshot, tick: Timestamp, cause: Cause) -> Creation {
    let due = (cause == Cause::Tick).then(|| later(tick, schedule.spread()));
    Creation {
        name: tick_run(&schedule.name, tick),
        cause,
        tick,
        due,
        trigger: None,
    }
}

/// A new value of the annotation makes one run, which scores the window of the last tick. A value that the schedule was created with
/// makes none.
fn trigger(
    schedule: &ScheduleSnapshot,
    timetable: &Timetable,
    runs: &Runs<'_>,
    now: Timestamp,
    decision: &mut ScheduleDecision,
) {
    let Some(value) = schedule.trigger.clone().filter(|value| !value.is_empty()) else {
        return;
    };
    let id = trigger_id(&schedule.uid, &value);
    let last = schedule.status.last_trigger.as_ref();
    if last.is_some_and(|last| last.id == id) {
        return;
    }
    let is_first_sight = schedule.status.settled.is_none();
    let Some(tick) = timetable.until(now).next() else {
        return;
    };
    let name = trigger_run(&schedule.name, &id);
    if !is_first_sight && !runs.has_name(&name) {
        decision.creations.push(Creation {
            name: name.clone(),
            cause: Cause::Trigger,
            tick,
            due: None,
            trigger: Some(value.clone()),
        });
    }
    decision.trigger = Some(Trigger {
        id,
        value,
        run: (!is_first_sight).then_some(name),
    });
}

/// Whether the stored status says that the tick waits.
pub(super) fn waits(schedule: &ScheduleSnapshot, tick: Timestamp) -> bool {
    let mut waiting = schedule.status.waiting.iter();
    waiting.any(|range| (range.from..=range.to).contains(&tick))
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

fn earlier(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(time)
}

/// The first instant after `time`, so that a range begins behind it.
fn behind(time: Timestamp) -> Timestamp {
    later(time, SignedDuration::from_nanos(1))
}

#[cfg(test)]
mod tests;
