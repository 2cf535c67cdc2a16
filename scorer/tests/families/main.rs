//! Forests, boosted trees and linear models against scikit-learn: every file must say what scikit-learn says, trees to the last bit, or
//! be refused by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod fixtures;
mod hostile;
mod native;
mod outputs;
