//! Models that other programs than scikit-learn have written: every file must give what its program gives, or be refused by name.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

mod boosters;
mod expected;
mod lightgbm;
mod mlflow;
mod networks;
mod pyod;
mod xgboost;
