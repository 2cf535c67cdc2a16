//! `fleetscore report`.

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use fleetscore_crds::{AzureAuth, AzureStorage, StorageSpec};
use fleetscore_scorer::outputs;
use fleetscore_scorer::report::{Report, text};
use fleetscore_storage::{self, ObjectUrl, Storage, StorageError, StorageOptions, StoreKind};

use super::{Result, block_on, failure, location, output, usage};

/// Largest report, in bytes.
const REPORT_BYTES: u64 = 64 * 1024 * 1024;

/// Show the report of a finished run
///
/// The same that `fleetscore run` printed at its end. Beside report.json lies
/// report.html, with plots, for a browser.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore report predictions
  fleetscore report predictions --json | jq .failures
  fleetscore report az://predictions/pumps-1764324000/ --account plantstore

Exit codes:
  0  the report was shown, whatever it says
  1  there is no report, or it cannot be read
  2  the command line is wrong")]
pub struct ReportArgs {
    /// The run's output location: a folder or a URL
    #[arg(value_name = "DIR-or-URL")]
    output: String,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// The storage account of an az:// location
    #[arg(long)]
    account: Option<String>,
    /// URL of the Blob service, where it is not the public cloud's
    #[arg(long)]
    endpoint: Option<String>,
    /// How to sign in to the storage account
    #[arg(long, value_enum, default_value_t = Auth::Login)]
    auth: Auth,
}

/// How to sign in.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Auth {
    /// Keys in the environment, else the Azure CLI's login
    Login,
    /// The identity of this machine
    ManagedIdentity,
    /// Azurite's well-known account
    Emulator,
    /// No credentials
    Anonymous,
}

/// Runs the command.
pub fn run(args: &ReportArgs) -> Result {
    fleetscore_storage::install_crypto();
    let folder = ObjectUrl::parse(&location(&args.output)?).map_err(usage)?;
    let spec = spec(args);
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
    let url = folder.join(outputs::REPORT_JSON).map_err(usage)?;
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

fn spec(args: &ReportArgs) -> StorageSpec {
    let auth = match args.auth {
        Auth::Login => AzureAuth::WorkloadIdentity,
        Auth::ManagedIdentity => AzureAuth::ManagedIdentity,
        Auth::Emulator => AzureAuth::Emulator,
        Auth::Anonymous => AzureAuth::Anonymous,
    };
    let emulator = matches!(args.auth, Auth::Emulator).then(|| "devstoreaccount1".to_owned());
    let azure = args
        .account
        .clone()
        .or(emulator)
        .map(|account| AzureStorage {
            account,
            endpoint: args.endpoint.clone(),
            auth,
            secret_ref: None,
        });
    StorageSpec {
        azure,
        ..StorageSpec::default()
    }
}
