//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{ConditionStatus, LAST_APPLIED_ANNOTATION, ScoringSchedule};
use futures::channel::mpsc::UnboundedReceiver;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::runtime::controller::{ReconcileRequest, trigger_self};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use tokio::time::Instant;

use super::ScheduleReconciler;
use super::decide::MissedReason;
use super::overwritten::Overwritten;
use super::snapshot::trim;
use crate::children::{Children, Request};
use crate::controller::{BEAT, Filled, Seen, Shared, Tools, operate, scoped, watch};
use crate::stored::Stored;

/// The clock was set when it is off by so much between two beats.
const CLOCK_WAS_SET: SignedDuration = SignedDuration::from_secs(2);

/// The runs that schedules own, as the watch of runs tells of them.
pub struct Owned {
    /// The index that the watch fills.
    pub children: Children,
    /// The schedules whose runs change.
    pub changed: UnboundedReceiver<Request>,
    /// Whether the runs are listed.
    pub listed: Filled,
}

/// Runs the controller for a namespace, or all, until `stop`; then the passes that have begun are finished.
///
/// Gives what it sees at once, and the work as a future.
pub fn run(
    shared: Shared,
    namespace: Option<&str>,
    owned: Owned,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Seen<ScoringSchedule>, BoxFuture<'static, ()>) {
    let trim = |schedule: &mut Stored<ScoringSchedule>| {
        trim(schedule.managed_fields_mut());
        schedule.annotations_mut().remove(LAST_APPLIED_ANNOTATION);
    };
    let api = scoped(&shared.client, namespace);
    let config = watcher::Config::default();
    let (schedules, objects, own) = watch(api, config, trim, |_| {}, || {});
    let others = stream::select(owned.changed, clock_jumps(objects.clone()));
    let others = others.map(|schedule| Ok(ReconcileRequest::from(schedule)));
    let requests = stream::select(trigger_self(schedules.applied_objects(), ()), others);
    for reason in MissedReason::ALL {
        // Nobody sees a count grow that begins with 1.
        shared.metrics.ticks_missed(&reason.word(), 0);
    }
    let context = ScheduleReconciler {
        tools: Tools::new(shared),
        children: owned.children,
        runs_listed: owned.listed,
        overwritten: Overwritten::default(),
    };
    let seen = Seen {
        objects,
        own,
        others: Vec::new(),
        state,
    };
    let work = operate(Arc::new(context), seen.clone(), requests, stop);
    (seen, work.boxed())
}

/// `Active`, `Suspended` or `Stalled`.
fn state(schedule: &ScoringSchedule) -> String {
    let conditions = schedule.status.iter().flat_map(|status| &status.conditions);
    let mut stalled =
        conditions.filter(|found| found.kind == "Stalled" && found.status == ConditionStatus::True);
    let state = match (stalled.next(), schedule.spec.suspend) {
        (Some(_), _) => "Stalled",
        (None, true) => "Suspended",
        (None, false) => "Active",
    };
    state.to_owned()
}

/// All schedules whenever the clock was set: passes are waited for by the time that goes by, which setting the clock does not change.
fn clock_jumps(schedules: Store<Stored<ScoringSchedule>>) -> impl Stream<Item = Request> + Send {
    let start = (Instant::now(), Timestamp::now());
    let jumps = stream::unfold(start, |(mut instant, mut time)| async move {
        loop {
            tokio::time::sleep(BEAT).await;
            let (before, was) = (instant, time);
            (instant, time) = (Instant::now(), Timestamp::now());
            if was_set(time.duration_since(was), instant.duration_since(before)) {
                return Some(((), (instant, time)));
            }
        }
    });
    jumps.flat_map(move |()| {
        tracing::info!("the clock was set");
        let all: Vec<_> = schedules
            .state()
            .iter()
            .map(|schedule| ObjectRef::from_obj(schedule.as_ref()))
            .collect();
        stream::iter(all)
    })
}

fn was_set(by_clock: SignedDuration, gone_by: Duration) -> bool {
    let gone_by = SignedDuration::try_from(gone_by).unwrap_or(SignedDuration::MAX);
    by_clock.saturating_sub(gone_by).abs() > CLOCK_WAS_SET
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_noticed() {
        for (by_clock, expected) in [(10, false), (11, false), (13, true), (0, true), (-50, true)] {
            let by_clock = SignedDuration::from_secs(by_clock);
            assert_eq!(was_set(by_clock, BEAT), expected, "{by_clock:?}");
        }
    }
}
