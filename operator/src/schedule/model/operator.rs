use std::collections::VecDeque;

use fleetscore_ticks::Timetable;
use jiff::Timestamp;

use super::world::{Moment, World};
use crate::children::Child;
use crate::schedule::decide::{Creation, ScheduleDecision, decide};
use crate::schedule::outcome::{Outcome, Results};
use crate::schedule::snapshot::ScheduleSnapshot;
use crate::schedule::status::status;

/// An operator: caches that may be behind, and at most one pass.
pub struct Operator {
    schedule: ScheduleSnapshot,
    children: Vec<Child>,
    pass: Option<Pass>,
}

/// A pass, as far as it has come.
struct Pass {
    schedule: ScheduleSnapshot,
    children: Vec<Child>,
    timetable: Timetable,
    decision: ScheduleDecision,
    results: Results,
    now: Timestamp,
    begun: Moment,
    left: VecDeque<Step>,
}

/// One call to the API server.
enum Step {
    Check,
    Delete(Child, bool),
    Create(Creation),
    Write,
}

impl Operator {
    /// An operator that has just been started, and has listed everything.
    pub fn new(world: &World) -> Self {
        Self {
            schedule: world.schedule.clone(),
            children: world.children(&world.schedule.uid),
            pass: None,
        }
    }

    /// Its caches catch up.
    pub fn see(&mut self, world: &World) {
        self.schedule = world.schedule.clone();
        self.children = world.children(&world.schedule.uid);
    }

    /// Does the rest of its pass; or one, if it is in none.
    pub fn pass(&mut self, world: &mut World) {
        self.step(world);
        while self.pass.is_some() {
            self.step(world);
        }
    }

    /// Does one step: begins a pass, or makes its next call.
    pub fn step(&mut self, world: &mut World) {
        let Some(mut pass) = self.pass.take() else {
            self.pass = Some(Pass::begin(&self.schedule, &self.children, world));
            return;
        };
        // The time for a pass is up.
        if world.is_over(pass.begun) {
            return;
        }
        let Some(step) = pass.left.pop_front() else {
            return;
        };
        if pass.go_on(step, world, &mut self.children) {
            self.pass = Some(pass);
        }
    }
}

impl Pass {
    fn begin(schedule: &ScheduleSnapshot, children: &[Child], world: &World) -> Self {
        let now = world.now;
        let timetable =
            Timetable::parse(&schedule.spec.schedule, &schedule.spec.time_zone).unwrap();
        let decision = decide(schedule, Ok(&timetable), children, now);
        let judged = decision.due.iter().map(|judged| judged.tick);
        assert!(judged.is_sorted_by(|one, next| one < next), "{decision:?}");
        let mut left = VecDeque::new();
        if !decision.creations.is_empty() {
            left.push_back(Step::Check);
            let replaced = decision.replaced.iter().cloned();
            left.extend(replaced.map(|run| Step::Delete(run, true)));
            left.extend(decision.creations.iter().cloned().map(Step::Create));
        }
        left.push_back(Step::Write);
        let surplus = decision.surplus.iter().cloned();
        left.extend(surplus.map(|run| Step::Delete(run, false)));
        Self {
            schedule: schedule.clone(),
            children: children.to_vec(),
            timetable,
            decision,
            results: Results::default(),
            now,
            begun: world.moment,
            left,
        }
    }

    /// Makes one call; whether the pass goes on. `cache` is the operator's cache of runs.
    fn go_on(&mut self, step: Step, world: &mut World, cache: &mut Vec<Child>) -> bool {
        match step {
            Step::Check => world.schedule.resource_version == self.schedule.resource_version,
            Step::Delete(run, replaced) => {
                world.delete(&run, replaced, self.now);
                true
            }
            Step::Create(creation) => {
                match world.create(&self.schedule, &creation, self.now) {
                    Ok(outcome) => {
                        if outcome == Outcome::Created {
                            cache.extend(world.child(&creation.name));
                        }
                        self.results.runs.insert(creation.name, outcome);
                    }
                    Err(refusal) => {
                        self.results.refusal = Some(refusal);
                        self.left.retain(|step| !matches!(step, Step::Create(_)));
                    }
                }
                true
            }
            Step::Write => self.write(world),
        }
    }

    fn write(&self, world: &mut World) -> bool {
        let done = (&self.decision, &self.results);
        let timetable = Some(&self.timetable);
        let new = status(&self.schedule, timetable, &self.children, done, self.now).status;
        new == self.schedule.status || world.write(&self.schedule, new)
    }
}
