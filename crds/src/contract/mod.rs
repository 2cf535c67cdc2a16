//! What programs of one release tell each other: names and documents.
//!
//! Of a run: how its pods are started, and how they end ([`run_pod`]). Of the Python beside its scorer: [`worker_pod`]. Of a stream: the same ([`stream_pod`]), and what it keeps in
//! storage. The stream writes that, runs read it. Below the stream's output location: [`STREAM`] says what the stream is. Readings are published by segments, each in its folder
//! ([`segment_folder`]), complete once [`SUCCESS`] is in there; only the files that it lists count.

mod counts;
mod error;
mod few;
mod gap;
mod plan;
mod process;
mod refusal;
pub mod run_pod;
mod segment;
mod stream;
pub mod worker_pod;

#[cfg(test)]
mod tests;

pub use counts::{Counts, Verdict};
pub use error::DocumentError;
pub use gap::Gap;
pub use plan::PlanSummary;
pub use process::{PartitionStatus, ProcessStatus, SegmentStatus, Trouble, stream_pod};
pub use refusal::{Reason, Refusal};
pub use segment::{SUCCESS, SegmentDocument, SegmentFile, segment_folder, segment_start};
pub use stream::{STREAM, STREAM_FOLDER, StreamColumns, StreamDocument};
