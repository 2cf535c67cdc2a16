//! `report` of a run on a cluster.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use fleetscore_cluster::Target;
use fleetscore_scorer::report::{Report, text};

use super::exit;
use super::login::LoginArgs;
use super::storage::{Place, StorageArgs};
use crate::commands::{Result, block_on, failure, output};

/// Largest report, and largest page of it, in bytes.
const REPORT_BYTES: u64 = 64 << 20;

/// Show the report of a run that has ended
///
/// Read from _run/ in the run's output location, with your own login to storage.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore report pumps                     the newest run of a schedule
  kubectl fleetscore report run/pumps-1764324000 --html report.html
  kubectl fleetscore report pumps --json | jq .failures

Exit codes: 0 shown, whatever it says; 4 no such run, or it has no report; 5 cannot tell.")]
pub struct RunReportArgs {
    /// The run, or a schedule, meaning its newest run
    #[arg(value_name = "RUN")]
    target: Target,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Write the report with its plots to this file, for a browser
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// Runs the command.
pub fn run(args: &RunReportArgs) -> Result {
    let form = match (&args.html, args.json) {
        (Some(file), _) => Form::Html(file),
        (None, true) => Form::Json,
        (None, false) => Form::Text,
    };
    show(&args.target, &args.login, &args.storage, form)
}

/// The form of a report.
#[derive(Clone, Copy)]
pub enum Form<'a> {
    /// For people.
    Text,
    /// As it is.
    Json,
    /// A page in a file.
    Html(&'a Path),
}

/// Shows the report of the run that `target` means.
pub fn show(target: &Target, login: &LoginArgs, storage: &StorageArgs, form: Form<'_>) -> Result {
    block_on(async {
        let (cluster, scope) = login.connect().await?;
        let run = cluster.run(&scope, target).await.map_err(exit::cluster)?;
        let place = Place::of(&run, storage)?;
        let name = match form {
            Form::Html(_) => place.own("report.html"),
            _ => place.own("report.json"),
        };
        let bytes = place.read(&name, REPORT_BYTES).await?.ok_or_else(|| {
            exit::not_found(format!(
                "{}{name} does not exist; a run that has ended has a report in its output location",
                place.output
            ))
        })?;
        match form {
            Form::Html(file) => {
                std::fs::write(file, &bytes)
                    .with_context(|| file.display().to_string())
                    .map_err(failure)?;
                output::note(&format!(
                    "report of run {} in {}",
                    run.name(),
                    file.display()
                ));
            }
            Form::Json => {
                let report = read(&bytes)?;
                output::print_json_text(&report.to_json().map_err(failure)?)?;
            }
            Form::Text => output::print(text::summary(&read(&bytes)?))?,
        }
        Ok(0)
    })?
}

fn read(bytes: &[u8]) -> Result<Report> {
    Report::from_json(bytes).map_err(|error| exit::cannot_tell(format!("report.json: {error}")))
}
