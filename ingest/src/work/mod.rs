//! The work of one process on a stream: threads that read partitions, checkpoints, claims, publishing.
//!
//! A [`worker`](work) looks what is to be claimed and publishes; its threads ([`engine`]) each poll a source of their own and hand its
//! records to the [`reader`] of their partition: from bytes to windows, on one thread. A [`checkpoint`] is cut between two records and
//! saved beside the reading; the commit object decides what counts.

mod beat;
mod checkpoint;
mod clock;
mod engine;
mod error;
mod questions;
mod reader;
mod recent;
mod sign;
mod stall;
mod state;
mod task;
#[cfg(test)]
mod tests;
mod until;
mod worker;

pub use clock::{Clock, SystemClock};
pub use error::WorkerError;
pub use stall::Stall;
pub use state::{Seen, State, Watch};
pub use until::Until;
pub use worker::{Options, check, work};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is behind a lock, whatever happened to those that had it before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
