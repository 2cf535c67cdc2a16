//! The source against a real broker: `scripts/broker.sh start` prints the environment; without it these tests are skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod broker;
mod pod;
mod reading;
mod restart;
mod tokens;
