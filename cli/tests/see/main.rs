//! The commands that ask a cluster, against a small API server on the loopback device and a run's real files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "shared with the operator's tests")]
#[path = "../../../operator/tests/operator/api.rs"]
mod api;
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "shared with the operator's tests")]
#[path = "../../../operator/tests/operator/objects.rs"]
mod objects;

mod cluster;
mod seen;
mod stored;
