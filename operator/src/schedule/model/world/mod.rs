//! The API server, the clock and the people, and what must be true of them.

mod people;
mod rest;
mod truth;

use std::collections::BTreeMap;

use fleetscore_crds::{ConcurrencyPolicy, ScoringScheduleStatus};
use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};

use self::truth::Truth;
use crate::children::{Cause, Child, State};
use crate::controller::Refusal;
use crate::schedule::decide::{Creation, KEPT, waits};
use crate::schedule::outcome::Outcome;
use crate::schedule::snapshot::ScheduleSnapshot;
use crate::schedule::testing::{snapshot, start};
use crate::words::whole_second;

pub use people::{SCHEDULES, ZONES};

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
    pub schedule: ScheduleSnapshot,
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

impl World {
    /// A world with one new schedule.
    pub fn new(alone: bool) -> Self {
        let schedule = ScheduleSnapshot {
            resource_version: Some("0".to_owned()),
            edited: Some(start()),
            ..snapshot()
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
        self.truth.unsure &= self.has_unseen_edit();
        if !self.schedule.spec.suspend {
            let timetable = self.timetable();
            let come = timetable.after(self.truth.mark);
            let come: Vec<_> = come.take_while(|tick| *tick <= self.now).collect();
            if self.truth.unsure {
                self.truth.excused.extend(&come);
            }
            self.truth.due.extend(come);
        }
        self.truth.mark = self.now;
    }

    /// The clock is set. Ticks that it skips have come; ticks that it shows again come no second time.
    pub fn set_clock(&mut self, by: SignedDuration) {
        self.moment.settings += 1;
        self.turn_clock(by);
        if by.is_negative() && self.has_unseen_edit() {
            // By the clock as it is now, the edit was no later than now.
            let settled = self.schedule.status.settled.as_ref();
            let settled = settled.map_or(self.schedule.created, |record| record.until);
            let mark = whole_second(self.now).max(settled);
            self.truth.mark = mark;
            self.truth.unsure = true;
            self.truth.exact = false;
            self.truth.past.retain(|tick| *tick <= mark);
        }
    }

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
            tick: crate::children::tick_of(&self.schedule.name, name),
            cause,
            state: State::Active,
            time: self.now,
            deleting: false,
        }
    }

    /// Creates a run.
    pub fn create(
        &mut self,
        seen: &ScheduleSnapshot,
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

    fn check_creation(&mut self, seen: &ScheduleSnapshot, creation: &Creation, now: Timestamp) {
        let count = self.truth.created.entry(creation.name.clone()).or_default();
        *count += 1;
        assert_eq!(*count, 1, "{} is created again", creation.name);
        let unedited = seen.generation == self.schedule.generation;
        match creation.cause {
            Cause::Tick => {
                let tick = creation.tick;
                assert!(self.truth.due.contains(&tick), "{tick} has not come");
                // One that waits was due before the clock was set back.
                assert!(
                    now >= tick + seen.spread() || waits(seen, tick),
                    "{tick} is created too early"
                );
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
        if again {
            self.truth.created.remove(&run.name);
        }
        self.runs.remove(&run.name);
    }

    /// Writes the status of that version; whether it was that version still.
    pub fn write(&mut self, seen: &ScheduleSnapshot, new: ScoringScheduleStatus) -> bool {
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
        if self.truth.unsure && !self.has_unseen_edit() {
            // The operator has told which ticks came after the edit, by the clock that it read.
            self.truth.mark = self
                .truth
                .mark
                .max(until(&self.schedule.status).unwrap_or_default());
        }
        self.touch();
        true
    }
}
