//! The end: everything that hinders is over, and all that was due must have come about.

use jiff::{SignedDuration, Timestamp};

use super::World;
use crate::children::{Child, State};
use crate::children::{trigger_id, trigger_run};
use crate::schedule::decide::{KEPT, MissedReason};
use crate::schedule::model::operator::Operator;

impl World {
    /// Everything that hinders is over; then all that was due must have come about.
    pub fn come_to_rest(&mut self, operators: &mut [Operator]) {
        self.quota_used_up = false;
        self.collect_garbage();
        for operator in operators.iter_mut() {
            operator.pass(self);
        }
        // What a pass has created for a schedule that was already gone.
        self.collect_garbage();
        let operator = &mut operators[0];
        let spread = self.schedule.spread();
        self.wait(spread);
        for round in 0.. {
            assert!(round < 500, "no rest: {:?}", self.schedule.status);
            let before = (self.schedule.status.clone(), self.runs.len());
            operator.see(self);
            operator.pass(self);
            let mut ended = false;
            while self
                .children(&self.schedule.uid)
                .iter()
                .any(Child::is_active)
            {
                self.end(0, round % 2 == 0);
                ended = true;
            }
            if !ended && before == (self.schedule.status.clone(), self.runs.len()) {
                break;
            }
        }
        self.check_ticks();
        self.check_backfill();
        self.check_trigger();
        self.wait(KEPT);
        operator.see(self);
        operator.pass(self);
        self.check_history();
    }

    /// Each tick has its run, or is counted.
    fn check_ticks(&self) {
        let spread = self.schedule.spread();
        let settled = self.schedule.status.settled.as_ref();
        let settled = settled.map_or(self.schedule.created, |record| record.until);
        let due = |tick: &&Timestamp| **tick + spread <= self.now || **tick <= settled;
        let without = self
            .truth
            .due
            .iter()
            .filter(due)
            .filter(|tick| !self.truth.live.contains(*tick))
            .copied();
        let (excused, owed): (Vec<Timestamp>, Vec<Timestamp>) =
            without.partition(|tick| self.truth.excused.contains(tick));
        let status = &self.schedule.status;
        if self.schedule.spec.suspend && status.settled.is_none() {
            return;
        }
        let conflicts = status
            .missed_reasons
            .get(&MissedReason::NameConflict.word());
        let told: u64 = status.missed_reasons.values().sum();
        assert_eq!(status.missed_runs, told);
        assert!(
            told >= owed.len() as u64,
            "{owed:?} have no run, but {told} are told ({conflicts:?} conflicts)"
        );
        // An operator that does not see the other's run yet may count its tick as missed.
        if self.truth.exact && self.alone {
            assert!(excused.is_empty());
            let of_backfill = conflicts.copied().unwrap_or_default();
            assert!(
                told <= owed.len() as u64 + of_backfill,
                "{told} are told, but {owed:?} have no run"
            );
        }
        assert_eq!(status.waiting, [], "ticks wait although nothing goes on");
    }

    /// The range has had its runs.
    fn check_backfill(&self) {
        let (Some(backfill), false) = (self.schedule.spec.backfill, self.schedule.spec.suspend)
        else {
            return;
        };
        let until = self.schedule.status.settled.as_ref().unwrap().until;
        let timetable = self.timetable();
        let range = timetable.after(backfill.from - SignedDuration::from_nanos(1));
        let range = range.take_while(|tick| *tick < backfill.to && *tick <= until);
        let mut covered = 0;
        for tick in range {
            assert!(
                self.truth.ever.contains(&tick) || Some(tick) <= self.truth.covered,
                "{tick} is not covered"
            );
            covered += 1;
        }
        let status = self.schedule.status.backfill.unwrap();
        assert_eq!(status.done, covered);
        assert_eq!(status.total, timetable.count(backfill.from, backfill.to));
    }

    /// The last trigger has had its run.
    fn check_trigger(&self) {
        if let Some(value) = &self.truth.trigger {
            let name = trigger_run(&self.schedule.name, &trigger_id(&self.schedule.uid, value));
            let last = self.schedule.status.last_trigger.as_ref();
            let run = last.and_then(|last| last.run.as_ref());
            assert_eq!(run, Some(&name), "{value} has had no run");
        }
    }

    /// No more ended runs are left than are asked for.
    fn check_history(&self) {
        let history = self.schedule.spec.history;
        let open = self.schedule.spec.backfill.is_some_and(|backfill| {
            self.schedule
                .status
                .backfill
                .is_none_or(|status| status.done < status.total)
                || backfill.to > self.now
        });
        if open || self.schedule.spec.suspend {
            return;
        }
        let ours = self.children(&self.schedule.uid);
        for (state, kept) in [
            (State::Succeeded, history.succeeded),
            (State::Failed, history.failed),
        ] {
            let mut ended: Vec<_> = ours.iter().filter(|run| run.state == state).collect();
            ended.sort_by_key(|run| std::cmp::Reverse(run.time));
            // A clock that was set back has to come to the tick again before anybody settles it.
            let is_due = |run: &&&Child| run.tick.is_none_or(|tick| tick <= self.now);
            let mut surplus = ended.iter().skip(kept as usize).filter(is_due);
            assert!(
                surplus.all(|run| run.time + KEPT > self.now),
                "{ended:?} are kept"
            );
        }
    }
}
