//! Fleetscore's operator: turns `ScoringSchedule`s into `ScoringRun`s, these into Jobs on Kubernetes, `ReadingStream`s into Deployments,
//! and what becomes of them into their status.

pub mod access;
pub mod api;
pub mod args;
pub mod by_uid;
pub mod children;
pub mod client;
pub mod config;
pub mod controller;
pub mod fit;
pub mod fleet;
pub mod health;
pub mod lease;
mod merge;
pub mod metrics;
pub mod published;
pub mod run;
pub mod rush;
pub mod schedule;
pub mod server;
pub mod stored;
pub mod stream;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod traces;
mod volumes;
pub mod words;
