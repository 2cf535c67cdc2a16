use fleetscore_crds::contract::DocumentError;
use fleetscore_storage::StorageError;
use thiserror::Error;

/// Why the stream's folder cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FolderError {
    /// Another stream writes there, or this one with another spec.
    #[error(
        "{location} belongs to the stream {theirs}, and this is {ours}: choose another output.location, and startAt, for this stream"
    )]
    LocationTaken {
        /// The output location.
        location: String,
        /// The stream whose it is, and what it reads.
        theirs: String,
        /// This stream, and what it reads.
        ours: String,
    },
    /// Another process of this machine, or of another one that has mounted the volume, writes there.
    #[error(
        "locked by {holder} (`_stream/lock`) in {location}: end that process first; several share a stream only in az:// storage"
    )]
    Locked {
        /// The output location.
        location: String,
        /// The process and its machine.
        holder: String,
    },
    /// An object is not what this stream writes.
    #[error(
        "{url} cannot be read ({cause}): restore it; with another output.location, and startAt, the stream begins anew"
    )]
    Malformed {
        /// The object.
        url: String,
        /// What is wrong.
        cause: String,
    },
    /// A document is not what a stream writes.
    #[error("{location}: {error}")]
    Document {
        /// The output location.
        location: String,
        /// What is wrong.
        error: DocumentError,
    },
    /// A partition has too much that is not published yet.
    #[error(
        "{url} would begin with a line of {bytes} bytes, more than {limit}: too many parts wait for other partitions to close their segments; look why those stand still"
    )]
    LineTooLong {
        /// The object.
        url: String,
        /// The line's length.
        bytes: usize,
        /// The most that it may have.
        limit: usize,
    },
    /// Storage does not do what it is asked to.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl FolderError {
    /// Its name, as it stands in conditions and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LocationTaken { .. } => "LocationTaken",
            Self::Locked { .. } => "Locked",
            Self::Malformed { .. } | Self::Document { .. } => "StateUnreadable",
            Self::LineTooLong { .. } => "TooManyParts",
            Self::Storage(StorageError::NotFound { .. }) => "StorageNotFound",
            Self::Storage(StorageError::AccessDenied { .. }) => "StorageDenied",
            Self::Storage(StorageError::Full { .. }) => "StorageFull",
            Self::Storage(StorageError::Unavailable { .. }) => "StorageUnavailable",
            Self::Storage(_) => "StorageFailed",
        }
    }
}

/// Why a write to an object of the stream did not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommitError {
    /// Another process has claimed the object. What this one has of it is void.
    #[error("{url} was claimed by another process")]
    Lost {
        /// The object.
        url: String,
    },
    /// It may succeed later.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl From<StorageError> for CommitError {
    fn from(error: StorageError) -> Self {
        Self::Folder(error.into())
    }
}
