//! Drives the passes of a controller.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use kube::ResourceExt;
use kube::runtime::controller::{Config, Error, ReconcileRequest, applier};
use kube::runtime::watcher;

use super::{PassError, Reconciler, Seen, error_policy, reconcile};
use crate::stored::Stored;

/// How often a controller shows that it is alive.
pub const BEAT: Duration = Duration::from_secs(10);

/// Makes the passes that `requests` ask for until `stop`; then those that have begun are finished. Now and then it shows that it is alive,
/// and has forgotten what was kept of objects that are gone.
pub async fn operate<R: Reconciler>(
    reconciler: Arc<R>,
    seen: Seen<R::Object>,
    requests: impl Stream<Item = watcher::Result<ReconcileRequest<Stored<R::Object>>>> + Send + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let work = applier(
        |object, reconciler| reconcile::<R>(object, reconciler).boxed(),
        error_policy::<R>,
        reconciler.clone(),
        seen.objects.clone(),
        requests.take_until(stop),
        Config::default()
            .debounce(R::DEBOUNCE)
            .concurrency(R::CONCURRENCY),
    );
    let mut work = std::pin::pin!(work);
    let mut beats = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            item = work.next() => match item {
                Some(result) => note(result.map(|_| ())),
                None => break,
            },
            _ = beats.tick() => beat(&*reconciler, &seen),
        }
    }
}

fn beat<R: Reconciler>(reconciler: &R, seen: &Seen<R::Object>) {
    let objects = seen.objects.state();
    let known: HashSet<_> = objects.iter().filter_map(|object| object.uid()).collect();
    let is_known = |uid: &str| known.contains(uid);
    reconciler.tools().health.beat();
    reconciler.tools().errors.retain(is_known);
    reconciler.forget(&is_known);
}

fn note(result: Result<(), Error<PassError, watcher::Error>>) {
    match result {
        // A failed pass has been told by the error policy.
        Ok(()) | Err(Error::ObjectNotFound(_) | Error::ReconcilerFailed(..)) => {}
        Err(Error::QueueError(error)) => tracing::warn!("cannot watch: {error}"),
        Err(error) => tracing::error!("{error}"),
    }
}
