//! `fleetscore`: scores a fleet of sensors from one manifest.

mod commands;
mod local;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use commands::{model, plan, report, run, simulate, train};

/// Scores a fleet of sensors, each with its own one-class SVM.
///
/// A ScoringRun manifest says where the models and the readings are and where the predictions go. `fleetscore run` scores it
/// on this machine; `kubectl apply` of the same file scores it on a cluster.
///
/// A first run, without any data of your own:
///
///   fleetscore simulate --sensors 200 --hours 4 --seed 1 --out plant
///   fleetscore train -f plant/train.yaml
///   fleetscore run -f plant/run.yaml
#[derive(Parser)]
#[command(name = "fleetscore", version, verbatim_doc_comment)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::RunArgs),
    Plan(plan::PlanArgs),
    Simulate(fleetscore_cli::simulate::SimulateArgs),
    Train(fleetscore_cli::train::TrainArgs),
    #[command(subcommand)]
    Model(model::ModelCommand),
    Report(report::ReportArgs),
    /// Print the completion script for a shell.
    ///
    /// For bash: `fleetscore completions bash > /etc/bash_completion.d/fleetscore`
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Model(command) => model::run(&command),
        Command::Report(args) => report::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "fleetscore",
                &mut std::io::stdout(),
            );
            Ok(0)
        }
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("error: {:#}", failure.error);
            ExitCode::from(failure.code)
        }
    }
}
