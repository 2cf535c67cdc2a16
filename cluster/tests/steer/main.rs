//! What people do to runs and schedules, against an API server that keeps what it is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../../../operator/tests/operator/api.rs"]
mod api;
#[allow(dead_code)]
#[path = "../../../operator/tests/operator/objects.rs"]
mod objects;

mod redact;
mod retry;
mod schedule;
mod suspend;
mod tools;
mod wait;
