//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{ConditionStatus, LAST_APPLIED_ANNOTATION, ScoringSchedule};
use futures::channel::mpsc::UnboundedReceiver;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::runtime::controller::{Config, ReconcileRequest, applier, trigger_self};
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;
use tokio::time::Instant;

use super::children::{Children, Request};
use super::overwritten::Overwritten;
use super::subject::trim;
use super::{Context, error_policy, reconcile};
use crate::backoff::Errors;

use crate::run::Runs;
use crate::shared::Shared;
use crate::stored::Stored;
use crate::unreadable::UNREADABLE;
use crate::watches::{
    BEAT, Cache, Filled, all_filled, drive, note_filled, note_unreadable, reporter, scoped,
};

/// Changes that come in such a burst are looked at once.
pub(super) const DEBOUNCE: Duration = Duration::from_millis(100);
/// Passes at the same time; how many of them call the API server, `rush` says.
const CONCURRENCY: u16 = 1024;
/// The clock was set when it is off by so much between two beats.
const CLOCK_WAS_SET: SignedDuration = SignedDuration::from_secs(2);

/// The runs that schedules own, as the run controller sees them.
pub struct Owned {
    children: Children,
    changed: UnboundedReceiver<Request>,
    listed: Filled,
}

impl Owned {
    /// The index that `runs` fills, and the schedules whose runs change.
    pub fn new(children: Children, changed: UnboundedReceiver<Request>, runs: &Runs) -> Self {
        Self {
            children,
            changed,
            listed: runs.listed(),
        }
    }
}

/// The schedules that one controller sees.
#[derive(Clone)]
pub struct Schedules {
    schedules: Store<Stored<ScoringSchedule>>,
    cache: Cache,
}

impl Schedules {
    /// Resolves once everything has been listed.
    pub async fn wait_until_ready(&self) -> bool {
        all_filled([self.cache.filled.clone()]).await
    }

    /// Resolves once it is known whether the schedules can be read: with true once they are listed.
    pub async fn is_readable(&self) -> bool {
        self.cache.is_readable().await
    }

    /// The state of every schedule: `Active`, `Suspended`, `Stalled` or `Unreadable`.
    pub fn states(&self) -> Vec<&'static str> {
        self.schedules
            .state()
            .iter()
            .map(|schedule| schedule.0.as_ref().map_or(UNREADABLE, state))
            .collect()
    }
}

fn state(schedule: &ScoringSchedule) -> &'static str {
    let conditions = schedule.status.iter().flat_map(|status| &status.conditions);
    let mut stalled =
        conditions.filter(|found| found.kind == "Stalled" && found.status == ConditionStatus::True);
    match (stalled.next(), schedule.spec.suspend) {
        (Some(_), _) => "Stalled",
        (None, true) => "Suspended",
        (None, false) => "Active",
    }
}

/// Runs the controller for a namespace, or all, until `stop`; then the passes that have begun are finished.
///
/// Gives what it sees at once, and the work as a future.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the work outlives what the name is borrowed from"
)]
pub fn run(
    shared: Shared,
    namespace: Option<String>,
    owned: Owned,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Schedules, impl Future<Output = ()> + Send) {
    let (sender, filled) = watch::channel(false);
    let (refused, unreadable) = watch::channel(false);
    let (reader, writer) = store();
    let schedules = watcher(
        scoped(&shared.client, namespace.as_deref()),
        watcher::Config::default(),
    )
    .default_backoff()
    .modify(|schedule: &mut Stored<ScoringSchedule>| {
        trim(schedule.managed_fields_mut());
        schedule.annotations_mut().remove(LAST_APPLIED_ANNOTATION);
    })
    .reflect(writer)
    .inspect_ok(note_filled(sender))
    .inspect_err(note_unreadable(refused, || {}))
    .applied_objects();
    let others = stream::select(owned.changed, clock_jumps(reader.clone()));
    let others = others.map(|schedule| Ok(ReconcileRequest::from(schedule)));
    let requests = stream::select(trigger_self(schedules, ()), others);
    let seen = Schedules {
        schedules: reader,
        cache: Cache { filled, unreadable },
    };
    let context = Arc::new(Context {
        recorder: Recorder::new(shared.client.clone(), reporter()),
        client: shared.client,
        children: owned.children,
        runs_listed: owned.listed,
        metrics: shared.metrics,
        errors: Errors::default(),
        overwritten: Overwritten::default(),
        rush: shared.rush,
    });
    let work = applier(
        |schedule, context| reconcile(schedule, context).boxed(),
        error_policy,
        context.clone(),
        seen.schedules.clone(),
        requests.take_until(stop),
        Config::default()
            .debounce(DEBOUNCE)
            .concurrency(CONCURRENCY),
    );
    let known = seen.schedules.clone();
    let beat = move || {
        shared.health.beat();
        forget(&context, &known);
    };
    (seen, drive(work, beat))
}

/// Forgets the schedules that are gone.
fn forget(context: &Context, schedules: &Store<Stored<ScoringSchedule>>) {
    let known: std::collections::HashSet<_> = schedules
        .state()
        .iter()
        .filter_map(|schedule| schedule.uid())
        .collect();
    context.errors.retain(|uid| known.contains(uid));
    context.overwritten.retain(|uid| known.contains(uid));
    context.children.forget();
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
