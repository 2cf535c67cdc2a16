//! From the events of a hub to complete windows of readings in storage, each reading counted exactly once.
//!
//! A [`Record`] of the hub holds any number of readings. Each becomes a [`Reading`] or is refused ([`Refusal`]), and every one of them
//! lands in exactly one of the [`Counts`].

pub mod event;
pub mod export;
pub mod expression;
#[cfg(test)]
mod faults;
pub mod folder;
pub mod log;
mod name;
pub mod preview;
pub mod publish;
mod reading;
mod record;
mod source;
mod window;
pub mod work;

pub use fleetscore_crds::contract::{Counts, Reason, Refusal, Verdict};
pub use name::StreamName;
pub use reading::Reading;
pub use record::Record;
pub use source::{
    Bounds, Event, Hub, KafkaHub, MemoryHub, MemoryRecord, Place, Source, SourceError,
    SourceOptions,
};
pub use window::{
    FeaturePartials, Keys, Output, Partials, Partition, Rows, Rules, RulesError, Snapshot,
    StateError, Tally, TooManySensors,
};
