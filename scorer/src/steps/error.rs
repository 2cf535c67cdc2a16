use fleetscore_crds::Failure;
use fleetscore_crds::contract::run_pod;
use thiserror::Error;

use super::plan::PlanFileError;
use crate::place::{Place, PlaceError};
use crate::run::RunError;
use fleetscore_readings::dataset::Table;
use fleetscore_storage::StorageError;

/// Why a step as a whole failed. A sensor's own failure is in its ledger instead.
#[derive(Debug, Error)]
pub enum StepError {
    /// The run's manifest cannot be read.
    #[error("{file}: {reason}")]
    Manifest {
        /// The file.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The run's spec is wrong.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Storage refused or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The run may not write to its output location.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The list of sensors cannot be used.
    #[error("{url}: {reason}")]
    Sensors {
        /// URL of the list.
        url: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// No object matches the model location.
    #[error(
        "spec.model.location: no object matches `{location}` ({found}); check the location, or name the sensors in spec.sensors"
    )]
    NoModels {
        /// The location as the spec has it.
        location: String,
        /// What there is instead.
        found: String,
    },
    /// The readings of the window are not complete, and the run waits no longer.
    #[error(
        "spec.input.waitFor: the readings are not complete: {missing}; run it again when they are, or set onTimeout: Score"
    )]
    ReadingsIncomplete {
        /// What is missing, and how long it was waited for.
        missing: String,
    },
    /// What a stream has published cannot be read.
    #[error("spec.input.location: {}", .failure.message)]
    Readings {
        /// Why.
        failure: Failure,
        /// Whether the same may succeed later.
        is_temporary: bool,
    },
    /// The readings lie in a table.
    #[error("spec.input.location: {0}")]
    Table(Table),
    /// The plan cannot be used.
    #[error("{url}: {source}")]
    Plan {
        /// URL of the plan.
        url: String,
        /// What is wrong.
        source: PlanFileError,
    },
    /// No Python can be started to score models.
    #[error(
        "spec.model.worker: Python does not start: {0}; it needs numpy and what the models import: install them, or name another Python in \
         spec.model.worker.command"
    )]
    Python(String),
    /// The step was asked to stop before it was done.
    #[error("stopped before the end; what was done is kept, run the step again to finish it")]
    Stopped,
    /// A defect of this program.
    #[error("internal error: {0}")]
    Internal(String),
}

impl StepError {
    /// The loss of the run's place where that is behind this error: what a step misses, another run may have removed.
    pub(super) async fn explained(self, place: &Place) -> Self {
        match place.join().await {
            Err(lost) if lost.is_lost() => lost.into(),
            _ => self,
        }
    }

    /// Whether the run's spec is wrong, so that nothing was written.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Manifest { .. } | Self::Run(_) | Self::Table(_))
    }

    /// The exit code of the scorer's process, as the Job's failure policy expects it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Manifest { .. }
            | Self::Run(_)
            | Self::Table(_)
            | Self::Sensors { .. }
            | Self::NoModels { .. }
            | Self::ReadingsIncomplete { .. }
            | Self::Readings {
                is_temporary: false,
                ..
            }
            | Self::Plan { .. }
            | Self::Python(_) => run_pod::REFUSED,
            Self::Place(error) if error.is_lost() => run_pod::REFUSED,
            Self::Storage(error) | Self::Place(PlaceError::Storage(error))
                if error.is_permanent() =>
            {
                run_pod::REFUSED
            }
            Self::Storage(_) | Self::Place(_) | Self::Readings { .. } => run_pod::TRY_AGAIN,
            Self::Stopped => run_pod::STOPPED,
            Self::Internal(_) => run_pod::INTERNAL,
        }
    }

    /// The kind of error; stable, for the termination message and for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Manifest { .. } | Self::Run(_) | Self::Table(_) => "InvalidRun",
            Self::Storage(error) => error.reason(),
            Self::Place(error) => error.reason(),
            Self::Readings { failure, .. } => {
                fleetscore_crds::known_reason(&format!("{:?}", failure.reason))
            }
            Self::Sensors { .. } => "InvalidSensors",
            Self::NoModels { .. } => "NoModels",
            Self::ReadingsIncomplete { .. } => "ReadingsIncomplete",
            Self::Plan { .. } => "InvalidPlan",
            Self::Python(_) => "PythonNotStarted",
            Self::Stopped => "Stopped",
            Self::Internal(_) => "Internal",
        }
    }
}
