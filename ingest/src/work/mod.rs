//! The work of one process on a stream: threads that read partitions, checkpoints, claims, publishing.
//!
//! A [`worker`](work) looks what is to be claimed and publishes; its threads ([`engine`]) each poll a source of their own and hand its
//! records to the [`reader`] of their partition: from bytes to windows, on one thread. A [`checkpoint`] is cut between two records and
//! saved beside the reading; the commit object decides what counts.

mod checkpoint;
mod clock;
mod engine;
mod reader;
mod recent;
mod stall;
mod task;
#[cfg(test)]
mod tests;
mod until;
mod worker;

pub use clock::{Clock, SystemClock};
pub use engine::Seen;
pub use stall::Stall;
pub use until::Until;
pub use worker::{Options, State, Watch, WorkerError, check, work};
