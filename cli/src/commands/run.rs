//! `fleetscore run`.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use fleetscore_crds::Phase;
use fleetscore_scorer::log;
use fleetscore_scorer::report::text;
use fleetscore_scorer::steps::{Limits, StepError};
use tokio_util::sync::CancellationToken;

use super::{
    CommandError, FAILED, ManifestArgs, Result, block_on, failure, open_run, output, usage,
};
use crate::local;
use crate::progress::Display;

/// Exit code: stopped by Ctrl-C.
const STOPPED: u8 = 130;

/// Score the fleet of a `ScoringRun` manifest on this machine, without a cluster
///
/// Every sensor's readings are scored with its own model. Predictions, ledger, logs
/// and report go under the manifest's output location, exactly as on a cluster.
/// Relative paths in the manifest are taken from its folder. Running it again writes
/// the same bytes again; a run that was stopped is finished by running it again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore run -f run.yaml
  fleetscore run -f run.yaml --json | jq .failures
  fleetscore run -f run.yaml \\
      --set spec.window.start=2018-08-28T23:00:00Z \\
      --set spec.window.end=2018-08-29T00:00:00Z

Exit codes:
  0    every sensor was scored
  3    some failed, not more than spec.failurePolicy.maxFailedSensors
  1    more failed than that, or the run as a whole
  2    the command line or the manifest is wrong; nothing was written
  130  stopped by Ctrl-C; run it again to finish")]
pub struct RunArgs {
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Threads that compute [default: one a core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Memory of the process in MiB; readings and predictions in flight stay below it
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(32..))]
    memory: u32,
    /// How long a request to storage is tried again before it counts as failed
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    retry_seconds: u64,
    /// Print the report as JSON on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Print the log to standard error, in place of the progress
    #[arg(short, long)]
    verbose: bool,
}

/// Runs the command.
pub fn run(args: &RunArgs) -> Result {
    let defaults = Limits::default();
    let limits = Limits {
        memory: args.memory as usize * 1024 * 1024,
        threads: args.threads.map_or(defaults.threads, usize::from),
        ..defaults
    };
    let context = open_run(
        &args.manifest,
        limits,
        Duration::from_secs(args.retry_seconds),
    )?;
    let log = log::start(args.verbose, log::LogFormat::Text);
    let display = Display::start(&context.progress, args.quiet || args.verbose);
    let outcome = block_on(async {
        let stop = context.stop.clone();
        tokio::spawn(stop_at_signal(stop));
        local::run(&context, &log, |step| display.step(step)).await
    })?;
    display.finish();
    let report = outcome.map_err(|error| match error {
        StepError::Stopped => CommandError {
            error: anyhow!("stopped; run it again to finish"),
            code: STOPPED,
        },
        error if error.is_invalid() => usage(error),
        error => failure(error),
    })?;
    if args.json {
        output::print_json_text(&report.to_json().map_err(failure)?)?;
    } else {
        output::print(text::summary(&report))?;
    }
    Ok(match report.phase {
        Phase::Succeeded => 0,
        Phase::PartiallySucceeded => 3,
        _ => FAILED,
    })
}

/// The first Ctrl-C lets the sensors in progress end; the second ends the process at once, which loses nothing either.
async fn stop_at_signal(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    stop.cancel();
    output::note("\nstopping; press Ctrl-C again to stop at once");
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(STOPPED.into());
    }
}
