//! Detectors by density and distance, support vectors and networks against scikit-learn: every file must say what scikit-learn says, or be
//! refused by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod fixtures;
mod hostile;
mod native;
mod outputs;
