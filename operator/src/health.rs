//! What the probes ask about.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A controller that has shown no sign of life for so long is stuck.
const STUCK: Duration = Duration::from_mins(1);

/// What the probes ask about.
#[derive(Default)]
pub struct Health {
    reachable: AtomicBool,
    synced: AtomicBool,
    working: Mutex<Option<Instant>>,
}

impl Health {
    /// Whether the API server answers.
    pub fn reaches(&self, reachable: bool) {
        self.reachable.store(reachable, Ordering::Relaxed);
    }

    /// Everything is listed. Until then, an operator that works is not ready.
    pub fn has_synced(&self) {
        self.synced.store(true, Ordering::Relaxed);
    }

    /// The controllers are alive: they begin to work, or go on.
    pub fn beat(&self) {
        *self.working.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether nothing is stuck. A replica that waits for the lease is as alive as one that works.
    pub fn is_live(&self) -> bool {
        let working = *self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.is_none_or(|beat| beat.elapsed() < STUCK)
    }

    /// Whether it can do its work, or begin it at once.
    pub fn is_ready(&self) -> bool {
        let working = *self.working.lock().unwrap_or_else(PoisonError::into_inner);
        self.reachable.load(Ordering::Relaxed)
            && (working.is_none() || self.synced.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_ready_when_it_reaches_the_api_and_has_listed() {
        let health = Health::default();
        assert!(health.is_live() && !health.is_ready());
        health.reaches(true);
        assert!(health.is_ready());
        health.beat();
        assert!(health.is_live() && !health.is_ready());
        health.has_synced();
        assert!(health.is_ready());
        health.reaches(false);
        assert!(!health.is_ready());
    }
}
