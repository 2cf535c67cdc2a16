//! What a reason means in words, and what to do about it.

use crate::ledger::WarningReason;
use fleetscore_crds::FailureReason;

/// A reason in a few words, and the way out.
#[derive(Clone, Copy, Debug)]
pub struct Advice {
    /// What happened, in a few words.
    pub title: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

/// What to do about failed sensors.
pub fn failure(reason: FailureReason) -> Advice {
    let (title, action) = match reason {
        FailureReason::ModelNotFound => (
            "No model",
            "Train and upload the sensor's model, or take the sensor off the list. Check model.location for a wrong placeholder.",
        ),
        FailureReason::ModelUnreadable => (
            "Model cannot be read",
            "Look at the file with `fleetscore model inspect`. Upload it again if it is cut off; if it is of a kind that is not read, let Python score it (spec.model.worker).",
        ),
        FailureReason::ModelMismatch => (
            "Model and readings do not fit",
            "List in input.columns.features the columns the model was trained on, in that order, or train it again.",
        ),
        FailureReason::ReadingsNotFound => (
            "No readings file",
            "Check input.location, and that the ingestion wrote this window.",
        ),
        FailureReason::ReadingsUnreadable => (
            "Readings cannot be read",
            "Check the file and input.format. A file that was still being written needs an offset of the window.",
        ),
        FailureReason::ColumnMissing => (
            "A column is missing",
            "Compare input.columns with the header of the readings; names are case-sensitive.",
        ),
        FailureReason::InvalidReading => (
            "A reading is not a number",
            "Correct the row that the message names, or set input.onInvalidReading to skip such rows.",
        ),
        FailureReason::NoReadings => (
            "No reading in the window",
            "The sensor may be offline. If silence is normal, set input.onNoReadings; if data comes late, offset the window.",
        ),
        FailureReason::DuplicateSensor => (
            "Sensor listed twice",
            "Remove the second line from the list of sensors.",
        ),
        FailureReason::KeyMissing => (
            "A key has no value",
            "Give every sensor each key that the locations' placeholders name.",
        ),
        FailureReason::OutputCollision => (
            "Two sensors, one output",
            "Name every key of the sensors in output.file.",
        ),
        FailureReason::OutputUnwritable => (
            "Predictions cannot be written",
            "Check free space and the permission to write below output.location, then retry the failed sensors.",
        ),
        FailureReason::AccessDenied => (
            "Storage denies access",
            "Give the run's identity the right to read models and readings and to write predictions.",
        ),
        FailureReason::StorageUnavailable => (
            "Storage does not answer",
            "Retry the failed sensors. If it lasts, check the endpoint, the network and the account's limits.",
        ),
        FailureReason::NotScored => (
            "Not scored",
            "Read the shard's log in _run/logs, then retry the failed sensors. Killed for memory: more memory, or fewer sensors a pod.",
        ),
        FailureReason::ModelFailed => (
            "Model's code failed",
            "The message is the exception's last line; the rest is in the shard's log in _run/logs. Correct the module, or the model's file.",
        ),
        FailureReason::ModelTimeout => (
            "Model's code took too long",
            "Raise model.worker.timeoutSeconds, or make the module faster.",
        ),
        FailureReason::WorkerCrashed => (
            "Model's code crashed",
            "Read what Python wrote in the shard's log in _run/logs. Killed for memory: raise model.worker.memoryMiB.",
        ),
    };
    Advice { title, action }
}

/// What to do about warnings.
pub fn warning(reason: WarningReason) -> Advice {
    let (title, action) = match reason {
        WarningReason::MostlyAnomalous => (
            "Mostly anomalous",
            "Either the machine is in trouble or the model does not fit: check that it was saved together with its scaler, and the units of the readings, then train it again.",
        ),
        WarningReason::UnfinishedLine => (
            "Unfinished line",
            "A file of readings ends within a line. Write it under another name until it is whole, and end it with a line feed.",
        ),
        WarningReason::SinglePrecision => (
            "Single precision",
            "Labels close to the boundary may differ from scikit-learn's. Use the joblib or skops file for the exact ones.",
        ),
        WarningReason::FeaturesReordered => (
            "Columns in another order",
            "The readings were put into the model's order. List input.columns.features in that order.",
        ),
        WarningReason::ThresholdLeftOut => (
            "A threshold was left out",
            "The model was saved beside a threshold, but labels are scikit-learn's predict().",
        ),
        WarningReason::FeaturesRenamed => (
            "Columns of other names",
            "The model was trained on other names. Check that input.columns.features lists the same quantities in the same order and units.",
        ),
        WarningReason::ReadingsIncomplete => (
            "Readings may be missing",
            "Not all readings of the window were there when they were scored. Look what holds the stream up, then run it again.",
        ),
        WarningReason::AmbiguousName => (
            "Ambiguous name",
            "The model's name can be split into keys in several ways. Name the sensors in a list, or separate the keys by what none of them holds.",
        ),
    };
    Advice { title, action }
}
