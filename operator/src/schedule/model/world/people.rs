//! What people do.

use fleetscore_crds::{Backfill, ScoringScheduleStatus};
use jiff::{SignedDuration, Timestamp};

use super::truth::Truth;
use super::{Stored, World};
use crate::children::{Cause, State};
use crate::children::{tick_run, trigger_id, trigger_run};
use crate::schedule::decide::is_settled;
use crate::schedule::model::Edit;
use crate::schedule::snapshot::ScheduleSnapshot;
use crate::words::whole_second;

/// Schedules that are edited into one another.
pub const SCHEDULES: [&str; 4] = ["0 * * * *", "*/20 * * * *", "30 * * * *", "15 6 * * *"];
/// Zones that are.
pub const ZONES: [&str; 2] = ["Etc/UTC", "Asia/Kolkata"];
impl World {
    /// A run ends.
    pub fn end(&mut self, number: usize, good: bool) {
        let now = self.now;
        let mut active = self
            .runs
            .values_mut()
            .filter(|run| run.owner.is_some() && run.child.state == State::Active);
        if let Some(run) = active.nth(number) {
            run.child.state = if good {
                State::Succeeded
            } else {
                State::Failed
            };
            run.child.time = now;
        }
    }

    /// Somebody deletes a run. Nobody can tell one that the status does not know of yet from one that was never there.
    pub fn delete_by_hand(&mut self, number: usize) {
        let ours = |run: &&Stored| run.owner.as_ref() == Some(&self.schedule.uid);
        let timetable = self.timetable();
        let settled = self
            .runs
            .values()
            .filter(ours)
            .filter(|run| is_settled(&self.schedule, &timetable, &run.child));
        let name = settled.map(|run| run.child.name.clone()).nth(number);
        if let Some(name) = name {
            self.runs.remove(&name);
            if !self.alone {
                // The other operator may be about to create it.
                self.truth.created.remove(&name);
            }
        }
    }

    /// The spec changes.
    pub fn edit(&mut self, edit: &Edit) {
        let before = self.schedule.spec.clone();
        self.apply(edit);
        let spec = self.schedule.spec.clone();
        if spec == before {
            return;
        }
        let changed = spec.schedule != before.schedule || spec.time_zone != before.time_zone;
        let unseen = self.has_unseen_edit();
        if changed {
            let status = self.schedule.status.backfill;
            self.truth.covered = self
                .truth
                .covered
                .max(status.and_then(|status| status.until));
        }
        if changed || spec.suspend != before.suspend || unseen {
            let settled = self.schedule.status.settled.as_ref();
            let settled = settled.map_or(self.schedule.created, |record| record.until);
            self.truth.excused.extend(self.truth.due.iter().copied());
            self.truth.exact = false;
            self.truth.mark = whole_second(self.now).max(settled);
            // A clock that was set back shows the others again.
            let mark = self.truth.mark;
            let gone = self.truth.due.iter().filter(|tick| **tick <= mark);
            self.truth.past = gone.copied().collect();
            self.undo(settled);
        }
        // A tick that the range no longer had, and has again, is asked for anew, too.
        if changed
            || spec.backfill.map(|backfill| backfill.from)
                != before.backfill.map(|backfill| backfill.from)
        {
            self.ask_for_backfill();
        }
        self.schedule.generation += 1;
        self.schedule.edited = Some(whole_second(self.now));
        self.touch();
    }

    /// Whether the status does not know yet how the schedule reads.
    pub(super) fn has_unseen_edit(&self) -> bool {
        let spec = &self.schedule.spec;
        self.schedule.status.settled.as_ref().is_none_or(|record| {
            record.schedule != spec.schedule
                || record.time_zone != spec.time_zone
                || record.suspended != spec.suspend
        })
    }

    /// Edits that undo each other before they are seen are none: the ticks go on as if nothing had been.
    fn undo(&mut self, settled: Timestamp) {
        let spec = &self.schedule.spec;
        let is_undone = self.schedule.status.settled.as_ref().is_some_and(|record| {
            !record.suspended
                && !spec.suspend
                && record.schedule == spec.schedule
                && record.time_zone == spec.time_zone
        });
        if is_undone {
            let timetable = self.timetable();
            let ticks = timetable
                .after(settled)
                .take_while(|tick| *tick <= self.now);
            for tick in ticks {
                self.truth.due.insert(tick);
                self.truth.excused.insert(tick);
                self.truth.past.remove(&tick);
            }
            // Those that wait have their turn all the same.
            let status = &self.schedule.status;
            let waits = |tick: &Timestamp| {
                let mut waiting = status.waiting.iter();
                waiting.any(|range| (range.from..=range.to).contains(tick))
            };
            self.truth.past.retain(|tick| !waits(tick));
        }
    }

    fn apply(&mut self, edit: &Edit) {
        let now = self.now;
        let spec = &mut self.schedule.spec;
        match edit {
            Edit::Schedule(number) => spec.schedule = SCHEDULES[*number].to_owned(),
            Edit::Zone(number) => spec.time_zone = ZONES[*number].to_owned(),
            Edit::Suspend(suspend) => spec.suspend = *suspend,
            Edit::Concurrency(policy) => spec.concurrency_policy = *policy,
            Edit::Missed(policy, max) => {
                (spec.missed_runs.policy, spec.missed_runs.max) = (*policy, *max);
            }
            Edit::Deadline(seconds) => spec.starting_deadline_seconds = *seconds,
            Edit::Spread(seconds) => spec.spread_seconds = *seconds,
            Edit::History(good, bad) => {
                (spec.history.succeeded, spec.history.failed) = (*good, *bad);
            }
            Edit::Backfill(range) => {
                spec.backfill = range.map(|(before, minutes, max_concurrent)| {
                    let from = now - SignedDuration::from_mins(before);
                    Backfill {
                        from,
                        to: from + SignedDuration::from_mins(minutes),
                        max_concurrent,
                    }
                });
            }
            Edit::Template(number) => spec.run_template.spec.sharding.parallelism = *number,
        }
    }

    /// Runs that are gone are asked for anew.
    fn ask_for_backfill(&mut self) {
        let runs = &self.runs;
        self.truth.created.retain(|name, _| runs.contains_key(name));
    }

    /// The annotation gets a value.
    pub fn trigger(&mut self, value: u8) {
        let value = value.to_string();
        if self.schedule.trigger.as_ref() == Some(&value) {
            return;
        }
        let id = trigger_id(&self.schedule.uid, &value);
        let status = &self.schedule.status;
        // The value that was seen last is nothing new.
        let is_last = status
            .last_trigger
            .as_ref()
            .is_some_and(|last| last.id == id);
        let is_new = status.settled.is_some() && !is_last;
        self.truth.trigger = is_new.then(|| value.clone());
        if is_new {
            // One that was seen before is asked for again.
            let name = trigger_run(&self.schedule.name, &id);
            self.truth.created.remove(&name);
        }
        self.schedule.trigger = Some(value);
        self.touch();
    }

    /// Somebody else's run takes a name.
    pub fn squat(&mut self) {
        let Some(tick) = self.timetable().next(self.now) else {
            return;
        };
        let name = tick_run(&self.schedule.name, tick);
        let child = self.new_child(&name, Cause::Tick);
        self.runs
            .entry(name)
            .or_insert(Stored { owner: None, child });
    }

    /// The schedule is deleted and created anew, with the spec that it had.
    pub fn recreate(&mut self) {
        self.touch();
        self.schedule = ScheduleSnapshot {
            uid: format!("uid-{}", self.version),
            generation: 1,
            created: whole_second(self.now),
            edited: Some(whole_second(self.now)),
            status: ScoringScheduleStatus::default(),
            ..self.schedule.clone()
        };
        self.truth = Truth::of(&self.schedule);
    }

    /// Runs of schedules that are gone go, too.
    pub fn collect_garbage(&mut self) {
        let uid = &self.schedule.uid;
        self.runs
            .retain(|_, run| run.owner.as_ref().is_none_or(|owner| owner == uid));
    }
}
