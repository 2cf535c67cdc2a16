use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::{Compute, Kept};
use crate::place::Place;
use crate::run::Run;
use fleetscore_storage::Storage;

/// What every step is given.
#[derive(Clone)]
pub struct Context {
    /// The run.
    pub run: Arc<Run>,
    /// Its storage.
    pub storage: Storage,
    /// The place that the run writes to: every write goes through it.
    pub place: Place,
    /// What the step may use.
    pub limits: Limits,
    /// The threads that compute; as many as `limits` says.
    pub compute: Compute,
    /// What the step has done so far.
    pub progress: Arc<Progress>,
    /// What a step keeps for the next ones, where the same process does all of them.
    pub kept: Option<Arc<Kept>>,
    /// Cancelled when the step shall stop: it takes no further sensor, writes its ledger and ends.
    pub stop: CancellationToken,
}

impl Context {
    /// Whether no further sensor shall be taken: the step was asked to stop, or the failure policy stops it now.
    pub fn is_stopped(&self) -> bool {
        if self.stop.is_cancelled() {
            return true;
        }
        if !self.failed_fast() {
            return false;
        }
        tracing::warn!(
            "more sensors failed than spec.failurePolicy.maxFailedSensors allows: stopping"
        );
        self.stop.cancel();
        true
    }

    /// Whether the failure policy asks to stop: `failFast` is set and more sensors than the limit have failed.
    pub fn failed_fast(&self) -> bool {
        let policy = &self.run.spec.failure_policy;
        let limit = policy
            .max_failed_sensors
            .of(Progress::get(&self.progress.sensors));
        // What a retry in place leaves is judged at its end, of the whole fleet.
        policy.fail_fast
            && self.run.retries.is_none()
            && Progress::get(&self.progress.failed) > limit
    }
}

/// What a step may use of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of the whole process, in bytes. Readings and predictions in flight are held below it.
    pub memory: usize,
    /// Threads that compute.
    pub threads: usize,
    /// Requests to storage at the same time.
    pub requests: usize,
}

/// Bytes of memory for each file that is read or written at the same time: a thread keeps some of what it has used.
const FILE_MEMORY: usize = 32 << 20;

impl Limits {
    /// Files of mounted volumes that are read or written at the same time.
    pub fn files(&self) -> usize {
        (self.memory / FILE_MEMORY).clamp(2, self.requests.max(2))
    }
}

impl Default for Limits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            memory: 256 * 1024 * 1024,
            threads,
            requests: 64,
        }
    }
}

/// Counters that a step moves on while it works; any thread may read them.
#[derive(Debug, Default)]
pub struct Progress {
    /// Sensors of the run.
    pub sensors: AtomicU64,
    /// Sensors whose ledger entry is made, failed ones included.
    pub done: AtomicU64,
    /// Sensors that failed; those that were not reached do not count.
    pub failed: AtomicU64,
    /// Readings scored.
    pub rows: AtomicU64,
    /// Readings predicted as anomaly.
    pub anomalies: AtomicU64,
    /// Bytes of readings read from storage.
    pub bytes: Arc<AtomicU64>,
    /// Bytes of readings to read, where all sensors share one pass; 0 elsewhere.
    pub bytes_total: AtomicU64,
    /// What the run waits for.
    waiting: Mutex<String>,
}

impl Progress {
    /// Adds to one of the counters.
    pub fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// Reads one of the counters.
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    /// Says what the run waits for; nothing: it goes on.
    pub fn wait_for(&self, what: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        what.clone_into(&mut waiting);
    }

    /// What the run waits for; empty where it is at work.
    pub fn waiting(&self) -> String {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.clone()
    }

    /// The share of the work that is done, from 0 to 1: of the bytes where one pass serves all sensors, else of the sensors.
    pub fn fraction(&self) -> f64 {
        let share = |part: &AtomicU64, whole: &AtomicU64| {
            Self::get(part) as f64 / Self::get(whole).max(1) as f64
        };
        let by_bytes = if Self::get(&self.bytes_total) == 0 {
            0.0
        } else {
            share(&self.bytes, &self.bytes_total)
        };
        share(&self.done, &self.sensors)
            .max(by_bytes * 0.99)
            .min(1.0)
    }
}
