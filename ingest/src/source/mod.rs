//! A hub's events, partition by partition, read by offset.
//!
//! A [`Hub`] is one topic and how to sign in to it. Each thread that reads opens a [`Source`] of its own, assigns partitions to it by
//! hand and polls it. Progress is the reader's own: the hub is told of it for its metrics alone.

mod certificates;
mod classify;
mod connection_string;
mod context;
mod error;
mod hub;
mod identity;
mod kafka;
mod memory;
mod place;
mod reader;
mod settings;
mod token;

use std::ops::ControlFlow;
use std::time::Duration;

pub use error::SourceError;
pub use hub::{KafkaHub, SourceOptions};
pub use memory::{MemoryHub, MemoryRecord};
pub use place::{Bounds, Place};

use crate::Record;

/// A topic and how to reach it.
pub trait Hub: Send + Sync {
    /// What messages call it: topic and brokers.
    fn name(&self) -> String;

    /// A reader for one thread. Nothing is assigned to it, and nothing may have been sent yet.
    fn open(&self) -> Result<Box<dyn Source>, SourceError>;
}

/// Reads the partitions that are assigned to it. Only what can be seen by all is read: of transactions those that were committed.
///
/// After an error that [can be tried again](SourceError::can_retry) it may be used on: it connects again by itself.
pub trait Source: Send {
    /// The partitions of the topic, in order.
    fn partitions(&mut self) -> Result<Vec<i32>, SourceError>;

    /// What the hub holds of a partition, asked of it now.
    fn bounds(&mut self, partition: i32) -> Result<Bounds, SourceError>;

    /// The offset of the first record that arrived at `time` (nanoseconds since 1970) or later, to the millisecond below; the
    /// partition's end where there is none.
    fn offset_at(&mut self, partition: i32, time: i64) -> Result<i64, SourceError>;

    /// Reads a partition from `place` on; one that is assigned already is read anew from there. Records that were fetched before and
    /// not handed out are forgotten.
    ///
    /// [`SourceError::OffsetGone`] where the hub does not hold `place` any more, [`SourceError::SourceRecreated`] where it never did.
    /// Nothing of the partition is assigned then. Both errors may come from a later [`poll`](Source::poll) too.
    fn assign(&mut self, partition: i32, place: Place) -> Result<(), SourceError>;

    /// Reads a partition no longer. Nothing of it is handed out any more.
    fn release(&mut self, partition: i32);

    /// Hands out up to `limit` events, and waits up to `timeout` for the first one. `each` may break off: then the event that it was
    /// given is the last. Returns how many there were.
    ///
    /// An error is of the whole source, or tells its [partition](SourceError::partition), which is no longer assigned then. Events that were handed out before it in the same call are valid.
    fn poll(
        &mut self,
        limit: usize,
        timeout: Duration,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<usize, SourceError>;

    /// Whether all of an assigned partition was handed out, asked of the hub now. That `next` is the end is not the only case: what is
    /// left may be marks of transactions or records of cancelled ones. To find that out takes more than one call, with polls between
    /// them; until then the answer is no.
    fn is_drained(&mut self, partition: i32) -> Result<bool, SourceError>;

    /// Tells the hub how far a partition was read, for its metrics alone: nothing is waited for, errors are only logged.
    fn commit(&mut self, partition: i32, next: i64);
}

/// What a source hands out.
#[derive(Debug)]
pub enum Event<'a> {
    /// A record.
    Record {
        /// The record.
        record: Record<'a>,
        /// Whether its arrival is the hub's own time; else it is the producers' clock.
        has_hub_time: bool,
    },
    /// All that the hub had of the partition when it was last asked was handed out.
    End {
        /// The partition.
        partition: i32,
    },
}
