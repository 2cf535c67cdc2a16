//! What is kept for each of many objects.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Something of each of many objects, by UID, shared between passes.
#[derive(Debug)]
pub struct ByUid<T>(Mutex<HashMap<String, T>>);

impl<T> Default for ByUid<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> ByUid<T> {
    /// Works with all of it while nobody else does.
    pub fn with<R>(&self, work: impl FnOnce(&mut HashMap<String, T>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets one object.
    pub fn forget(&self, uid: &str) {
        self.with(|all| all.remove(uid));
    }

    /// Forgets the objects that are none of these.
    pub fn retain(&self, known: impl Fn(&str) -> bool) {
        self.with(|all| all.retain(|uid, _| known(uid)));
    }
}
