//! What a stream keeps in storage for others to read: names and documents. The stream writes them, runs read them.
//!
//! Below the stream's output location: [`STREAM`] says what the stream is. Readings are published by segments, each in its folder
//! ([`segment_folder`]), complete once [`SUCCESS`] is in there; only the files that it lists count.

mod counts;
mod error;
mod few;
mod gap;
mod process;
mod refusal;
mod segment;
mod stream;

#[cfg(test)]
mod tests;

pub use counts::{Counts, Verdict};
pub use error::DocumentError;
pub use gap::Gap;
pub use process::{PartitionStatus, ProcessStatus, SegmentStatus, Trouble, stream_pod};
pub use refusal::{Reason, Refusal};
pub use segment::{SUCCESS, SegmentDocument, SegmentFile, segment_folder, segment_start};
pub use stream::{STREAM, STREAM_FOLDER, StreamColumns, StreamDocument};
