//! `kubectl fleetscore dashboard`.

mod places;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fleetscore_dashboard::history::{History, Refresher};
use fleetscore_dashboard::live::Live;
use fleetscore_dashboard::server::{self, App};
use fleetscore_dashboard::sight::Access;
use fleetscore_storage::{Storage, StorageOptions};

use super::login::LoginArgs;
use super::storage::{self, StorageArgs};
use crate::commands::dashboard::{Listening, disk, listen, start_log};
use crate::commands::{Result, block_on, failure, output};

pub use places::{Places, Trust};

/// Storage is looked at so often.
const REFRESH: Duration = Duration::from_secs(15);
/// The same of local files.
const REFRESH_LOCAL: Duration = Duration::from_secs(2);
/// A request to storage is tried again for so long: a page waits for it.
pub const RETRY: Duration = Duration::from_secs(5);

/// Show runs, schedules, nodes and what runs left in storage in the browser
///
/// Everything is read with your own login to the cluster and to storage, and nothing is
/// changed. It answers this machine alone. The address that it prints holds a token, another
/// one each time, since the machine may have other users.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore dashboard -n plant-a
  kubectl fleetscore dashboard -A --port 8080

What has ended is read from the storage that the runs name. Your token goes to Azure's own
Blob service alone, unless you name another one with --endpoint.

Exit codes: 0 stopped by Ctrl-C; 1 the port is taken; 5 there is no login to a cluster.")]
pub struct DashboardArgs {
    /// The port on 127.0.0.1; 0 takes one that is free
    #[arg(long, default_value_t = 8088)]
    port: u16,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    storage: StorageArgs,
}

/// Runs the command.
pub fn run(args: &DashboardArgs) -> Result {
    start_log()?;
    block_on(show(args))?
}

async fn show(args: &DashboardArgs) -> Result {
    let (cluster, scope) = args.login.connect().await?;
    let Listening {
        listener,
        guard,
        address,
    } = listen(args.port).await?;
    let server = cluster.server().to_owned();
    let live = Arc::new(Live::new(cluster, vec![scope], true));
    let options = StorageOptions {
        local_credentials: true,
        retry_timeout: RETRY,
        ..StorageOptions::default()
    };
    let history = Arc::new(nothing(options.clone())?.with_disk(disk()));
    let places = Places::new(Trust::Person(args.storage.clone()), options);
    let pause = if args.storage.local_files {
        REFRESH_LOCAL
    } else {
        REFRESH
    };
    let app = App::new(history.clone(), guard).with_cluster(live.clone(), Access::All);
    output::note(&format!(
        "Showing {server} with your own rights. Ctrl-C ends it. Open:"
    ));
    output::print(format!("{address}\n"))?;
    tokio::select! {
        served = server::serve(listener, app) => served.map_err(failure)?,
        () = live.follow() => {}
        () = refresh(&live, &history, places, pause) => {}
        stopped = tokio::signal::ctrl_c() => stopped.map_err(failure)?,
    }
    Ok(0)
}

/// The history of no folder.
pub fn nothing(options: StorageOptions) -> Result<History> {
    let storage = Storage::new(&fleetscore_crds::StorageSpec::default(), options);
    Ok(History::new(&storage.map_err(storage::error)?, "", &[]))
}

/// Reads for ever what runs left in the storage that the cluster's objects name.
pub async fn refresh(live: &Live, history: &History, mut places: Places, pause: Duration) {
    let mut refresher = Refresher::default();
    let mut changes = live.changes();
    loop {
        let snapshot = live.snapshot();
        let (found, unasked) = places.of(&snapshot.objects);
        history.look_in(found, unasked).await;
        refresher.refresh(history).await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // The first answer of the cluster names the first folders.
            _ = changes.changed(), if !snapshot.is_whole => {}
        }
    }
}
