//! Exit codes of the commands that ask a cluster.

use anyhow::anyhow;
use fleetscore_cluster::ClusterError;
use fleetscore_crds::Phase;

use crate::commands::{CANNOT_TELL, CommandError, FAILED, NOT_FOUND, PARTIAL, USAGE};

/// Exit code: it took longer than was allowed.
pub const TIMED_OUT: u8 = 124;
/// Exit code: stopped by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// What the help says of them, once. Each command names those that it ends with.
pub const CODES: &str = "\
Exit codes of all commands:
  0    good
  1    the run failed, or a check did
  2    the command line is wrong
  3    the run partially succeeded
  4    there is no such object
  5    cannot tell: the cluster or storage cannot be reached, or gives no access
  124  it took too long
  130  stopped by Ctrl-C";

/// The error of a request to the cluster.
pub fn cluster(error: ClusterError) -> CommandError {
    let code = match error {
        ClusterError::NotFound(_) => NOT_FOUND,
        ClusterError::Ambiguous(_) => USAGE,
        _ => CANNOT_TELL,
    };
    CommandError {
        error: error.into(),
        code,
    }
}

/// The error of what cannot be told.
pub fn cannot_tell(message: impl std::fmt::Display) -> CommandError {
    CommandError {
        error: anyhow!("{message}"),
        code: CANNOT_TELL,
    }
}

/// The error of what is not there.
pub fn not_found(message: impl std::fmt::Display) -> CommandError {
    CommandError {
        error: anyhow!("{message}"),
        code: NOT_FOUND,
    }
}

/// The code of a run that stands there.
pub fn of(phase: Option<Phase>) -> u8 {
    match phase {
        None => CANNOT_TELL,
        Some(Phase::Failed) => FAILED,
        Some(Phase::PartiallySucceeded) => PARTIAL,
        Some(_) => 0,
    }
}
