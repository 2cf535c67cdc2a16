use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A sign of life of a loop: it strikes, and others see how long ago that was.
#[derive(Clone, Debug)]
pub(super) struct Beat(Arc<Times>);

#[derive(Debug)]
struct Times {
    begun: Instant,
    /// Milliseconds since then; [`RESTS`]: nothing is expected of it now.
    last: AtomicU64,
}

const RESTS: u64 = u64::MAX;

impl Beat {
    /// A beat that has struck now.
    pub fn new() -> Self {
        Self(Arc::new(Times {
            begun: Instant::now(),
            last: AtomicU64::new(0),
        }))
    }

    /// The loop is alive.
    pub fn strike(&self) {
        let since = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(RESTS - 1);
        self.0.last.store(since, Ordering::Relaxed);
    }

    /// The loop waits to be told something, for as long as that takes.
    pub fn rest(&self) {
        self.0.last.store(RESTS, Ordering::Relaxed);
    }

    /// How long ago it last struck; zero while it rests.
    pub fn silent_for(&self) -> Duration {
        match self.0.last.load(Ordering::Relaxed) {
            RESTS => Duration::ZERO,
            last => self
                .0
                .begun
                .elapsed()
                .saturating_sub(Duration::from_millis(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_that_rests_is_never_silent() {
        let beat = Beat::new();
        while beat.silent_for().is_zero() {
            std::thread::yield_now();
        }
        beat.rest();
        assert_eq!(beat.silent_for(), Duration::ZERO);
        beat.strike();
        assert!(beat.silent_for() < Duration::from_mins(1));
    }
}
