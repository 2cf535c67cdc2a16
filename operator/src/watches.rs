//! What the controllers share: watches, and how their passes are driven.

use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::runtime::controller::Error;
use kube::runtime::events::Reporter;
use kube::runtime::watcher;
use kube::{Client, Resource};
use tokio::sync::watch;

use crate::api::{FIELD_MANAGER, status_of};

/// How often a controller shows that it is alive.
pub const BEAT: Duration = Duration::from_secs(10);

/// Whether a cache has been filled. Any number may wait for it; a store's own future wakes only the last one that does.
pub type Filled = watch::Receiver<bool>;

/// Notes in `filled` that everything has been listed, once the cache before it has it.
pub fn note_filled<K>(filled: watch::Sender<bool>) -> impl FnMut(&watcher::Event<K>) {
    move |event| {
        if matches!(event, watcher::Event::InitDone) {
            filled.send_replace(true);
        }
    }
}

/// Notes in `unreadable` that the API server does not let the objects be listed, and calls `told` the first time. The watch goes on
/// asking, should that change.
pub fn note_unreadable(
    unreadable: watch::Sender<bool>,
    told: impl Fn(),
) -> impl FnMut(&watcher::Error) {
    move |error| {
        if is_refused(error) && !unreadable.send_replace(true) {
            told();
        }
    }
}

fn is_refused(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) =
        error
    else {
        return false;
    };
    status_of(error).is_some_and(|status| matches!(status.code, 401 | 403 | 404))
}

/// What a controller sees of one kind of objects: whether all are listed, or may not be.
#[derive(Clone)]
pub struct Cache {
    /// All of them are listed.
    pub filled: Filled,
    /// They may not be read.
    pub unreadable: Filled,
}

impl Cache {
    /// Resolves once it is known whether the objects can be read: with true once they are listed.
    pub async fn is_readable(&self) -> bool {
        let (mut filled, mut unreadable) = (self.filled.clone(), self.unreadable.clone());
        tokio::select! {
            biased;
            filled = filled.wait_for(|filled| *filled) => filled.is_ok(),
            _ = unreadable.wait_for(|unreadable| *unreadable) => false,
        }
    }
}

/// Resolves once the caches are filled, or with false where one never will be.
pub async fn all_filled(caches: impl IntoIterator<Item = Filled>) -> bool {
    for mut cache in caches {
        if cache.wait_for(|filled| *filled).await.is_err() {
            return false;
        }
    }
    true
}

/// The objects of a namespace, or all.
pub fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Who writes events.
pub fn reporter() -> Reporter {
    Reporter {
        controller: FIELD_MANAGER.to_owned(),
        instance: std::env::var("POD_NAME").ok(),
    }
}

/// Does the work, and calls `beat` now and then.
pub async fn drive<T, E>(
    work: impl Stream<Item = Result<T, Error<E, watcher::Error>>>,
    mut beat: impl FnMut(),
) where
    E: std::error::Error + 'static,
{
    let mut work = std::pin::pin!(work);
    let mut beats = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            item = work.next() => match item {
                Some(result) => note(result.map(|_| ())),
                None => break,
            },
            _ = beats.tick() => beat(),
        }
    }
}

fn note<E: std::error::Error + 'static>(result: Result<(), Error<E, watcher::Error>>) {
    match result {
        // A failed pass has been told by the error policy.
        Ok(()) | Err(Error::ObjectNotFound(_) | Error::ReconcilerFailed(..)) => {}
        Err(Error::QueueError(error)) => tracing::warn!("cannot watch: {error}"),
        Err(error) => tracing::error!("{error}"),
    }
}
