//! `scorer`: runs one step of a run in a pod.

mod pod;
mod probe;
mod question;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fleetscore_crds::contract::run_pod;

/// Parsing makes many small pieces: a tenth less time than with glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs one step of a scoring run: what a pod does, or shows what a run has written. To run a manifest with all its steps, use `fleetscore run`.
///
/// Exit codes: 0 done; 10 some sensors failed for good (their ledger says why); 64 the run or the command line is wrong; 75 a temporary
/// failure, try again; 143 stopped by a signal, try again.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// List the sensors and write the plan.
    #[command(name = run_pod::step_name(fleetscore_crds::Step::Plan))]
    Plan(PodArgs),
    /// Score the sensors of one shard.
    #[command(name = run_pod::step_name(fleetscore_crds::Step::Score))]
    Score(ScoreArgs),
    /// Sum up the ledgers: report, failed sensors, `_SUCCESS`.
    #[command(name = run_pod::step_name(fleetscore_crds::Step::Collect))]
    Collect(PodArgs),
    /// Try whether the run's storage can be read, and written with `--write`; prints a line for each place.
    Probe(probe::ProbeArgs),
    /// Print an object of the run: one of its own files or logs.
    Show(show::ShowArgs),
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, with the run, the shard, and the sensor and the reason where there are such.
    Json,
}

impl From<LogFormat> for fleetscore_scorer::log::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// What every step takes.
#[derive(Args)]
struct PodArgs {
    /// The run as JSON: apiVersion, kind, metadata and spec.
    #[arg(
        long,
        env = run_pod::MANIFEST,
        default_value = run_pod::MANIFEST_FILE,
        value_name = "FILE"
    )]
    run: PathBuf,
    /// Memory of the whole process in MiB; readings and predictions in flight stay below it.
    #[arg(long, env = run_pod::MEMORY_MIB, default_value_t = run_pod::DEFAULT_MEMORY_MIB, value_parser = clap::value_parser!(u32).range(32..))]
    memory_mib: u32,
    /// Threads that compute; default: one a core.
    #[arg(long, env = run_pod::THREADS)]
    threads: Option<usize>,
    /// How long a request to storage is tried again before it counts as failed.
    #[arg(
        long,
        env = "FLEETSCORE_RETRY_SECONDS",
        default_value_t = 180,
        value_name = "SECONDS"
    )]
    retry_seconds: u64,
    /// How log lines are written, on standard error and in the run's logs.
    #[arg(
        long,
        env = "FLEETSCORE_LOG_FORMAT",
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    log_format: LogFormat,
    /// Where the summary for the operator goes; left out when it cannot be written.
    #[arg(
        long,
        env = "FLEETSCORE_TERMINATION_LOG",
        default_value = "/dev/termination-log",
        value_name = "FILE"
    )]
    termination_log: PathBuf,
}

#[derive(Args)]
struct ScoreArgs {
    #[command(flatten)]
    pod: PodArgs,
    /// The shard, counted from 0; in an Indexed Job, the pod's completion index.
    #[arg(long, env = "JOB_COMPLETION_INDEX")]
    shard: u32,
    /// Added to the shard: where one run is split into several Jobs.
    #[arg(long, env = run_pod::SHARD_OFFSET, default_value_t = 0)]
    shard_offset: u32,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // There is nobody to tell where the terminal is gone. Trying a wrong command line again would not help.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                run_pod::REFUSED
            } else {
                run_pod::DONE
            });
        }
    };
    let code = match cli.step {
        Step::Plan(args) => pod::run(&args, pod::Step::Plan),
        Step::Score(args) => pod::run(
            &args.pod,
            pod::Step::Score(args.shard.saturating_add(args.shard_offset)),
        ),
        Step::Collect(args) => pod::run(&args, pod::Step::Collect),
        Step::Probe(args) => probe::run(&args),
        Step::Show(args) => show::run(&args),
    };
    ExitCode::from(code)
}
