//! Asks the run's storage as its steps do, for whoever wants to know whether pods reach it.

use std::path::PathBuf;

use clap::Args;
use fleetscore_crds::contract::run_pod;
use fleetscore_scorer::location::Template;
use fleetscore_scorer::outputs;
use fleetscore_scorer::run::Run;
use fleetscore_scorer::steps::StepError;
use fleetscore_storage::{ObjectUrl, Storage, StorageError};
use futures::TryStreamExt as _;
use jiff::Timestamp;

use crate::{pod, question};

/// What is written to see whether it can be.
const BYTES: &[u8] = b"kubectl fleetscore doctor\n";

/// What to try.
#[derive(Args)]
pub struct ProbeArgs {
    /// Also write an object into `_run/` below the output location, read it and delete it.
    #[arg(long)]
    write: bool,
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
        default_value_t = 20,
        value_name = "SECONDS"
    )]
    retry_seconds: u64,
}

/// Prints a line for each place that was tried, and returns the process's exit code.
pub fn run(args: &ProbeArgs) -> u8 {
    question::answer("probe", probe(args))
}

async fn probe(args: &ProbeArgs) -> Result<(), StepError> {
    let run = pod::read_run(&args.run)?;
    let storage = question::storage(&run, args.retry_seconds)?;
    let plan = run.output.join(outputs::RUN_FOLDER)?;
    for (what, folder) in [
        ("models", folder(&run.model)?),
        ("readings", folder(&run.input)?),
        ("predictions", plan),
    ] {
        let found = read(&storage, &folder).await?;
        println!("{what} {folder}: {found}");
    }
    if args.write {
        let url = write(&storage, &run).await?;
        println!("predictions {url}: written, read and deleted");
    }
    Ok(())
}

/// The folder of a location: all of it that is the same for every sensor.
fn folder(location: &Template) -> Result<ObjectUrl, StorageError> {
    let prefix = location.literal_prefix();
    let end = prefix.rfind('/').map_or(prefix.len(), |slash| slash + 1);
    ObjectUrl::parse(prefix.get(..end).unwrap_or(prefix))
}

/// Whether objects can be listed there, or at least read.
async fn read(storage: &Storage, folder: &ObjectUrl) -> Result<&'static str, StorageError> {
    let first = storage.list(folder).try_next().await;
    match first {
        Ok(Some(_)) => Ok("read"),
        Ok(None) => Ok("read, and nothing is there"),
        // A login may be allowed to read objects alone: runs whose sensors are listed need no more.
        Err(error) if error.is_denied() => {
            let absent = folder.join(&format!("{}none", outputs::RUN_FOLDER))?;
            match storage.exists(&absent).await {
                Ok(_) => Ok("objects can be read, but not listed"),
                Err(_) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Writes an object that nobody else has, reads it and deletes it.
async fn write(storage: &Storage, run: &Run) -> Result<ObjectUrl, StepError> {
    let name = format!(
        "{}probe-{}-{}",
        outputs::RUN_FOLDER,
        Timestamp::now().as_nanosecond(),
        std::process::id()
    );
    let url = run.output.join(&name)?;
    storage.put(&url, BYTES).await?;
    let found = storage.get(&url, BYTES.len() as u64).await;
    storage.delete(&url).await?;
    if found? == BYTES {
        Ok(url)
    } else {
        Err(StepError::Internal(format!(
            "{url}: what was written there is not what is read"
        )))
    }
}
