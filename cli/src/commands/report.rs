//! `fleetscore report`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use fleetscore_cluster::Target;
use fleetscore_scorer::outputs;
use fleetscore_scorer::report::{REPORT_BYTES, Report, text};
use fleetscore_storage::{self, ObjectUrl, Storage, StorageError, StorageOptions, StoreKind};

use crate::kubectl::report::{self, Form};
use crate::kubectl::{LoginArgs, StorageArgs};

use super::account::AccountArgs;
use super::{Result, block_on, failure, location, output, usage};

/// Show the report of a finished run
///
/// The same that `fleetscore run` printed at its end. Beside report.json lies
/// report.html, with plots, for a browser. A word without / and . that is no folder
/// here is a run on the cluster, or a schedule, meaning its newest run.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore report predictions
  fleetscore report predictions --json | jq .failures
  fleetscore report predictions --retry pumps-again
  fleetscore report az://predictions/pumps-1764324000/ --account plantstore
  fleetscore report pumps -n plant-a                           of a run on a cluster

Exit codes:
  0  the report was shown, whatever it says
  1  there is no report, or it cannot be read
  2  the command line is wrong
Of a run on a cluster: 4 there is none, or it has no report; 5 cannot tell")]
pub struct ReportArgs {
    /// The run's output location: a folder or a URL; or a run on the cluster
    #[arg(value_name = "DIR-or-URL-or-RUN")]
    output: String,
    /// The report of this retry in place: a run whose spec.sensors.failedIn scored failed sensors again in that location
    #[arg(long, value_name = "RUN")]
    retry: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Of a run on a cluster: write the report with its plots to this file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
    #[command(flatten)]
    account: AccountArgs,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// Runs the command.
pub fn run(args: &ReportArgs) -> Result {
    if let Some(target) = on_cluster(&args.output) {
        let form = match (&args.html, args.json) {
            (Some(file), _) => Form::Html(file),
            (None, true) => Form::Json,
            (None, false) => Form::Text,
        };
        return report::show(&target, &args.login, &args.storage, form);
    }
    if args.html.is_some() {
        return Err(usage(anyhow!(
            "--html is for a run on a cluster; here report.html lies beside report.json"
        )));
    }
    fleetscore_storage::install_crypto();
    let folder = ObjectUrl::parse(&location(&args.output)?).map_err(usage)?;
    let spec = args.account.spec(args.storage.endpoint.as_deref());
    if folder.kind() == StoreKind::Azure && spec.azure.is_none() {
        return Err(usage(anyhow!(
            "{folder}: which storage account? Add --account NAME, or --auth emulator for Azurite"
        )));
    }
    let options = StorageOptions {
        local_credentials: true,
        ..StorageOptions::default()
    };
    let storage = Storage::new(&spec, options).map_err(usage)?;
    let own = args.retry.as_ref().map_or_else(
        || outputs::RUN_FOLDER.to_owned(),
        |run| outputs::retry_folder(run),
    );
    let url = folder.join(&format!("{own}report.json")).map_err(usage)?;
    let bytes = block_on(storage.get(&url, REPORT_BYTES))?.map_err(|error| match error {
        StorageError::NotFound { .. } => failure(anyhow!(
            "{url} does not exist; a run that has ended has a report in its output location"
        )),
        error => failure(error),
    })?;
    let report = Report::from_json(&bytes)
        .with_context(|| url.to_string())
        .map_err(failure)?;
    if args.json {
        output::print_json_text(&report.to_json().map_err(failure)?)?;
    } else {
        output::print(text::summary(&report))?;
    }
    Ok(0)
}

/// The run on a cluster that is meant, where it is no place.
fn on_cluster(text: &str) -> Option<Target> {
    let said = text.starts_with("run/") || text.starts_with("schedule/");
    let is_place = text.contains(['/', '.']) || Path::new(text).exists();
    text.parse()
        .ok()
        .filter(|_| !Path::new(text).exists() && (said || !is_place))
}
