//! The reasons for which sensors fail, as whoever counts them knows them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a sensor failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The kind of failure; stable, also a metric label.
    pub reason: FailureReason,
    /// What happened, where, and what to do.
    pub message: String,
}

/// The kinds of failure of a sensor.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum FailureReason {
    /// There is no object at the model's location.
    ModelNotFound,
    /// The model file cannot be read, or is not a supported one-class SVM.
    ModelUnreadable,
    /// The model has another number of features than `input.columns.features`.
    ModelMismatch,
    /// There is no object at the readings' location.
    ReadingsNotFound,
    /// The readings cannot be read.
    ReadingsUnreadable,
    /// The readings lack a column.
    ColumnMissing,
    /// A reading cannot be scored: an unparsable number or time, NaN or infinity.
    InvalidReading,
    /// The sensor has no reading in the window.
    NoReadings,
    /// The sensor is listed more than once.
    DuplicateSensor,
    /// A placeholder has no value for this sensor.
    KeyMissing,
    /// Another sensor has the same output path.
    OutputCollision,
    /// The predictions cannot be written: full disk, no permission.
    OutputUnwritable,
    /// Storage refuses the credentials.
    AccessDenied,
    /// Storage cannot be reached, or does not answer in time.
    StorageUnavailable,
    /// The shard ended before it came to this sensor.
    NotScored,
    /// The Python that scores the model raised an exception, or answered with something else than a score a row.
    ModelFailed,
    /// The Python that scores the model took longer than `model.worker.timeoutSeconds`.
    ModelTimeout,
    /// The Python that scores the model ended twice: it crashed, or took more memory than `model.worker.memoryMiB`.
    WorkerCrashed,
}

/// What a reason that is none of [`SENSOR_REASONS`] is counted as.
pub const OTHER_REASON: &str = "Other";

/// The reasons for which sensors fail. Those that pods tell become labels of metrics only if they are in this list: a pod is not
/// trusted to make up labels.
pub const SENSOR_REASONS: [&str; 18] = [
    "ModelNotFound",
    "ModelUnreadable",
    "ModelMismatch",
    "ReadingsNotFound",
    "ReadingsUnreadable",
    "ColumnMissing",
    "InvalidReading",
    "NoReadings",
    "DuplicateSensor",
    "KeyMissing",
    "OutputCollision",
    "OutputUnwritable",
    "AccessDenied",
    "StorageUnavailable",
    "NotScored",
    "ModelFailed",
    "ModelTimeout",
    "WorkerCrashed",
];

/// The reason, if it is known, or else [`OTHER_REASON`].
pub fn known_reason(reason: &str) -> &'static str {
    let mut known = SENSOR_REASONS.into_iter();
    known.find(|known| *known == reason).unwrap_or(OTHER_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_other() {
        assert_eq!(known_reason("ModelNotFound"), "ModelNotFound");
        for made_up in ["", "modelnotfound", "ModelNotFound ", "x{y=\"z\"}", "Other"] {
            assert_eq!(known_reason(made_up), OTHER_REASON, "{made_up}");
        }
    }
}
