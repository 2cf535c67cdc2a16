//! Histories of a partition against an oracle that recomputes everything from the list of all readings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod history;
mod manifest;
mod model;
mod oracle;
mod partials;
mod rules;
mod sensors;
