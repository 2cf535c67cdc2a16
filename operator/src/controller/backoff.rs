//! How long to wait after errors before trying again.

use std::time::Duration;

use crate::by_uid::ByUid;

/// Longest wait after errors.
pub const LONGEST: Duration = Duration::from_mins(5);

/// How long to wait after the given number of errors in a row, the first being 1: 1 s, doubled each time, at most 5 minutes.
fn after_error(errors: u32) -> Duration {
    let doubled = 1_u64.checked_shl(errors.saturating_sub(1)).unwrap_or(0);
    match doubled {
        0 => LONGEST,
        seconds => Duration::from_secs(seconds).min(LONGEST),
    }
}

/// Errors in a row of many objects, by UID.
#[derive(Debug, Default)]
pub struct Errors(ByUid<u32>);

impl Errors {
    /// One more error of this object; how long to wait.
    pub fn wait(&self, uid: &str) -> Duration {
        self.0.with(|all| {
            let errors = all.entry(uid.to_owned()).or_default();
            *errors = errors.saturating_add(1);
            after_error(*errors)
        })
    }

    /// It went well.
    pub fn clear(&self, uid: &str) {
        self.0.forget(uid);
    }

    /// Forgets the objects that are none of these.
    pub fn retain(&self, known: impl Fn(&str) -> bool) {
        self.0.retain(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_wait_ever_longer_up_to_five_minutes() {
        let waits = [1, 2, 3, 9, 10, 64, 65, u32::MAX].map(|errors| after_error(errors).as_secs());
        assert_eq!(waits, [1, 2, 4, 256, 300, 300, 300, 300]);
    }

    #[test]
    fn errors_in_a_row_are_counted_for_each_object() {
        let errors = Errors::default();
        let waits = ["a", "a", "b", "a"].map(|uid| errors.wait(uid).as_secs());
        assert_eq!(waits, [1, 2, 1, 4]);
        errors.clear("a");
        errors.retain(|uid| uid != "b");
        assert_eq!(["a", "b"].map(|uid| errors.wait(uid).as_secs()), [1, 1]);
    }
}
