//! Streams with real processes, a real broker and Blob storage's emulator, while things fail: what is published is what a batch over all
//! events comes to, whatever is killed, frozen, cut off, refused or full meanwhile.
//!
//! The servers are those that `scripts/with-azurite.sh scripts/with-broker.sh` start; tests are skipped where theirs is absent. With
//! `FLEETSCORE_SOAK` in the environment everything lasts for minutes, else for some seconds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod azurite;
mod broker;
mod disk;
mod hub;
mod load;
mod oracle;
mod process;
mod processes;
mod proxy;
mod storage;
mod stream;

use std::time::{Duration, Instant};

/// The longest that anything is waited for.
const WAIT: Duration = Duration::from_mins(2);

/// Waits until something is so.
fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    wait_within(WAIT, what, is_so);
}

fn wait_within(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Whether this is the long run.
fn is_soak() -> bool {
    std::env::var_os("FLEETSCORE_SOAK").is_some()
}

/// What a variable of the environment says; without it the test is skipped.
fn or_skip(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        println!(
            "skipped: {variable} is absent; run scripts/with-azurite.sh scripts/with-broker.sh"
        );
    }
    found
}
