//! `fleetscore`: scores a fleet of sensors from one manifest.

mod commands;
mod kubectl;
mod local;
mod progress;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use fleetscore_scorer::descriptors;

use commands::{
    completions, dashboard, dashboard_server, export, ingest, model, output, plan, report,
    simulate, train,
};
use kubectl::{Face, Kubectl};

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
  More in `fleetscore run --help` and, of commands that ask a cluster, in `fleetscore kubectl --help`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(commands::run::RunArgs),
    Plan(plan::PlanArgs),
    Ingest(ingest::IngestArgs),
    Export(export::ExportArgs),
    Simulate(fleetscore_cli::simulate::SimulateArgs),
    Train(fleetscore_cli::train::TrainArgs),
    #[command(subcommand)]
    Model(model::ModelCommand),
    Report(report::ReportArgs),
    Dashboard(dashboard::DashboardArgs),
    #[command(hide = true)]
    DashboardServer(dashboard_server::DashboardServerArgs),
    #[command(flatten)]
    Cluster(kubectl::ClusterCommand),
    Completions(completions::CompletionsArgs),
}

fn main() -> ExitCode {
    descriptors::raise_limit();
    let args: Vec<_> = std::env::args_os().collect();
    let result = match kubectl::asked(&args) {
        Some(words) => kubectl::complete(&words),
        None => called(args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::note(&format!("error: {}", told(&failure.error)));
            ExitCode::from(failure.code)
        }
    }
}

fn called(args: Vec<OsString>) -> commands::Result {
    let (face, args) = Face::of(args);
    match face {
        Face::Fleetscore => run(Cli::parse_from(args).command),
        Face::Kubectl => kubectl::run_as_plugin(&Kubectl::parse_from(args).command),
    }
}

fn run(command: Command) -> commands::Result {
    match command {
        Command::Run(args) => commands::run::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Ingest(args) => ingest::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Model(command) => model::run(&command),
        Command::Report(args) => report::run(&args),
        Command::Dashboard(args) => dashboard::run(&args),
        Command::DashboardServer(args) => dashboard_server::run(&args),
        Command::Cluster(command) => kubectl::run(&command),
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
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
