//! Models that Python scores, in processes of their own.
//!
//! The scorer hands Python a model's file and the readings of one sensor at a time, and takes scores back, over a Unix socket
//! ([`frame`], docs/reference/worker-protocol.md). [`PROGRAM`] is what runs there: a supervisor, and a fresh Python for each
//! connection. In a pod the worker's container runs it; elsewhere the scorer starts it itself ([`local`]). [`Workers`] hands
//! out processes, and replaces those that are gone.

mod frame;
mod loaded;
mod local;
mod pool;
mod session;
mod staged;
#[cfg(test)]
mod tests;
mod visit;
mod watch;

pub use loaded::Loaded;
pub use pool::Workers;
pub use staged::Staged;
pub use visit::{Request, Visit};

/// The program that Python runs.
pub const PROGRAM: &str = include_str!("worker.py");
