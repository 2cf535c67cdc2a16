//! The controller of `ScoringSchedule`s: each tick becomes a `ScoringRun`.
//!
//! `decide`, `build`, `status` and `events` are pure, `apply` writes. [`ScheduleReconciler::pass`] alone calls them, in that order.
//!
//! Nothing is listed for a schedule: its runs come from the watch that drives the run controller. A tick costs a look at the
//! schedule's version, the creation of its run, one write of the status and an event.

mod apply;
mod build;
mod controller;
mod decide;
mod events;
#[cfg(test)]
mod model;
mod outcome;
mod overwritten;
mod runs;
mod sample;
mod snapshot;
mod status;
#[cfg(test)]
mod testing;

use std::time::Duration;

use fleetscore_crds::ScoringSchedule;
use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use kube::runtime::controller::Action;

use crate::children::Children;
use crate::controller::{
    AFTER_REFUSAL, Filled, PassError, Reconciler, Tools, after, all_filled, look_again,
};

pub use controller::{Owned, run};
pub use sample::{Intervals, sample};

use apply::RunWriter;
use decide::{ScheduleDecision, decide};
use outcome::Results;
use overwritten::Overwritten;
use snapshot::ScheduleSnapshot;
use status::Settlement;

/// How soon to look again where the cache does not have the status yet that was written last. Its coming is a reason to look, too.
const AFTER_OWN_WRITE: Duration = Duration::from_secs(1);

/// What all passes share.
pub struct ScheduleReconciler {
    tools: Tools,
    children: Children,
    runs_listed: Filled,
    overwritten: Overwritten,
}

impl Reconciler for ScheduleReconciler {
    type Object = ScoringSchedule;
    type Snapshot = ScheduleSnapshot;

    const DEBOUNCE: Duration = Duration::from_millis(100);
    /// How many of them call the API server, `rush` says.
    const CONCURRENCY: u16 = 1024;
    /// When the API server is back, ticks are due.
    const LONGEST_WAIT: Duration = Duration::from_secs(15);

    fn tools(&self) -> &Tools {
        &self.tools
    }

    fn snapshot(schedule: &ScoringSchedule) -> Option<ScheduleSnapshot> {
        ScheduleSnapshot::of(schedule)
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
    #[tracing::instrument(skip_all, fields(namespace = snapshot.namespace, schedule = snapshot.name))]
    async fn pass(
        &self,
        schedule: &ScoringSchedule,
        snapshot: &ScheduleSnapshot,
    ) -> Result<Action, PassError> {
        // The watches are independent: before the runs are listed, a schedule would seem to have none.
        if !all_filled([self.runs_listed.clone()]).await {
            return Err(PassError::Stopping("runs"));
        }
        if snapshot.deleting {
            return Ok(Action::await_change());
        }
        let version = snapshot.resource_version.as_ref();
        if self.overwritten.has(&snapshot.uid, version) {
            return Ok(Action::requeue(AFTER_OWN_WRITE));
        }
        let now = Timestamp::now();
        let children = self.children.of(&snapshot.owner());
        let timetable = Timetable::parse(&snapshot.spec.schedule, &snapshot.spec.time_zone);
        let decision = decide(snapshot, timetable.as_ref(), &children, now);
        let writer = RunWriter::new(self, snapshot);
        let results = match &timetable {
            Ok(timetable) if !decision.creations.is_empty() => {
                let applied = writer.apply(timetable, &decision);
                self.tools.rush.create(applied).await?
            }
            _ => Results::default(),
        };
        let done = (&decision, &results);
        let settlement = status::status(snapshot, timetable.as_ref().ok(), &children, done, now);
        if settlement.status != snapshot.status {
            let _turn = self.tools.rush.turn_to_write().await;
            if !self
                .tools
                .write_status(schedule, &settlement.status)
                .await?
            {
                // It is gone.
                return Err(PassError::Outdated);
            }
            self.overwritten.note(&snapshot.uid, version);
            record(schedule, snapshot, done, &settlement, &self.tools).await;
        }
        let surplus = writer.delete(&decision.surplus).await;
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
    snapshot: &ScheduleSnapshot,
    (decision, results): (&ScheduleDecision, &Results),
    settlement: &Settlement,
    tools: &Tools,
) {
    for (reason, (count, _)) in &settlement.missed.reasons {
        tools.metrics.ticks_missed(&reason.word(), *count);
    }
    let events = events::events(&snapshot.status, decision, results, settlement);
    tools.tell(schedule, events).await;
}

/// When to look at the schedule again without anything having happened.
fn again(decision: &ScheduleDecision, results: &Results) -> Action {
    let now = Timestamp::now();
    let retry = results.refusal.as_ref();
    let retry = retry.and_then(|_| after(Some(now), AFTER_REFUSAL));
    look_again(retry.or(decision.again), now, ScheduleReconciler::DEBOUNCE)
}

#[cfg(test)]
mod tests;
