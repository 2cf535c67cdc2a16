use std::fmt::Debug;

use kube::runtime::reflector::Store;

use super::{Cache, Filled, UNREADABLE, all_filled};
use crate::stored::{Stored, Versioned};

/// The objects that one controller sees. A clone sees the same.
#[derive(Clone)]
pub struct Seen<K: Versioned + Clone + Debug + 'static> {
    /// The objects.
    pub objects: Store<Stored<K>>,
    /// Whether they are listed.
    pub own: Cache,
    /// What else must be listed before it works.
    pub others: Vec<Cache>,
    /// The state of an object in one word, for metrics.
    pub state: fn(&K) -> String,
}

impl<K: Versioned + Clone + Debug + 'static> Seen<K> {
    /// Resolves once everything has been listed, or with false where that never will be.
    pub async fn wait_until_ready(&self) -> bool {
        let filled: Vec<_> = self.caches().map(|cache| cache.filled.clone()).collect();
        all_filled(filled).await
    }

    /// Resolves once it is known whether everything can be read: with true once it is listed.
    pub async fn is_readable(&self) -> bool {
        for cache in self.caches() {
            if !cache.is_readable().await {
                return false;
            }
        }
        true
    }

    /// Whether the objects are listed.
    pub fn listed(&self) -> Filled {
        self.own.filled.clone()
    }

    fn caches(&self) -> impl Iterator<Item = &Cache> {
        std::iter::once(&self.own).chain(&self.others)
    }

    /// The state of every object, or that it cannot be read.
    pub fn states(&self) -> Vec<String> {
        let state = |object: &Stored<K>| {
            let object = object.0.as_ref();
            object.map_or_else(|_| UNREADABLE.to_owned(), self.state)
        };
        self.objects
            .state()
            .iter()
            .map(|object| state(object))
            .collect()
    }
}
