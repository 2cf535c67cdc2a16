//! Models against scikit-learn: every file must give scikit-learn's scores and predictions, or be refused by name.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

mod bundles;
mod expected;
mod fixtures;
mod hostile;
mod refusals;
mod round_trips;
mod shared_data;
