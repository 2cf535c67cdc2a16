use thiserror::Error;

use super::Owner;
use fleetscore_storage::StorageError;

/// Why a run may not write to its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// Another run is at work there.
    #[error(
        "{place} is in use: {owner} is at work there; wait for its end, or give this run another spec.output.location, \
         for example with {{run}}, {{namespace}} or {{window.start:...}}"
    )]
    InUse {
        /// The output location.
        place: String,
        /// Who is at work.
        owner: Box<Owner>,
    },
    /// Another run has claimed it since.
    #[error(
        "{place} belongs to another run now: {owner} has claimed it after this run, which writes nothing more there; give the \
         runs different values of spec.output.location, for example with {{run}}, {{namespace}} or {{window.start:...}}, and run this one again"
    )]
    Lost {
        /// The output location.
        place: String,
        /// Whose it is.
        owner: Box<Owner>,
    },
    /// The claim is not there any more.
    #[error(
        "{place} does not hold this run's claim (_run/owner/): the plan step has not run, or somebody has removed the output since; \
         run it again from the plan step"
    )]
    Gone {
        /// The output location.
        place: String,
    },
    /// A retry in place names a run that is not the last one there.
    #[error(
        "spec.sensors.failedIn: {place} is not that of run `{retries}`: {owner}; name the run that wrote there last, or score all sensors again"
    )]
    NotLast {
        /// The output location.
        place: String,
        /// The run that the retry names.
        retries: String,
        /// Whose it is.
        owner: String,
    },
    /// A retry in place names a run that has not ended, or another retry of it has not.
    #[error(
        "spec.sensors.failedIn: {owner} has not ended, so what is left is not known yet; wait for its end, or run it again under its name to finish it"
    )]
    NotEnded {
        /// The run that has not ended.
        owner: Box<Owner>,
    },
    /// Storage refused or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl PlaceError {
    /// Whether the place is another's, or nobody's.
    pub fn is_lost(&self) -> bool {
        !matches!(self, Self::Storage(_))
    }

    /// The kind of error; stable, for termination messages and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "OutputInUse",
            Self::Lost { .. } => "OutputLost",
            Self::Gone { .. } => "OutputGone",
            Self::NotLast { .. } => "RetryNotLast",
            Self::NotEnded { .. } => "RetryNotEnded",
            Self::Storage(error) => error.reason(),
        }
    }
}
