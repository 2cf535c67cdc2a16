//! The three steps of a run: [`plan`], [`score`] (once a shard) and [`collect`].
//!
//! Each can be run twice, or killed at any moment and run again: what lies under the output location afterwards is the same
//! as after one clean run, timings aside. Every object is one atomic put at a name that depends on the run and the sensor only.

mod collect;
mod compute;
mod context;
mod engine;
mod error;
mod failed;
mod files;
mod kept;
mod model;
mod model_reader;
mod plan;
mod plots;
mod retried;
mod score;
#[cfg(test)]
mod tests;

pub use collect::{collect, totals};
pub use compute::Compute;
pub use context::{Context, Limits, Progress};
pub use error::StepError;
pub use failed::FailedSensor;
pub use fleetscore_crds::contract::PlanSummary;
pub use kept::Kept;
pub use plan::{PlanEntry, PlanHeader, SensorWarning, StoredPlan, Survey, plan, survey};
pub use score::{ShardSummary, score};
