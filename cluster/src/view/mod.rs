//! Views: pure functions of objects and a time, in the form that `-o json` prints.
//!
//! They hold times, not words about times: how long ago something was, is for whoever draws it to say.

mod advice;
mod cost;
mod nodes;
mod overview;
mod run;
mod schedule;
mod stream;
mod tree;

pub use advice::{Notice, Subject};
pub use cost::{CostLine, CostView, cost};
pub use nodes::{NodeLine, NodesView, PendingGroup, nodes};
pub use overview::{Objects, Overview, overview};
pub use run::{RunLine, RunView, StepLine, run};
pub use schedule::{ScheduleLine, ScheduleState, ScheduleView, schedule};
pub use stream::{StreamLine, StreamState, StreamView, stream};
pub use tree::{JobBranch, PodGroup, PodLine, PodState, TreeView, tree};

/// The version of the views' JSON.
pub const VERSION: u32 = 1;

/// `part` of `whole`; none of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Whole seconds from one time to another; none where the clocks of two machines disagree so that it would be negative.
fn seconds(from: jiff::Timestamp, to: jiff::Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}
