//! Watches, and whether everything in them has been listed.

use std::fmt::Debug;

use futures::{Stream, TryStreamExt};
use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch as channel;

use crate::api::code_of;

/// Whether a cache has been filled. Any number may wait for it; a store's own future wakes only the last one that does.
pub type Filled = channel::Receiver<bool>;

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

/// Watches objects: gives what happens to them, those that are there, and whether they have been listed.
///
/// `trim` takes away what the cache need not hold. `note` sees every event, before whoever waits for the listing goes on. `refused` is
/// called the first time that the API server does not let the objects be listed; the watch goes on asking, should that change. All three
/// are for the one stream that this gives, which does the work.
pub fn watch<K>(
    api: Api<K>,
    config: watcher::Config,
    trim: impl FnMut(&mut K) + Send,
    note: impl FnMut(&watcher::Event<K>) + Send,
    refused: impl Fn() + Send,
) -> (
    impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send,
    Store<K>,
    Cache,
)
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + Sync + 'static,
{
    let (filler, filled) = channel::channel(false);
    let (refuser, unreadable) = channel::channel(false);
    let (objects, writer) = store();
    let events = watcher(api, config)
        .default_backoff()
        .modify(trim)
        .reflect(writer)
        .inspect_ok(note)
        .inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) {
                filler.send_replace(true);
            }
        })
        .inspect_err(move |error| {
            if is_refused(error) && !refuser.send_replace(true) {
                refused();
            }
        });
    (events, objects, Cache { filled, unreadable })
}

fn is_refused(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) =
        error
    else {
        return false;
    };
    matches!(code_of(error), Some(401 | 403 | 404))
}
