//! What `show` and `probe` have in common: each answers one question about the run's storage, and ends.

use std::time::Duration;

use fleetscore_crds::contract::run_pod;
use fleetscore_scorer::run::Run;
use fleetscore_scorer::steps::StepError;
use fleetscore_storage::{Storage, StorageError, StorageOptions};

/// Does the work of a command, tells its error on standard error, and returns the process's exit code.
pub fn answer(command: &str, work: impl Future<Output = Result<(), StepError>>) -> u8 {
    fleetscore_storage::install_crypto();
    let answered = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| StepError::Internal(format!("cannot start threads: {error}")))
        .and_then(|runtime| runtime.block_on(work));
    let Err(error) = answered else {
        return run_pod::DONE;
    };
    eprintln!("scorer {command}: {error}");
    match error {
        StepError::Storage(error) if error.is_not_found() || error.is_too_large() => {
            run_pod::REFUSED
        }
        error => error.exit_code(),
    }
}

/// The run's storage, in which a request is tried again for so many seconds.
pub fn storage(run: &Run, retry_seconds: u64) -> Result<Storage, StorageError> {
    let options = StorageOptions {
        retry_timeout: Duration::from_secs(retry_seconds),
        ..StorageOptions::default()
    };
    Storage::new(&run.spec.storage, options)
}
