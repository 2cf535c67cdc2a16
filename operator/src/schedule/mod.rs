//! The controller of `ScoringSchedule`s: each tick becomes a `ScoringRun`.
//!
//! `decide`, `build`, `status` and `events` are pure, `apply` writes. [`Context::pass`] alone calls them, in that order.
//!
//! Nothing is listed for a schedule: its runs come from the watch that drives the run controller. A tick costs a look at the
//! schedule's version, the creation of its run, one write of the status and an event.

mod apply;
mod build;
mod child;
mod children;
mod controller;
mod decide;
mod events;
#[cfg(test)]
mod model;
mod names;
mod outcome;
mod overwritten;
mod runs;
mod status;
mod subject;
#[cfg(test)]
mod testing;

use std::time::Duration;

use fleetscore_crds::ScoringSchedule;
use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use kube::runtime::controller::Action;

use crate::controller::{
    AFTER_REFUSAL, Filled, PassError, Reconciler, Tools, after, all_filled, look_again,
};

pub use children::Children;
pub use controller::{Owned, run};

use apply::Applier;
use decide::{Decision, decide};
use outcome::Results;
use overwritten::Overwritten;
use status::Settlement;
use subject::Subject;

/// How soon to look again where the cache does not have the status yet that was written last. Its coming is a reason to look, too.
const AFTER_OWN_WRITE: Duration = Duration::from_secs(1);

/// What all passes share.
pub struct Context {
    tools: Tools,
    children: Children,
    runs_listed: Filled,
    overwritten: Overwritten,
}

impl Reconciler for Context {
    type Object = ScoringSchedule;
    type Snapshot = Subject;

    const DEBOUNCE: Duration = Duration::from_millis(100);
    /// How many of them call the API server, `rush` says.
    const CONCURRENCY: u16 = 1024;
    /// When the API server is back, ticks are due.
    const LONGEST_WAIT: Duration = Duration::from_secs(15);

    fn tools(&self) -> &Tools {
        &self.tools
    }

    fn snapshot(schedule: &ScoringSchedule) -> Option<Subject> {
        Subject::of(schedule)
    }

    /// One pass over one schedule. The decision on `history` rests on how long a pass may take.
    ///
    /// 1. observe (cache): the schedule and its runs.
    /// 2. `decide` (pure): what becomes of every tick that is due.
    /// 3. `apply` (client): deletes runs that make room, creates runs. The schedule must still be what step 1 saw.
    /// 4. `status` (pure): what the ticks have come to.
    /// 5. write the status (client): one server-side apply of that version of the object which step 1 saw, if it says something new.
    /// 6. events and metrics (client), once the status stands.
    /// 7. `apply` (client): deletes ended runs that are too many. They belong to ticks that the status of step 1 knew to be settled.
    #[tracing::instrument(skip_all, fields(namespace = subject.namespace, schedule = subject.name))]
    async fn pass(
        &self,
        schedule: &ScoringSchedule,
        subject: &Subject,
    ) -> Result<Action, PassError> {
        // The watches are independent: before the runs are listed, a schedule would seem to have none.
        if !all_filled([self.runs_listed.clone()]).await {
            return Err(PassError::Stopping("runs"));
        }
        if subject.deleting {
            return Ok(Action::await_change());
        }
        let version = subject.resource_version.as_ref();
        if self.overwritten.has(&subject.uid, version) {
            return Ok(Action::requeue(AFTER_OWN_WRITE));
        }
        let now = Timestamp::now();
        let children = self.children.of(&subject.owner());
        let timetable = Timetable::parse(&subject.spec.schedule, &subject.spec.time_zone);
        let decision = decide(subject, timetable.as_ref(), &children, now);
        let applier = Applier::new(self, subject);
        let results = match &timetable {
            Ok(timetable) if !decision.creations.is_empty() => {
                let applied = applier.apply(timetable, &decision);
                self.tools.rush.create(applied).await?
            }
            _ => Results::default(),
        };
        let done = (&decision, &results);
        let settlement = status::status(subject, timetable.as_ref().ok(), &children, done, now);
        if settlement.status != subject.status {
            let _turn = self.tools.rush.turn_to_write().await;
            if !self
                .tools
                .write_status(schedule, &settlement.status)
                .await?
            {
                // It is gone.
                return Err(PassError::Outdated);
            }
            self.overwritten.note(&subject.uid, version);
            record(schedule, subject, done, &settlement, &self.tools).await;
        }
        let surplus = applier.delete(&decision.surplus).await;
        surplus.map_err(PassError::Write)?;
        Ok(again(&decision, &results))
    }

    fn forget(&self, is_known: &dyn Fn(&str) -> bool) {
        self.overwritten.retain(is_known);
        self.children.forget();
    }
}

/// Tells what a pass has come to, once the status stands.
async fn record(
    schedule: &ScoringSchedule,
    subject: &Subject,
    (decision, results): (&Decision, &Results),
    settlement: &Settlement,
    tools: &Tools,
) {
    for (reason, (count, _)) in &settlement.missed.reasons {
        tools.metrics.ticks_missed(&reason.word(), *count);
    }
    let events = events::events(&subject.status, decision, results, settlement);
    tools.tell(schedule, events).await;
}

/// When to look at the schedule again without anything having happened.
fn again(decision: &Decision, results: &Results) -> Action {
    let now = Timestamp::now();
    let retry = results.refusal.as_ref();
    let retry = retry.and_then(|_| after(Some(now), AFTER_REFUSAL));
    look_again(retry.or(decision.again), now, Context::DEBOUNCE)
}

#[cfg(test)]
mod tests;
