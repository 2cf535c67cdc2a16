//! Prints an object of a run: for those who can start pods but cannot reach the storage.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use fleetscore_crds::contract::run_pod;
use fleetscore_scorer::outputs;
use fleetscore_scorer::run::Run;
use fleetscore_scorer::steps::StepError;
use fleetscore_storage::{ObjectUrl, StorageError};

use crate::{pod, question};

/// What to print.
#[derive(Args)]
pub struct ShowArgs {
    /// URL of the object, which must lie in `_run/` below the run's output location, or in the folder of its logs.
    url: String,
    /// Largest object that is printed, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20, value_parser = clap::value_parser!(u64).range(1..=(256 << 20)))]
    max_bytes: u64,
    /// Print the last bytes of a larger object.
    #[arg(long)]
    tail: bool,
    /// The run as JSON: apiVersion, kind, metadata and spec.
    #[arg(
        long,
        env = run_pod::MANIFEST,
        default_value = run_pod::MANIFEST_FILE,
        value_name = "FILE"
    )]
    run: PathBuf,
    /// How long a request to storage is tried again before it counts as failed.
    #[arg(
        long,
        env = "FLEETSCORE_RETRY_SECONDS",
        default_value_t = 60,
        value_name = "SECONDS"
    )]
    retry_seconds: u64,
}

/// Prints the object to standard output, and returns the process's exit code.
pub fn run(args: &ShowArgs) -> u8 {
    question::answer("show", show(args))
}

async fn show(args: &ShowArgs) -> Result<(), StepError> {
    let run = pod::read_run(&args.run)?;
    let url = ObjectUrl::parse(&args.url)?;
    if !may_show(&run, &url)? {
        return Err(StepError::Manifest {
            file: args.url.clone(),
            reason: format!(
                "is not one of the run's own files; name one below {}{} or {}",
                run.output,
                outputs::RUN_FOLDER,
                run.logs
            ),
        });
    }
    let storage = question::storage(&run, args.retry_seconds)?;
    let size = storage.head(&url).await?.size;
    let bytes = if args.tail && size > args.max_bytes {
        storage.get_range(&url, size - args.max_bytes..size).await?
    } else {
        storage.get(&url, args.max_bytes).await?
    };
    let mut out = io::stdout().lock();
    // Whoever reads may have seen enough.
    match out.write_all(&bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(StepError::Internal(error.to_string()))
        }
        _ => Ok(()),
    }
}

/// Whether an object is one of the run's own files or logs, or those of another run in the same place.
fn may_show(run: &Run, url: &ObjectUrl) -> Result<bool, StorageError> {
    let own = run.output.join(outputs::RUN_FOLDER)?;
    let folders = [&own, &run.logs];
    Ok(folders
        .into_iter()
        .any(|folder| url.relative_to(folder).is_some_and(|path| !path.is_empty())))
}
