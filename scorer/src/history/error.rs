use fleetscore_storage::StorageError;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why what is kept of a run cannot be read or written.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// Storage refused or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The object is no record or no table of sensors.
    #[error("{url}: {reason}")]
    Damaged {
        /// URL of the object.
        url: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Another version of the format.
    #[error(
        "{url} has version {found}, this program reads version {known}: use a newer fleetscore"
    )]
    Version {
        /// URL of the object.
        url: String,
        /// The version found.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The table cannot be made.
    #[error("the table of sensors cannot be made: {0}")]
    Table(#[from] ParquetError),
}
