//! A hub and storage in memory that fail when a test says so.

mod hub;
mod storage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub use hub::FaultyHub;
pub use storage::Faulty;

/// What happens at the call of this number, counted from 0.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Never,
    /// It and all later ones fail, as where the process is killed before it.
    KilledBefore(usize),
    /// It takes effect, its answer is lost, and all later ones fail, as where the process is killed while it waits.
    KilledAfter(usize),
    /// It takes effect, and its answer is lost.
    Dropped(usize),
    /// The same, and the next one fails without effect: an outage that begins amid a call.
    Outage(usize),
    /// It fails without effect.
    Failed(usize),
}

/// The calls of a process to one thing that may fail.
#[derive(Clone)]
pub struct Calls {
    fault: Fault,
    count: Arc<AtomicUsize>,
    is_struck: Arc<AtomicBool>,
    is_killed: Arc<AtomicBool>,
}

/// What becomes of a call.
#[derive(Clone, Copy)]
struct Outcome {
    fails: bool,
    takes_effect: bool,
}

impl Calls {
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            count: Arc::default(),
            is_struck: Arc::default(),
            is_killed: Arc::default(),
        }
    }

    /// Calls of the same process to something else: where it is killed, all of its calls fail.
    pub fn beside(&self, fault: Fault) -> Self {
        Self {
            is_killed: Arc::clone(&self.is_killed),
            ..Self::new(fault)
        }
    }

    /// Whether the fault has struck.
    pub fn is_struck(&self) -> bool {
        self.is_struck.load(Ordering::SeqCst)
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until the process is killed.
    pub async fn killed(&self) {
        while !self.is_killed.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn next(&self) -> Outcome {
        if self.is_killed.load(Ordering::SeqCst) {
            return Outcome {
                fails: true,
                takes_effect: false,
            };
        }
        let call = self.count.fetch_add(1, Ordering::SeqCst);
        let (fails, takes_effect) = match self.fault {
            Fault::Never => (false, true),
            Fault::KilledBefore(at) => (call >= at, call < at),
            Fault::KilledAfter(at) => (call >= at, call <= at),
            Fault::Dropped(at) => (call == at, true),
            Fault::Outage(at) => (call == at || call == at + 1, call != at + 1),
            Fault::Failed(at) => (call == at, call != at),
        };
        if fails {
            self.is_struck.store(true, Ordering::SeqCst);
            if let Fault::KilledBefore(_) | Fault::KilledAfter(_) = self.fault {
                self.is_killed.store(true, Ordering::SeqCst);
            }
        }
        Outcome {
            fails,
            takes_effect,
        }
    }
}
