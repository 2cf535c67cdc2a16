use fleetscore_crds::contract::Trouble;
use fleetscore_storage::StorageError;

use super::checkpoint::is_temporary;
use super::stall::Stall;
use crate::SourceError;
use crate::event::SpecError;
use crate::folder::FolderError;
use crate::window::RulesError;

/// Why a worker ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The manifest cannot be worked with.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Spec(Vec<SpecError>),
    /// Its windows cannot be made.
    #[error("spec.{0}")]
    Rules(#[from] RulesError),
    /// The hub cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The output location cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A partition goes no further.
    #[error(transparent)]
    Stalled(#[from] Stall),
    /// A partition cannot be saved.
    #[error("partition {partition} cannot be saved: {cause}")]
    Save {
        /// The partition.
        partition: i32,
        /// Why.
        cause: String,
    },
    /// A thread ended.
    #[error("a thread that reads has ended; please report it")]
    Thread,
}

impl From<StorageError> for WorkerError {
    fn from(error: StorageError) -> Self {
        Self::Folder(error.into())
    }
}

impl WorkerError {
    /// Whether it may pass by itself, or by what somebody does elsewhere.
    pub fn can_pass(&self) -> bool {
        match self {
            Self::Source(error) => error.can_retry(),
            Self::Folder(error) => is_temporary(error),
            _ => false,
        }
    }

    /// The error as conditions and metrics tell it.
    pub fn trouble(&self) -> Trouble {
        let reason = match self {
            Self::Spec(_) | Self::Rules(_) => "InvalidSpec",
            Self::Source(error) => error.name(),
            Self::Folder(error) => error.name(),
            Self::Stalled(stall) => stall.name(),
            Self::Save { .. } => "SaveFailed",
            Self::Thread => "InternalError",
        };
        Trouble {
            reason: reason.to_owned(),
            message: self.to_string(),
        }
    }
}

impl SourceError {
    /// The error as conditions and metrics tell it.
    pub fn trouble(&self) -> Trouble {
        Trouble {
            reason: self.name().to_owned(),
            message: self.to_string(),
        }
    }
}

impl FolderError {
    /// The error as conditions and metrics tell it.
    pub fn trouble(&self) -> Trouble {
        Trouble {
            reason: self.name().to_owned(),
            message: self.to_string(),
        }
    }
}

impl Stall {
    /// The stall as conditions and metrics tell it.
    pub fn trouble(&self) -> Trouble {
        Trouble {
            reason: self.name().to_owned(),
            message: self.to_string(),
        }
    }
}
