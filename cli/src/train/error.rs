use std::path::{Path, PathBuf};

use fleetscore_readings::dataset::Table;
use fleetscore_readings::{InvalidReading, ReadingsError};

use crate::manifest::ManifestError;

/// Why no sensor at all could be trained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document cannot be read.
    #[error(transparent)]
    Manifest(ManifestError),
    /// The document does not parse.
    #[error("{}: {message}", .path.display())]
    Document {
        /// The document.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A field or option has a value that cannot work.
    #[error("{field}: {message}")]
    Invalid {
        /// The field, such as `spec.model.nu`.
        field: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {reason}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file of the history is not what it should be.
    #[error("{}: {message}", .path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A file of the history cannot be read.
    #[error(transparent)]
    Readings(ReadingsError),
    /// The folder is that of a table.
    #[error("spec.data.location: {0}")]
    Table(Table),
    /// There is nothing to train on.
    #[error("{}: no CSV or Parquet file with readings (.csv, .csv.gz, .parquet, .pq)", .path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The files hold no reading, or none in the window.
    #[error("{}: no readings{}", .path.display(), if *.window { " in spec.window" } else { "" })]
    NoReadings {
        /// The file or folder.
        path: PathBuf,
        /// Whether a window was asked for.
        window: bool,
    },
}

impl From<ReadingsError> for Error {
    fn from(error: ReadingsError) -> Self {
        match error {
            ReadingsError::TimeZone(error) => Self::Invalid {
                field: "spec.data.columns.timeZone",
                message: error.to_string(),
            },
            other => Self::Readings(other),
        }
    }
}

impl Error {
    /// Names the file or folder of an input/output error; for `map_err`.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Io {
            path,
            reason: error.to_string(),
        }
    }

    /// Names the file of the history that is not what it should be.
    pub(super) fn data(path: &Path, message: &dyn std::fmt::Display) -> Self {
        Self::Data {
            path: path.to_owned(),
            message: message.to_string(),
        }
    }
}

/// Why one sensor could not be trained.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SensorError {
    /// Too little history.
    #[error("{rows} readings are too few to train on; {need} are needed")]
    TooFewReadings {
        /// Readings of the sensor.
        rows: u64,
        /// Readings needed.
        need: u64,
    },
    /// All readings are the same.
    #[error("all {rows} readings are the same ({value}); a model of them would flag every reading")]
    Constant {
        /// Readings of the sensor.
        rows: u64,
        /// The reading, its features separated by commas.
        value: String,
    },
    /// A reading is not a finite number or time.
    #[error("{0}; remove or repair the reading")]
    InvalidReading(InvalidReading),
    /// The solver gave up, or its result is not finite.
    #[error("the solver found no solution: {message}")]
    NotSolved {
        /// What went wrong and what to do.
        message: String,
    },
    /// The model could not be written.
    #[error("{}: {message}", .path.display())]
    Write {
        /// The model's path.
        path: PathBuf,
        /// What the system says.
        message: String,
    },
}

impl SensorError {
    /// The variant's name, to count failures by.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooFewReadings { .. } => "TooFewReadings",
            Self::Constant { .. } => "Constant",
            Self::InvalidReading(_) => "InvalidReading",
            Self::NotSolved { .. } => "NotSolved",
            Self::Write { .. } => "Write",
        }
    }
}
