use std::collections::{BTreeMap, BTreeSet};

use fleetscore_crds::{Backfill, ConcurrencyPolicy, ScoringScheduleStatus};
use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};

use super::Edit;
use super::operator::Operator;
use crate::schedule::child::{Cause, Child, State};
use crate::schedule::decide::{Creation, KEPT, Reason, is_settled};
use crate::schedule::names::{tick_run, trigger_id, trigger_run};
use crate::schedule::outcome::{Outcome, Refusal};
use crate::schedule::subject::Subject;
use crate::schedule::testing::{start, subject};
use crate::words::whole_second;

/// Schedules that are edited into one another.
pub const SCHEDULES: [&str; 4] = ["0 * * * *", "*/20 * * * *", "30 * * * *", "15 6 * * *"];
/// Zones that are.
pub const ZONES: [&str; 2] = ["Etc/UTC", "Asia/Kolkata"];
/// The API's limit of a status.
const STATUS_BYTES: usize = 16 * 1024;

/// Time that does not depend on how the clock is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    gone_by: SignedDuration,
    settings: u32,
}

/// The API server, the clock, and what must be true of them.
pub struct World {
    /// The time that operators read.
    pub now: Timestamp,
    /// The time as it goes by.
    pub moment: Moment,
    /// The schedule as it is stored.
    pub schedule: Subject,
    /// Whether creations are refused.
    pub quota_used_up: bool,
    runs: BTreeMap<String, Stored>,
    version: u64,
    /// Whether there is one operator only, so that `concurrencyPolicy` must hold strictly.
    alone: bool,
    truth: Truth,
}

/// A run as it is stored; one without an owner is somebody else's.
struct Stored {
    owner: Option<String>,
    child: Child,
}

/// What has been, whatever the operators know of it. All of it is about the schedule that exists now.
struct Truth {
    /// Ticks up to here have come, for the schedule as it reads now.
    mark: Timestamp,
    /// Ticks that have come while the schedule was in force.
    due: BTreeSet<Timestamp>,
    /// Those of them that need no run and no reason any more: the schedule was edited before they were settled.
    excused: BTreeSet<Timestamp>,
    /// Those of them that must not run, since the edit can be told.
    past: BTreeSet<Timestamp>,
    /// How often the run of this name was created since it was asked for.
    created: BTreeMap<String, u32>,
    /// Ticks whose run was created as a tick's.
    live: BTreeSet<Timestamp>,
    /// Ticks whose run was ever created, or whose name somebody else has.
    ever: BTreeSet<Timestamp>,
    /// Whether the count of missed ticks is exact: no edit made it a guess.
    exact: bool,
    /// The trigger that must have had its run.
    trigger: Option<String>,
}

impl Truth {
    fn of(schedule: &Subject) -> Self {
        Self {
            mark: schedule.created,
            due: BTreeSet::new(),
            excused: BTreeSet::new(),
            past: BTreeSet::new(),
            created: BTreeMap::new(),
            live: BTreeSet::new(),
            ever: BTreeSet::new(),
            exact: true,
            trigger: None,
        }
    }
}

impl World {
    /// A world with one new schedule.
    pub fn new(alone: bool) -> Self {
        let schedule = Subject {
            resource_version: Some("0".to_owned()),
            edited: Some(start()),
            ..subject()
        };
        Self {
            now: start(),
            moment: Moment::default(),
            truth: Truth::of(&schedule),
            schedule,
            quota_used_up: false,
            runs: BTreeMap::new(),
            version: 0,
            alone,
        }
    }

    fn timetable(&self) -> Timetable {
        let spec = &self.schedule.spec;
        Timetable::parse(&spec.schedule, &spec.time_zone).unwrap()
    }

    fn touch(&mut self) {
        self.version += 1;
        self.schedule.resource_version = Some(self.version.to_string());
    }

    /// Time goes by.
    pub fn wait(&mut self, by: SignedDuration) {
        self.moment.gone_by += by;
        self.turn_clock(by);
    }

    /// Whether a pass that began then has to be over. With two operators at work, none may take so long that the other's run of the
    /// same tick has come, ended and gone meanwhile; a clock that is set hides how long it takes.
    pub fn is_over(&self, begun: Moment) -> bool {
        self.moment.gone_by - begun.gone_by > SignedDuration::from_mins(1)
            || (!self.alone && self.moment.settings != begun.settings)
    }

    fn turn_clock(&mut self, by: SignedDuration) {
        self.now += by;
        if self.now <= self.truth.mark {
            return;
        }
        if !self.schedule.spec.suspend {
            let timetable = self.timetable();
            let come = timetable.after(self.truth.mark);
            self.truth
                .due
                .extend(come.take_while(|tick| *tick <= self.now));
        }
        self.truth.mark = self.now;
    }

    /// The clock is set. Ticks that it skips have come; ticks that it shows again come no second time.
    pub fn set_clock(&mut self, by: SignedDuration) {
        self.moment.settings += 1;
        self.turn_clock(by);
    }

    // What people do

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
        let settled = self
            .runs
            .values()
            .filter(ours)
            .filter(|run| is_settled(&self.schedule, &run.child));
        let name = settled.map(|run| run.child.name.clone()).nth(number);
        if let Some(name) = name {
            self.runs.remove(&name);
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
        let unseen = self.schedule.status.settled.as_ref().is_none_or(|record| {
            record.schedule != spec.schedule
                || record.time_zone != spec.time_zone
                || record.suspended != spec.suspend
        });
        if changed || spec.suspend != before.suspend || unseen {
            let settled = self.schedule.status.settled.as_ref();
            let settled = settled.map_or(self.schedule.created, |record| record.until);
            self.truth.excused.extend(self.truth.due.iter().copied());
            self.truth.past = self.truth.due.clone();
            self.truth.exact = false;
            self.truth.mark = whole_second(self.now).max(settled);
            self.undo(settled);
        }
        if spec.backfill.map(|backfill| backfill.from)
            != before.backfill.map(|backfill| backfill.from)
        {
            self.ask_for_backfill();
        }
        self.schedule.generation += 1;
        self.schedule.edited = Some(whole_second(self.now));
        self.touch();
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
        let seen = self.schedule.status.settled.is_some();
        self.truth.trigger = seen.then(|| value.clone());
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
        self.schedule = Subject {
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

    // What operators do

    /// The runs of the schedule with this UID.
    pub fn children(&self, uid: &str) -> Vec<Child> {
        let ours = self
            .runs
            .values()
            .filter(|run| run.owner.as_deref() == Some(uid));
        ours.map(|run| run.child.clone()).collect()
    }

    /// The run of this name.
    pub fn child(&self, name: &str) -> Option<Child> {
        self.runs.get(name).map(|run| run.child.clone())
    }

    fn new_child(&self, name: &str, cause: Cause) -> Child {
        Child {
            uid: format!("{name}-{}", self.version),
            name: name.to_owned(),
            tick: crate::schedule::names::tick_of(&self.schedule.name, name),
            cause,
            state: State::Active,
            time: self.now,
            deleting: false,
        }
    }

    /// Creates a run.
    pub fn create(
        &mut self,
        seen: &Subject,
        creation: &Creation,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let refusal = |reason: &str| Refusal {
            invalid: false,
            reason: reason.to_owned(),
            message: String::new(),
        };
        if let Some(found) = self.runs.get(&creation.name) {
            return match &found.owner {
                Some(owner) if *owner == seen.uid => Ok(Outcome::Present),
                Some(_) => Err(refusal("NameConflict")),
                None => {
                    self.truth.ever.insert(creation.tick);
                    Ok(Outcome::Conflict)
                }
            };
        }
        if self.quota_used_up {
            return Err(refusal("Forbidden"));
        }
        self.version += 1;
        let child = self.new_child(&creation.name, creation.cause);
        if seen.uid == self.schedule.uid {
            self.check_creation(seen, creation, now);
        }
        let run = Stored {
            owner: Some(seen.uid.clone()),
            child,
        };
        self.runs.insert(creation.name.clone(), run);
        Ok(Outcome::Created)
    }

    fn check_creation(&mut self, seen: &Subject, creation: &Creation, now: Timestamp) {
        let count = self.truth.created.entry(creation.name.clone()).or_default();
        *count += 1;
        assert_eq!(*count, 1, "{} is created again", creation.name);
        let unedited = seen.generation == self.schedule.generation;
        match creation.cause {
            Cause::Tick => {
                let tick = creation.tick;
                assert!(self.truth.due.contains(&tick), "{tick} has not come");
                assert!(now >= tick + seen.spread(), "{tick} is created too early");
                assert!(
                    !unedited || !self.truth.past.contains(&tick),
                    "{tick} is of the past"
                );
                self.truth.live.insert(tick);
                self.truth.ever.insert(tick);
                if self.alone
                    && unedited
                    && seen.spec.concurrency_policy != ConcurrencyPolicy::Allow
                {
                    assert_eq!(
                        self.active(Cause::Tick),
                        0,
                        "{tick} is created beside another"
                    );
                }
            }
            Cause::Backfill => {
                self.truth.ever.insert(creation.tick);
                let backfill = seen.spec.backfill.unwrap();
                assert!((backfill.from..backfill.to).contains(&creation.tick));
                if self.alone && unedited {
                    let limit = backfill.max_concurrent as usize;
                    assert!(
                        self.active(Cause::Backfill) < limit,
                        "too many of the backfill"
                    );
                }
            }
            Cause::Trigger => {}
        }
    }

    fn active(&self, cause: Cause) -> usize {
        let ours = self.children(&self.schedule.uid);
        let active = ours.iter().filter(|run| run.cause == cause);
        active.filter(|run| run.is_active()).count()
    }

    /// Deletes a run, if it is that one still.
    pub fn delete(&mut self, run: &Child, replaced: bool, now: Timestamp) {
        let Some(found) = self.runs.get(&run.name) else {
            return;
        };
        if found.child.uid != run.uid {
            return;
        }
        if !replaced {
            assert!(found.child.state != State::Active, "{} is going", run.name);
            assert!(
                found.child.time + KEPT <= now,
                "{} has just ended",
                run.name
            );
        }
        // It was decided before somebody asked for it again.
        let again = run.tick.is_some_and(|tick| {
            let backfill = self.schedule.spec.backfill;
            backfill.is_some_and(|backfill| (backfill.from..backfill.to).contains(&tick))
        });
        if again && !replaced {
            self.truth.created.remove(&run.name);
        }
        self.runs.remove(&run.name);
    }

    /// Writes the status of that version; whether it was that version still.
    pub fn write(&mut self, seen: &Subject, new: ScoringScheduleStatus) -> bool {
        if self.schedule.resource_version != seen.resource_version {
            return false;
        }
        let size = serde_json::to_string(&new).unwrap().len();
        assert!(size < STATUS_BYTES, "{size} bytes of status");
        let until =
            |status: &ScoringScheduleStatus| status.settled.as_ref().map(|record| record.until);
        assert!(
            until(&new) >= until(&self.schedule.status),
            "settled ticks are open again"
        );
        self.schedule.status = new;
        self.touch();
        true
    }

    // The end

    /// Everything that hinders is over; then all that was due must have come about.
    pub fn come_to_rest(&mut self, operators: &mut [Operator]) {
        self.quota_used_up = false;
        self.collect_garbage();
        for operator in operators.iter_mut() {
            operator.pass(self);
        }
        let operator = &mut operators[0];
        let spread = self.schedule.spread();
        self.wait(spread);
        for round in 0.. {
            assert!(round < 500, "no rest: {:?}", self.schedule.status);
            let before = (self.schedule.status.clone(), self.runs.len());
            operator.see(self);
            operator.pass(self);
            while self
                .children(&self.schedule.uid)
                .iter()
                .any(Child::is_active)
            {
                self.end(0, round % 2 == 0);
            }
            if before == (self.schedule.status.clone(), self.runs.len()) {
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
        let due = |tick: &&Timestamp| **tick + spread <= self.now;
        let without = self
            .truth
            .due
            .iter()
            .filter(due)
            .filter(|tick| !self.truth.live.contains(*tick));
        let (excused, owed): (Vec<_>, Vec<_>) =
            without.partition(|tick| self.truth.excused.contains(*tick));
        let status = &self.schedule.status;
        if self.schedule.spec.suspend && status.settled.is_none() {
            return;
        }
        let conflicts = status.missed_reasons.get(&Reason::NameConflict.word());
        let told: u64 = status.missed_reasons.values().sum();
        assert_eq!(status.missed_runs, told);
        assert!(
            told >= owed.len() as u64,
            "{owed:?} have no run, but {told} are told ({conflicts:?} conflicts)"
        );
        if self.truth.exact {
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
            assert!(self.truth.ever.contains(&tick), "{tick} is not covered");
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
            assert!(
                self.truth.created.contains_key(&name),
                "{value} has had no run"
            );
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
            let ended = ours.iter().filter(|run| run.state == state).count();
            assert!(ended <= kept as usize, "{ended} {state:?} are kept");
        }
    }
}
