//! The commands that act, and completion, against an API server that keeps what it is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[allow(dead_code)]
#[path = "../../../operator/tests/operator/api.rs"]
mod api;
#[path = "../kubectl/held.rs"]
mod held;
#[allow(dead_code)]
#[path = "../../../operator/tests/operator/objects.rs"]
mod objects;

mod acts;
mod bundle;
mod completion;
mod doctor;
mod golden;
mod log;
mod plan;
mod tools;
