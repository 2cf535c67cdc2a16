//! Fleetscore's operator: turns `ScoringRun`s into Jobs on Kubernetes, and what becomes of the Jobs into the runs' status.

pub mod api;
pub mod args;
pub mod backoff;
pub mod client;
pub mod config;
pub mod lease;
pub mod metrics;
pub mod run;
pub mod schedule;
pub mod server;
pub mod telemetry;
pub mod words;
