//! The pod's program: what a Job and the operator rely on. Outputs, exit codes, termination messages, kills and retries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod calls;
mod classes;
mod codes;
mod finite;
mod ledgers;
mod mlflow;
mod models;
mod order;
mod outputs;
mod places;
mod plant;
mod probe;
mod python;
mod stops;
mod whole_run;
