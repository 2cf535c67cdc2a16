//! The commands, one file each.

pub mod account;
pub mod completions;
pub mod cost;
pub mod dashboard;
pub mod dashboard_server;
pub mod export;
pub mod ingest;
pub mod model;
pub mod output;
pub mod plan;
pub mod report;
pub mod run;
pub mod schedule;
pub mod simulate;
pub mod stream;
pub mod train;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use fleetscore_cli::manifest::{self, Loaded};
use fleetscore_scorer::place::{Process, Times};
use fleetscore_scorer::run::Run;
use fleetscore_scorer::steps::{Compute, Context, Limits, Progress};
use fleetscore_storage::{Storage, StorageOptions};
use tokio_util::sync::CancellationToken;

/// Exit code: the work was done, and it came to a failure.
pub const FAILED: u8 = 1;
/// Exit code: wrong usage or an invalid manifest; nothing was done.
pub const USAGE: u8 = 2;

/// Exit code: some sensors failed, not more than the run allows.
pub const PARTIAL: u8 = 3;
/// Exit code: what was asked for is not there.
pub const NOT_FOUND: u8 = 4;
/// Exit code: nobody can tell, since the cluster or storage cannot be reached or gives no access.
pub const CANNOT_TELL: u8 = 5;

/// How the manifest of a run is given.
#[derive(Args)]
pub struct ManifestArgs {
    /// The manifest: YAML or JSON, one object; - reads standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub file: PathBuf,
    /// Override a field of the manifest, such as spec.sensors.list[0].tag=2; may be repeated
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
}

/// A command that ends with an error.
#[derive(Debug)]
pub struct CommandError {
    /// What to say.
    pub error: anyhow::Error,
    /// The process's exit code.
    pub code: u8,
}

/// A command's exit code, or its error.
pub type Result<T = u8> = std::result::Result<T, CommandError>;

/// The error of wrong usage or invalid input: nothing was done.
pub fn usage(error: impl Into<anyhow::Error>) -> CommandError {
    CommandError {
        error: error.into(),
        code: USAGE,
    }
}

/// The error of work that failed.
pub fn failure(error: impl Into<anyhow::Error>) -> CommandError {
    CommandError {
        error: error.into(),
        code: FAILED,
    }
}

/// Reads and checks a run's manifest and opens its storage. Nothing is written, nothing is sent.
///
/// A request to storage is tried again for `retry` at most.
pub fn open_run(args: &ManifestArgs, limits: Limits, retry: Duration) -> Result<Context> {
    match load(args)? {
        Loaded::Run(manifest) => open(manifest, limits, retry),
        Loaded::Schedule(_) => Err(usage(anyhow!(
            "{}: is a ScoringSchedule, which runs on a cluster (`kubectl apply`; `fleetscore plan` shows its ticks); here only a ScoringRun runs, such as the schedule's runTemplate with a window",
            manifest::name(&args.file)
        ))),
        Loaded::Stream(_) => Err(is_stream(&args.file)),
    }
}

/// That a command does not take the stream in `file`.
pub fn is_stream(file: &Path) -> CommandError {
    let name = manifest::name(file);
    usage(anyhow!(
        "{name}: is a ReadingStream, which `fleetscore ingest -f {name}` takes; here only a ScoringRun is taken, such \
         as one that reads what the stream publishes (spec.input.format: Stream)"
    ))
}

/// Reads and checks the manifest, and says what may not mean what it seems to.
pub fn load(args: &ManifestArgs) -> Result<Loaded> {
    let loaded = manifest::load(&args.file, &args.set).map_err(usage)?;
    for note in manifest::notes(&loaded) {
        output::note(&format!("note: {note}"));
    }
    Ok(loaded)
}

/// Opens the storage of a run's manifest.
pub fn open(
    mut manifest: fleetscore_crds::Manifest,
    limits: Limits,
    retry: Duration,
) -> Result<Context> {
    // Each execution is one of its own, also of a manifest that comes from a cluster.
    manifest.metadata.uid = Some(format!("{:032x}", rand::random::<u128>()));
    manifest.metadata.generation = None;
    let run = Run::fill(manifest).map_err(usage)?;
    fleetscore_storage::install_crypto();
    let options = StorageOptions {
        local_credentials: true,
        concurrency: limits.requests,
        files: limits.files(),
        retry_timeout: retry,
        ..StorageOptions::default()
    };
    let storage = Storage::new(&run.spec.storage, options).map_err(usage)?;
    let place = run.place(&storage, Some(Process::current()), Times::default());
    Ok(Context {
        run: Arc::new(run),
        storage,
        place,
        limits,
        compute: Compute::new(&limits),
        progress: Arc::new(Progress::default()),
        kept: Some(Arc::default()),
        stop: CancellationToken::new(),
    })
}

/// Runs asynchronous work to its end.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(failure)?;
    Ok(runtime.block_on(work))
}

/// The URL of a folder that exists, or the URL `text` as it is.
pub fn location(text: &str) -> Result<String> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    let path = std::fs::canonicalize(text)
        .with_context(|| {
            format!(
                "{text}: name the folder that runs write into, or a URL such as az://predictions/"
            )
        })
        .map_err(failure)?;
    if !path.is_dir() {
        return Err(usage(anyhow!(
            "{text}: is a file; name the folder that the run wrote into"
        )));
    }
    let path = path
        .to_str()
        .ok_or_else(|| usage(anyhow!("{text}: is not UTF-8")))?;
    Ok(format!("file://{path}"))
}
