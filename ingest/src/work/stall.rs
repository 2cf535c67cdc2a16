use thiserror::Error;

use crate::{SourceError, TooManySensors};

/// Why a partition goes no further although nothing is away: somebody has to look. It keeps its claim, and nothing is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Stall {
    /// The topic is not the one that was read before.
    #[error("{0}")]
    SourceRecreated(SourceError),
    /// Most events cannot be used.
    #[error(
        "{invalid} of the last {events} events of partition {partition} cannot be used, more than limits.maxInvalid allows; the last one, at offset \
         {offset}: {example}. Look at spec.event, or raise limits.maxInvalid"
    )]
    MostEventsInvalid {
        /// The partition.
        partition: i32,
        /// Events that cannot be used.
        invalid: usize,
        /// Events that were looked at.
        events: usize,
        /// The last one's offset.
        offset: i64,
        /// What is wrong with it.
        example: String,
    },
    /// There are more sensors than the stream may have.
    #[error("partition {partition}, offset {offset}: {cause}")]
    TooManySensors {
        /// The partition.
        partition: i32,
        /// The event's offset.
        offset: i64,
        /// The limit and the sensor.
        cause: TooManySensors,
    },
    /// What is stored cannot be gone on from.
    #[error("partition {partition}: {cause}")]
    State {
        /// The partition.
        partition: i32,
        /// What is wrong, and what to do.
        cause: String,
    },
}

impl Stall {
    /// Its name, as it stands in conditions and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SourceRecreated(_) => "SourceRecreated",
            Self::MostEventsInvalid { .. } => "MostEventsInvalid",
            Self::TooManySensors { .. } => "TooManySensors",
            Self::State { .. } => "StateUnreadable",
        }
    }
}
