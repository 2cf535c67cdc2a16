use std::sync::{Mutex, PoisonError};

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

/// How far the clock of a storage account is ahead of this machine's, by the latest answer.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Option<SignedDuration>>);

impl Clock {
    /// Takes the `Date` of an answer that came at `now`; what is no date is left out.
    pub(super) fn note(&self, date: &str, now: Timestamp) {
        if let Ok(theirs) = rfc2822::DateTimeParser::new().parse_timestamp(date) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(theirs.duration_since(now));
        }
    }

    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_date_counts() {
        let now: Timestamp = "2026-11-28T09:00:10Z".parse().unwrap();
        let clock = Clock::default();
        assert_eq!(clock.ahead(), None);
        for (date, ahead) in [
            ("Sat, 28 Nov 2026 09:00:10 GMT", 0),
            ("Sat, 28 Nov 2026 09:05:10 GMT", 300),
            ("yesterday", 300),
            ("Sat, 28 Nov 2026 08:59:10 GMT", -60),
        ] {
            clock.note(date, now);
            assert_eq!(
                clock.ahead(),
                Some(SignedDuration::from_secs(ahead)),
                "{date}"
            );
        }
    }
}
