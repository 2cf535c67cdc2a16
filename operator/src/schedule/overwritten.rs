use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The version of each schedule, by UID, whose status was written last. As long as the cache still has that one, a pass would write
/// the same again, in vain.
#[derive(Default)]
pub struct Overwritten(Mutex<HashMap<String, String>>);

impl Overwritten {
    /// This version of the schedule has been overwritten.
    pub fn note(&self, uid: &str, version: Option<&String>) {
        if let Some(version) = version {
            self.lock().insert(uid.to_owned(), version.clone());
        }
    }

    /// Whether this version of the schedule is known to be no longer there.
    pub fn has(&self, uid: &str, version: Option<&String>) -> bool {
        version.is_some() && self.lock().get(uid) == version
    }

    /// Forgets the schedules that are gone.
    pub fn retain(&self, known: impl Fn(&str) -> bool) {
        self.lock().retain(|uid, _| known(uid));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
