//! The stream's folder in storage: what the stream is, how far each partition and publishing have come, and who works on what.
//!
//! Processes share a stream without talking to each other. Each object that says how far something has come names its owner, and is
//! only ever replaced by whoever wrote or read it last ([`Held`]): a process that was cut off and comes back cannot write over what
//! another one has done since. Which objects a process claims follows from a look at all of them ([`Claims`]).

mod claim;
mod claims;
mod commit;
mod dead_letter;
mod decide;
mod error;
mod held;
mod place;
mod progress;
#[cfg(test)]
pub(crate) mod tests;

pub use claim::{Claim, Owner};
pub use claims::Claims;
pub use commit::Commit;
pub use dead_letter::{DeadLetters, Refused};
pub use decide::{Seen, View, decide};
pub use error::{CommitError, FolderError};
pub use held::Held;
pub use place::{StreamFolder, part_name};
pub use progress::{LastSegment, PartEntry, PartitionProgress, Progress, PublisherProgress};
