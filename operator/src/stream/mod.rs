//! The controller of `ReadingStream`s: a Deployment whose pods read the hub, and what they say in the stream's status.
//!
//! `build`, `picture`, `story`, `status` and `events` are pure, `poller` asks the pods, `apply` writes. [`reconcile`] alone calls them.
//!
//! The operator reads neither the hub nor storage: what a stream has come to its pods know, and they say it at their port.

mod apply;
mod build;
mod deployment_view;
mod events;
mod memory;
mod metrics;
mod picture;
mod pod_view;
mod poller;
mod sample;
mod seen;
mod status;
mod story;
mod subject;
#[cfg(test)]
pub mod testing;

pub use metrics::StreamMetrics;
pub use poller::Poller;
pub use sample::Sample;
