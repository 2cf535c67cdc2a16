//! The whole controllers, and the program around it, against a small API server on the loopback device.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod api;
mod job_controller;
mod lease;
mod namespaces;
mod objects;
mod program;
mod run;
mod schedule;
mod stream;
mod traces;
mod unreadable;

use std::time::{Duration, Instant};

/// Polls until there is something, and fails after a minute.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "no {what} within a minute"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same for what is there or not.
async fn until_true(what: &str, mut look: impl FnMut() -> bool) {
    until(what, || look().then_some(())).await;
}
