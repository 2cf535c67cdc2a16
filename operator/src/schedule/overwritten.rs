use crate::by_uid::ByUid;

/// The version of each schedule, by UID, whose status was written last. As long as the cache still has that one, a pass would write
/// the same again, in vain.
#[derive(Default)]
pub struct Overwritten(ByUid<String>);

impl Overwritten {
    /// This version of the schedule has been overwritten.
    pub fn note(&self, uid: &str, version: Option<&String>) {
        if let Some(version) = version {
            self.0
                .with(|all| all.insert(uid.to_owned(), version.clone()));
        }
    }

    /// Whether this version of the schedule is known to be no longer there.
    pub fn has(&self, uid: &str, version: Option<&String>) -> bool {
        version.is_some() && self.0.with(|all| all.get(uid) == version)
    }

    /// Forgets the schedules that are gone.
    pub fn retain(&self, known: impl Fn(&str) -> bool) {
        self.0.retain(known);
    }
}
