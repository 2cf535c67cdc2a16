//! When to look at an object again without anything having happened.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::controller::Action;

/// How soon a refused creation is tried again.
pub const AFTER_REFUSAL: SignedDuration = SignedDuration::from_secs(15);
/// Where the time has come already, an object is not looked at again and again.
const SOONEST: SignedDuration = SignedDuration::from_millis(100);

/// So much later than `time`, if there is such a time.
pub fn after(time: Option<Timestamp>, wait: SignedDuration) -> Option<Timestamp> {
    time?.checked_add(wait).ok()
}

/// Looks again at this time, or only once something changes. `debounce` is what the work queue adds to the wait, in which it gathers
/// changes; zero where nothing rests on the moment.
pub fn look_again(at: Option<Timestamp>, now: Timestamp, debounce: Duration) -> Action {
    let ahead = at.map(|at| at.duration_since(now).max(SOONEST));
    match ahead.and_then(|ahead| Duration::try_from(ahead).ok()) {
        Some(ahead) => Action::requeue(ahead.saturating_sub(debounce)),
        None => Action::await_change(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_at_the_time_that_was_asked_for() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let look = |millis: i64, debounce: u64| {
            let at = Some(now + SignedDuration::from_millis(millis));
            look_again(at, now, Duration::from_millis(debounce))
        };
        let requeue = |millis| Action::requeue(Duration::from_millis(millis));
        assert_eq!(look(5000, 0), requeue(5000));
        assert_eq!(look(5000, 100), requeue(4900));
        assert_eq!(look(0, 0), requeue(100));
        assert_eq!(look(0, 100), requeue(0));
        assert_eq!((look(50, 100), look(-5000, 100)), (requeue(0), requeue(0)));
        assert_eq!((look(50, 0), look(-5000, 0)), (requeue(100), requeue(100)));
        assert_eq!(
            look_again(None, now, Duration::ZERO),
            Action::await_change()
        );
    }
}
