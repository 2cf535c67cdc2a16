use fleetscore_crds::TickRange;
use fleetscore_ticks::Timetable;
use jiff::Timestamp;

use super::{Judgement, MissedReason, TickVerdict, behind};
use crate::schedule::runs::Runs;
use crate::schedule::snapshot::ScheduleSnapshot;
use crate::words::whole_second;

/// Where the decision on ticks begins: what the status says, after what the schedule's edits make of it.
pub struct Base {
    /// Ticks up to here are settled.
    pub settled: Timestamp,
    /// Settled ticks that wait, ascending.
    pub waiting: Vec<Timestamp>,
    /// What becomes of ticks that were waiting and no longer are.
    pub waited: Vec<Judgement>,
    /// What becomes of ticks that were due before an edit.
    pub due: Vec<Judgement>,
}

/// Where the decision begins.
///
/// A schedule that is new, let go on, or reads otherwise than before begins anew when that was written: nothing before it is due. A
/// later edit of something else leaves the ticks as they are.
pub fn base(schedule: &ScheduleSnapshot, runs: &Runs<'_>, now: Timestamp) -> Base {
    let spec = &schedule.spec;
    let Some(record) = &schedule.status.settled else {
        return Base::new(first_sight(schedule, now));
    };
    let mut base = Base::new(record.until);
    let changed = record.schedule != spec.schedule || record.time_zone != spec.time_zone;
    if record.suspended {
        if !spec.suspend {
            let start = restart(schedule, record.until, now);
            base.due = vec![nothing(start, MissedReason::Suspended)];
        }
        return base;
    }
    let Ok(before) = Timetable::parse(&record.schedule, &record.time_zone) else {
        if changed || spec.suspend {
            let start = restart(schedule, record.until, now);
            base.due = vec![nothing(start, MissedReason::ScheduleChanged)];
        }
        return base;
    };
    base.waiting = ticks(&before, &schedule.status.waiting);
    if changed || spec.suspend {
        let reason = if spec.suspend {
            MissedReason::Suspended
        } else {
            MissedReason::ScheduleChanged
        };
        let start = restart(schedule, record.until, now);
        let dropped = |tick| judge_dropped(runs, tick, reason);
        base.waited = base.waiting.drain(..).map(dropped).collect();
        base.due = vec![missed(&before, runs, (record.until, start), reason)];
    }
    base
}

impl Base {
    fn new(settled: Timestamp) -> Self {
        Self {
            settled,
            waiting: Vec::new(),
            waited: Vec::new(),
            due: Vec::new(),
        }
    }
}

/// Where a schedule begins that no status speaks of: when it was created; or when it was edited since, which may have let it go on.
fn first_sight(schedule: &ScheduleSnapshot, now: Timestamp) -> Timestamp {
    let untouched = schedule.generation <= 1 && schedule.status.observed_generation.is_none();
    if untouched {
        schedule.created
    } else {
        restart(schedule, schedule.created, now)
    }
}

/// When the last edit was. Ticks that are settled already stay so, even where the clock has stepped back.
fn restart(schedule: &ScheduleSnapshot, settled: Timestamp, now: Timestamp) -> Timestamp {
    let now = whole_second(now);
    schedule.edited.unwrap_or(now).min(now).max(settled)
}

/// The ticks that wait, one by one.
fn ticks(timetable: &Timetable, ranges: &[TickRange]) -> Vec<Timestamp> {
    let each = |range: &TickRange| {
        let before = range.from - jiff::SignedDuration::from_nanos(1);
        let to = range.to;
        timetable
            .after(before)
            .take_while(move |tick| *tick <= to)
            .collect::<Vec<_>>()
    };
    ranges.iter().flat_map(each).collect()
}

/// The ticks in `(after, until]` get no run, but for those that have one already.
pub fn missed(
    timetable: &Timetable,
    runs: &Runs<'_>,
    (after, until): (Timestamp, Timestamp),
    reason: MissedReason,
) -> Judgement {
    let all = timetable.count(behind(after), behind(until));
    let present = runs
        .between(after, until)
        .filter(|tick| timetable.is_tick(*tick))
        .count();
    let last = timetable.until(until).find(|tick| !runs.has(*tick));
    Judgement {
        tick: last.filter(|last| *last > after).unwrap_or(until),
        until,
        verdict: TickVerdict::Missed(all.saturating_sub(present as u64), reason),
    }
}

/// A waiting tick is given up, unless its run exists.
pub fn judge_dropped(runs: &Runs<'_>, tick: Timestamp, reason: MissedReason) -> Judgement {
    Judgement {
        tick,
        until: tick,
        verdict: if runs.has(tick) {
            TickVerdict::Exists
        } else {
            TickVerdict::Missed(1, reason)
        },
    }
}

/// Ticks up to `until` are none of the schedule's.
fn nothing(until: Timestamp, reason: MissedReason) -> Judgement {
    Judgement {
        tick: until,
        until,
        verdict: TickVerdict::Missed(0, reason),
    }
}
