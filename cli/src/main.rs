//! `fleetscore`: scores a fleet of sensors from one manifest.

mod commands;
mod local;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use fleetscore_scorer::descriptors;

use commands::{export, ingest, model, output, plan, report, run, simulate, train};

/// Parsing makes many small pieces: a tenth less time than with glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Score a fleet of sensors, each with its own one-class SVM
///
/// A `ScoringRun` manifest says where the models and the readings are and where the
/// predictions go. `fleetscore run` scores it on this machine; the same manifest is
/// meant for a cluster.
#[derive(Parser)]
#[command(
    name = "fleetscore",
    version,
    max_term_width = 100,
    after_help = "\
A first run, without any data of your own:
  fleetscore simulate --sensors 200 --hours 4 --seed 1 --out plant
  fleetscore train -f plant/train.yaml
  fleetscore run -f plant/run.yaml

Exit codes:
  0  done
  1  failed
  2  the command line or the manifest is wrong; nothing was done
  More in `fleetscore run --help`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::RunArgs),
    Plan(plan::PlanArgs),
    Ingest(ingest::IngestArgs),
    Export(export::ExportArgs),
    Simulate(fleetscore_cli::simulate::SimulateArgs),
    Train(fleetscore_cli::train::TrainArgs),
    #[command(subcommand)]
    Model(model::ModelCommand),
    Report(report::ReportArgs),
    /// Print the completion script for a shell
    #[command(after_help = "\
Examples:
  source <(fleetscore completions bash)         in ~/.bashrc
  fleetscore completions zsh > \"${fpath[1]}/_fleetscore\"
  fleetscore completions fish > ~/.config/fish/completions/fleetscore.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    descriptors::raise_limit();
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Ingest(args) => ingest::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Model(command) => model::run(&command),
        Command::Report(args) => report::run(&args),
        Command::Completions { shell } => completions(shell),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::note(&format!("error: {}", told(&failure.error)));
            ExitCode::from(failure.code)
        }
    }
}

/// An error with its causes, each of which many errors name themselves.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match told.as_str() {
            "" => cause,
            _ if told.contains(&cause) => told,
            _ => format!("{told}: {cause}"),
        }
    })
}

fn completions(shell: clap_complete::Shell) -> commands::Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "fleetscore", &mut script);
    output::print_as_is(&script)?;
    Ok(0)
}
