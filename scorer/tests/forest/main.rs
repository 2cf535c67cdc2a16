//! Isolation forests against scikit-learn: every file must give scikit-learn's scores to the last bit, or be refused by name.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

#[path = "../common/mod.rs"]
mod common;
mod fast;
mod fixtures;
mod hostile;
mod native;
