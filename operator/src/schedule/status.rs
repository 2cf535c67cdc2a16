//! What the schedule has come to, as its status tells it. Pure.

mod conditions;
mod tally;

use std::collections::BTreeSet;

use fleetscore_crds::{
    BackfillStatus, HandledTrigger, ScoringScheduleStatus, SettledTicks, TickRange,
};
use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};

use super::decide::{Creation, Judgement, MissedReason, ScheduleDecision, TickVerdict};
use super::outcome::{Outcome, Results};
use super::snapshot::ScheduleSnapshot;
use crate::children::tick_run;
use crate::children::{Cause, Child, State};
use crate::words::cut;

pub use tally::{Missed, Tally};

/// Active runs that the status names.
const ACTIVE: usize = 100;
/// Ranges of waiting ticks that the status holds.
const RANGES: usize = 16;
/// Ticks that may wait.
const WAITING: usize = 1000;
/// Bytes of a trigger's value.
const VALUE_BYTES: usize = 64;

/// What a pass has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settlement {
    /// The new status.
    pub status: ScoringScheduleStatus,
    /// Ticks that get no run.
    pub missed: Missed,
}

/// The schedule's status after `decision` was carried out with these `results`.
pub fn status(
    schedule: &ScheduleSnapshot,
    timetable: Option<&Timetable>,
    children: &[Child],
    (decision, results): (&ScheduleDecision, &Results),
    now: Timestamp,
) -> Settlement {
    let mut status = schedule.status.clone();
    let mut tally = Tally::new(schedule, decision, results);
    tally.waited(&decision.waited);
    tally.due(&decision.due);
    status.settled = Some(SettledTicks {
        until: tally.settled,
        schedule: schedule.spec.schedule.clone(),
        time_zone: schedule.spec.time_zone.clone(),
        suspended: schedule.spec.suspend,
    });
    if let Some(timetable) = timetable {
        status.waiting = ranges(timetable, &mut tally);
        status.backfill = backfill(schedule, timetable, children, &mut tally, decision);
    } else if !decision.due.is_empty() {
        status.waiting = Vec::new();
    }
    trigger(&mut status, decision, results);
    let next = timetable.filter(|_| !schedule.spec.suspend);
    status.next_schedule_time = next.and_then(|timetable| {
        let due = now.saturating_sub(schedule.spread()).unwrap_or(now);
        timetable.next(tally.settled.max(due))
    });
    times(&mut status, children, (decision, results));
    status.active = active(children, (decision, results));
    let missed = tally.missed;
    missed.add_to(&mut status);
    conditions::set_all(&mut status, schedule, decision, results, now);
    Settlement { status, missed }
}

/// Ticks that wait, as ranges. What does not fit is missed.
fn ranges(timetable: &Timetable, tally: &mut Tally<'_>) -> Vec<TickRange> {
    let mut ranges: Vec<TickRange> = Vec::new();
    for (number, tick) in std::mem::take(&mut tally.waiting).into_iter().enumerate() {
        let room = number < WAITING;
        let last = ranges.last_mut().filter(|_| room);
        if let Some(last) = last.filter(|last| timetable.next(last.to) == Some(tick)) {
            last.to = tick;
        } else if room && ranges.len() < RANGES {
            ranges.push(TickRange {
                from: tick,
                to: tick,
            });
        } else {
            tally.missed.note(tick, 1, MissedReason::QueueFull);
        }
    }
    ranges
}

fn backfill(
    schedule: &ScheduleSnapshot,
    timetable: &Timetable,
    children: &[Child],
    tally: &mut Tally<'_>,
    decision: &ScheduleDecision,
) -> Option<BackfillStatus> {
    let asked = schedule.spec.backfill?;
    let old = schedule
        .status
        .backfill
        .filter(|old| old.from == asked.from);
    let Some(Ok(total)) = decision.range else {
        return old;
    };
    let old = old.and_then(|old| old.until);
    let (until, fresh) = tally.backfilled(&decision.backfill, old);
    let behind = |time: Timestamp| time + SignedDuration::from_nanos(1);
    // A range that was made shorter ends earlier than what has been covered.
    let covered = until.map(|until| behind(until).min(asked.to));
    let covered = covered.map_or(0, |end| timetable.count(asked.from, end));
    let going = children.iter().filter(|child| {
        let tick = child.tick.filter(|_| child.state == State::Active);
        tick.is_some_and(|tick| (asked.from..asked.to).contains(&tick))
            && child.tick <= until
            && !fresh.contains(&child.name)
    });
    let going = going.count() + fresh.len();
    Some(BackfillStatus {
        from: asked.from,
        until,
        done: covered.saturating_sub(going as u64),
        total,
    })
}

fn trigger(status: &mut ScoringScheduleStatus, decision: &ScheduleDecision, results: &Results) {
    let Some(trigger) = &decision.trigger else {
        return;
    };
    let is_asked = |name: &String| decision.creations.iter().any(|asked| asked.name == *name);
    let run = match &trigger.run {
        None => None,
        Some(name) if !is_asked(name) => Some(name.clone()),
        Some(name) => match results.of(name) {
            Outcome::Refused => return,
            Outcome::Conflict => None,
            Outcome::Present | Outcome::Created => Some(name.clone()),
        },
    };
    status.last_trigger = Some(HandledTrigger {
        id: trigger.id.clone(),
        value: cut(&trigger.value, VALUE_BYTES),
        run,
    });
}

/// The latest tick that has a run, and the latest whose run ended well.
fn times(
    status: &mut ScoringScheduleStatus,
    children: &[Child],
    (decision, results): (&ScheduleDecision, &Results),
) {
    let ticks = |state: Option<State>| {
        let found = children.iter().filter(move |child| {
            child.cause == Cause::Tick && state.is_none_or(|state| child.state == state)
        });
        found.filter_map(|child| child.tick).max()
    };
    let created = created(decision, results)
        .filter(|creation| creation.cause == Cause::Tick)
        .map(|creation| creation.tick)
        .max();
    status.last_schedule_time = status.last_schedule_time.max(ticks(None)).max(created);
    status.last_successful_time = status
        .last_successful_time
        .max(ticks(Some(State::Succeeded)));
}

fn active(children: &[Child], (decision, results): (&ScheduleDecision, &Results)) -> Vec<String> {
    let going = children.iter().filter(|child| child.is_active());
    let going = going.filter(|child| !decision.replaced.contains(child));
    let names: BTreeSet<_> = going
        .map(|child| &child.name)
        .chain(created(decision, results).map(|creation| &creation.name))
        .collect();
    names.into_iter().take(ACTIVE).cloned().collect()
}

/// What was decided and is there now.
fn created<'a>(
    decision: &'a ScheduleDecision,
    results: &'a Results,
) -> impl Iterator<Item = &'a Creation> + 'a {
    let there = |creation: &&Creation| {
        matches!(
            results.of(&creation.name),
            Outcome::Created | Outcome::Present
        )
    };
    decision.creations.iter().filter(there)
}

#[cfg(test)]
mod tests;
