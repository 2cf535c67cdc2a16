use fleetscore_crds::Kind;
use thiserror::Error;

use super::PASS;

/// Why a pass failed. It is tried again, ever more rarely.
#[derive(Debug, Error)]
pub enum PassError {
    /// The stored object does not fit the API: the resource definition and the operator are of different versions.
    #[error("the {0:?} cannot be read: {1}")]
    InvalidObject(Kind, String),
    /// The stored object lacks what every stored object has.
    #[error("the {0:?} has no name, namespace, UID or time of creation")]
    Unnamed(Kind),
    /// A defect of this program.
    #[error("internal error: {0}")]
    Panicked(String),
    /// The API server could not be asked.
    #[error("cannot read: {0}")]
    Read(#[source] kube::Error),
    /// A child could not be created, changed or deleted.
    #[error("cannot write: {0}")]
    Write(#[source] kube::Error),
    /// The status could not be written.
    #[error("cannot write the status: {0}")]
    Status(#[source] kube::Error),
    /// Someone changed the object in between. Nothing is wrong; the next pass sees it.
    #[error("the object was changed in between")]
    Outdated,
    /// The controller ends: the watch of these objects has ended.
    #[error("the watch of {0} has ended")]
    Stopping(&'static str),
    /// Not all of these objects are listed yet, so that nothing can be decided.
    #[error("not all {0} are listed yet")]
    Unlisted(&'static str),
    /// The API server did not answer in time.
    #[error("no answer for {} s", PASS.as_secs())]
    Timeout,
}

impl PassError {
    /// The kind of error, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidObject(..) => "InvalidObject",
            Self::Unnamed(_) => "Unnamed",
            Self::Panicked(_) => "Panicked",
            Self::Read(_) => "Read",
            Self::Write(_) => "Write",
            Self::Status(_) => "Status",
            Self::Outdated => "Outdated",
            Self::Stopping(_) => "Stopping",
            Self::Unlisted(_) => "Unlisted",
            Self::Timeout => "Timeout",
        }
    }
}
