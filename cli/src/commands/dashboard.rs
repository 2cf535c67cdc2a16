//! `fleetscore dashboard`.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use fleetscore_dashboard::history::{Disk, History, Refresher};
use fleetscore_dashboard::server::{self, App, Guard};
use fleetscore_ingest::log::{self, LogFormat};
use fleetscore_storage::{self, ObjectUrl, Storage, StorageOptions, StoreKind};
use tokio::net::TcpListener;

use super::account::AccountArgs;
use super::{Result, block_on, failure, location, output, usage};

/// Storage is looked at so often.
const REFRESH: Duration = Duration::from_secs(2);
/// The same of storage that is asked over a network.
const REFRESH_REMOTE: Duration = Duration::from_secs(15);
/// A request to storage is tried again for so long: a page waits for it.
const RETRY: Duration = Duration::from_secs(5);

/// Show the runs in a folder in the browser
///
/// Reads what runs left there when they ended: a record of each in the folder
/// _runs, the tables of their sensors, their reports and predictions. It only
/// reads, and answers this machine alone. The address that it prints holds a token,
/// another one each time, since the machine may have other users.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore dashboard predictions
  fleetscore dashboard az://predictions/ --account plantstore
  fleetscore dashboard predictions --port 8080

The folder is the one above the runs' outputs, in which _runs lies: of
az://predictions/{window.start}/ it is az://predictions/. Where there are several,
name them all.

Exit codes:
  0  ended with Ctrl-C
  1  the port is taken
  2  the command line is wrong")]
pub struct DashboardArgs {
    /// Folders or URLs above the runs' outputs
    #[arg(value_name = "DIR-or-URL", required = true)]
    folders: Vec<String>,
    /// The port on 127.0.0.1; 0 takes one that is free
    #[arg(long, default_value_t = 8088)]
    port: u16,
    #[command(flatten)]
    account: AccountArgs,
    /// URL of the Blob service, where it is not the public cloud's
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

/// Runs the command.
pub fn run(args: &DashboardArgs) -> Result {
    start_log()?;
    fleetscore_storage::install_crypto();
    let mut roots = Vec::new();
    let mut is_remote = false;
    for folder in &args.folders {
        let root = ObjectUrl::parse(&location(folder)?).map_err(usage)?;
        is_remote |= root.kind() == StoreKind::Azure;
        roots.push(root.as_prefix());
    }
    let spec = args.account.spec(args.endpoint.as_deref());
    if is_remote && spec.azure.is_none() {
        return Err(usage(anyhow!(
            "which storage account? Add --account NAME, or --auth emulator for Azurite"
        )));
    }
    let options = StorageOptions {
        local_credentials: true,
        retry_timeout: RETRY,
        ..StorageOptions::default()
    };
    let storage = Storage::new(&spec, options).map_err(usage)?;
    let pause = if is_remote { REFRESH_REMOTE } else { REFRESH };
    let account = spec
        .azure
        .as_ref()
        .map_or("", |azure| azure.account.as_str());
    block_on(show(
        History::new(&storage, account, &roots).with_disk(disk()),
        args.port,
        pause,
    ))?
}

/// Begins to tell warnings and errors on standard error, or what `FLEETSCORE_LOG` lets through.
pub fn start_log() -> Result<()> {
    let filter = std::env::var("FLEETSCORE_LOG").unwrap_or_else(|_| "warn".to_owned());
    log::start(LogFormat::Text, &filter).map_err(usage)
}

/// Where is kept what was read over a network; none where this machine has no place for such things.
pub fn disk() -> Option<Disk> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
    let cache = cache.filter(|folder| folder.is_absolute())?;
    Some(Disk::new(cache.join("fleetscore").join("history")))
}

/// A server that is about to answer this machine.
pub struct Listening {
    /// Its socket.
    pub listener: TcpListener,
    /// Who may ask.
    pub guard: Guard,
    /// The address that lets in.
    pub address: String,
}

/// Takes a port of 127.0.0.1.
pub async fn listen(port: u16) -> Result<Listening> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener
        .with_context(|| {
            format!("port {port} of 127.0.0.1; take another one with --port, or --port 0")
        })
        .map_err(failure)?;
    let port = listener.local_addr().map_err(failure)?.port();
    let guard = Guard::new(port);
    let address = format!("http://127.0.0.1:{port}{}", guard.first_path());
    Ok(Listening {
        listener,
        guard,
        address,
    })
}

async fn show(history: History, port: u16, pause: Duration) -> Result {
    let Listening {
        listener,
        guard,
        address,
    } = listen(port).await?;
    let history = Arc::new(history);
    let mut refresher = Refresher::default();
    refresher.refresh(&history).await;
    let index = history.index().await;
    if let Some(trouble) = &index.trouble {
        output::note(&format!("note: {}", trouble.message));
    }
    output::note(&format!(
        "Showing {} runs. Ctrl-C ends it. Open:",
        index.runs.len()
    ));
    output::print(format!("{address}\n"))?;
    let app = App::new(history.clone(), guard);
    let refreshing = async {
        loop {
            tokio::time::sleep(pause).await;
            refresher.refresh(&history).await;
        }
    };
    tokio::select! {
        served = server::serve(listener, app) => served.map_err(failure)?,
        () = refreshing => {}
        stopped = tokio::signal::ctrl_c() => stopped.map_err(failure)?,
    }
    Ok(0)
}
