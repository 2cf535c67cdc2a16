use std::path::PathBuf;

/// Why a simulation stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The number of tags does not divide the number of sensors.
    #[error(
        "--tags {tags} does not divide --sensors {sensors}; every device has the same number of tags"
    )]
    Tags {
        /// What was asked for.
        tags: u32,
        /// What was asked for.
        sensors: u32,
    },
    /// A time of the plant is out of the range of representable times.
    #[error("--start {start} with these hours leaves the range of representable times")]
    Time {
        /// What was asked for.
        start: jiff::Timestamp,
    },
    /// The folder has something in it.
    #[error("{} is not empty; choose another folder, or replace an earlier simulation there with --force", .folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Events could not be sent.
    #[error("topic {topic} at {brokers}: {what}")]
    Kafka {
        /// The topic.
        topic: String,
        /// Its brokers.
        brokers: String,
        /// What happened.
        what: String,
    },
    /// A Parquet file could not be written.
    #[error("{}: {source}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the writer says.
        source: parquet::errors::ParquetError,
    },
}

impl Error {
    /// Names the file or folder of an input/output error; for `map_err`.
    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
