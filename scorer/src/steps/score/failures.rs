//! Failures of a sensor that several parts of the step meet.

use fleetscore_crds::{Failure, FailureReason};
use fleetscore_readings::InvalidReading;
use fleetscore_storage::StorageError;

/// The failure of a sensor that was not reached.
pub fn not_scored() -> Failure {
    let message = "the step was stopped before this sensor; run it again".to_owned();
    Failure {
        reason: FailureReason::NotScored,
        message,
    }
}

/// The failure of a sensor whose predictions were not opened, or are somebody else's, when rows were to be added or all to be written.
pub fn no_predictions() -> Failure {
    Failure {
        reason: FailureReason::OutputUnwritable,
        message:
            "internal error: the predictions are not there when they are needed; please report it"
                .to_owned(),
    }
}

/// A sensor's failure because of a reading that cannot be scored.
pub fn invalid_reading(invalid: &InvalidReading) -> Failure {
    Failure {
        reason: FailureReason::InvalidReading,
        message: invalid.to_string(),
    }
}

/// A sensor's failure because its predictions cannot be written.
pub fn output_failure(error: &StorageError) -> Failure {
    if matches!(error, StorageError::Full { .. }) {
        return Failure {
            reason: FailureReason::OutputUnwritable,
            message: error.to_string(),
        };
    }
    error.failure(FailureReason::OutputUnwritable)
}
