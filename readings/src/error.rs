use fleetscore_ticks::ZoneError;
use thiserror::Error;

use super::hint;
use fleetscore_crds::FailureReason;

/// Columns that a message lists at most.
const SHOWN: usize = 100;

/// Result of reading an object.
pub type Result<T> = std::result::Result<T, ReadingsError>;

/// Why an object of readings cannot be read at all. What is wrong with one sensor's reading is a
/// [`SensorFailure`](super::SensorFailure) instead.
#[derive(Debug, Error)]
pub enum ReadingsError {
    /// Storage does not hand out the object.
    #[error("{object}: {source}")]
    Storage {
        /// URL of the object.
        object: String,
        /// Storage's answer.
        source: object_store::Error,
    },
    /// A column that the request needs is not in the object.
    #[error(
        "{object} has no column {column:?}; its columns are {}{hint}",
        quoted(present)
    )]
    ColumnMissing {
        /// URL of the object.
        object: String,
        /// The missing column.
        column: String,
        /// The columns that are there (the first hundred).
        present: Vec<String>,
        /// What to do, where that can be told.
        hint: String,
    },
    /// A column that the request needs is there more than once.
    #[error("{object} has the column {column:?} more than once; rename or drop one of them")]
    ColumnTwice {
        /// URL of the object.
        object: String,
        /// The column.
        column: String,
    },
    /// A Parquet column has a type that cannot be read for its purpose.
    #[error("{object}: column {column:?} is of type {found}, which cannot be read as {purpose}")]
    ColumnType {
        /// URL of the object.
        object: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// `a time`, `a key`, `a feature` or `a label`.
        purpose: &'static str,
    },
    /// A CSV row has another number of fields than the header.
    #[error(
        "{object}, line {line}: {found} fields, but the header has {expected}{hint}; mend the line, or set \
         spec.input.onInvalidReading: Skip to leave such lines out"
    )]
    Ragged {
        /// URL of the object.
        object: String,
        /// Line of the file, from 1, the header included.
        line: u64,
        /// Fields of the row.
        found: usize,
        /// Fields of the header.
        expected: usize,
        /// What else is strange about it.
        hint: &'static str,
    },
    /// A CSV object ends within a line.
    #[error(
        "{object} ends within line {line}, without a line end; is it still being written? Set spec.window to leave such a line \
         out, or complete it"
    )]
    Unfinished {
        /// URL of the object.
        object: String,
        /// Line of the file, from 1, the header included.
        line: u64,
    },
    /// The object is not what its format says: damaged, cut off, or of another format.
    #[error("{object} cannot be read: {message}")]
    Unreadable {
        /// URL of the object.
        object: String,
        /// What is wrong, and where.
        message: String,
    },
    /// Pages of a Parquet object take more memory than there is for them.
    #[error(
        "{object} cannot be read: the pages of column {column:?}, with those of other columns, take {} MiB of memory, and there are {} MiB \
         for them; unless the file is damaged, write it again with smaller pages, or give it more memory",
        mib(*bytes),
        mib(*room)
    )]
    PagesTooLarge {
        /// URL of the object.
        object: String,
        /// The column whose page has no room any more.
        column: String,
        /// Bytes that the pages take.
        bytes: u64,
        /// Bytes that there are for them.
        room: u64,
    },
    /// `input.columns.timeZone` is no IANA time zone.
    #[error("input.columns.timeZone: {0}")]
    TimeZone(ZoneError),
    /// A sensor lacks a key that the readings are matched by.
    #[error("sensor {sensor} has no key {key:?}, which input.columns.keys matches by column")]
    KeyMissing {
        /// The sensor.
        sensor: String,
        /// The key.
        key: String,
    },
    /// Two sensors have the same values in the matched keys, so their rows cannot be told apart.
    #[error(
        "sensors {first} and {second} read the same rows: name the key that tells them apart in input.columns.keys"
    )]
    DuplicateSensor {
        /// The earlier sensor.
        first: String,
        /// The later sensor.
        second: String,
    },
}

impl ReadingsError {
    /// An object that is not what its format says.
    pub fn unreadable(object: &str, message: impl Into<String>) -> Self {
        Self::Unreadable {
            object: object.to_owned(),
            message: message.into(),
        }
    }

    /// A wanted column that is not there, among those that are.
    pub(crate) fn column_missing<'a>(
        object: &str,
        column: &str,
        present: impl Iterator<Item = &'a str>,
    ) -> Self {
        let present: Vec<String> = present.take(SHOWN).map(str::to_owned).collect();
        Self::ColumnMissing {
            object: object.to_owned(),
            column: column.to_owned(),
            hint: hint::of(object, column, &present),
            present,
        }
    }

    /// The reason that the ledger names.
    pub fn reason(&self) -> FailureReason {
        match self {
            Self::Storage { source, .. } => storage_reason(source),
            Self::ColumnMissing { .. } => FailureReason::ColumnMissing,
            Self::KeyMissing { .. } => FailureReason::KeyMissing,
            Self::DuplicateSensor { .. } => FailureReason::DuplicateSensor,
            Self::ColumnTwice { .. }
            | Self::ColumnType { .. }
            | Self::Ragged { .. }
            | Self::Unfinished { .. }
            | Self::Unreadable { .. }
            | Self::PagesTooLarge { .. }
            | Self::TimeZone(_) => FailureReason::ReadingsUnreadable,
        }
    }
}

/// Bytes in MiB, rounded up.
fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// Names in quotes, so that blanks show.
fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}

fn storage_reason(error: &object_store::Error) -> FailureReason {
    match error {
        object_store::Error::NotFound { .. } => FailureReason::ReadingsNotFound,
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => FailureReason::AccessDenied,
        _ => FailureReason::StorageUnavailable,
    }
}
