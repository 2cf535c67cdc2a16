//! `fleetscore dashboard-server`: the dashboard within a cluster, which the chart starts.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use fleetscore_cluster::{Cluster, Login, Scope};
use fleetscore_dashboard::live::Live;
use fleetscore_dashboard::server::{self, App, Guard, Headers};
use fleetscore_dashboard::sight::Access;
use fleetscore_ingest::log::LogArgs;
use fleetscore_storage::StorageOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::account::Auth;
use super::{Result, block_on, failure, output, usage};
use crate::kubectl::dashboard::{Places, RETRY, Trust, nothing, refresh};
use crate::kubectl::exit;

/// Storage is looked at so often.
const REFRESH: Duration = Duration::from_secs(15);

/// Show the cluster that this program runs in, to people whom a proxy has signed in
///
/// The chart starts it with `dashboard.enabled`.
#[derive(Args)]
pub struct DashboardServerArgs {
    /// The address to answer on; behind a proxy in the same pod that of this machine alone
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A name, with its port where it has one, that browsers know it by; may be repeated
    #[arg(long = "host", required = true)]
    hosts: Vec<String>,
    /// The namespaces to show, with commas between them; default: all
    #[arg(long, value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Everybody who reaches it sees all that it sees
    #[arg(long)]
    no_auth: bool,
    /// The header in which the proxy says who asks
    #[arg(long, default_value = "x-forwarded-user")]
    user_header: String,
    /// The header in which it says the person's groups
    #[arg(long, default_value = "x-forwarded-groups")]
    groups_header: String,
    /// What the API server has before users' names
    #[arg(long, default_value = "")]
    user_prefix: String,
    /// What the API server has before groups' names
    #[arg(long, default_value = "")]
    group_prefix: String,
    /// The storage accounts that may be asked, with commas between them; default: none
    #[arg(long, value_delimiter = ',')]
    accounts: Vec<String>,
    /// How to sign in to them
    #[arg(long, value_enum, default_value_t = Auth::Login)]
    auth: Auth,
    /// URL of the Blob service, where it is not the public cloud's
    #[arg(long)]
    endpoint: Option<String>,
    #[command(flatten)]
    log: LogArgs,
    /// The kubeconfig; default: the pod's own service account
    #[arg(long, hide = true)]
    kubeconfig: Option<std::path::PathBuf>,
}

/// Runs the command.
pub fn run(args: &DashboardServerArgs) -> Result {
    args.log.start().map_err(usage)?;
    block_on(show(args))?
}

async fn show(args: &DashboardServerArgs) -> Result {
    if !args.no_auth && !args.listen.ip().is_loopback() {
        return Err(usage(anyhow!(
            "--listen {}: whoever can reach it could say who they are; let it answer 127.0.0.1 alone, behind a proxy in the same pod",
            args.listen
        )));
    }
    fleetscore_storage::install_crypto();
    let login = Login {
        kubeconfig: args.kubeconfig.clone(),
        ..Login::default()
    };
    let cluster = Cluster::connect(&login).await.map_err(exit::cluster)?;
    let scopes = match args.namespaces.as_slice() {
        [] => vec![Scope::All],
        names => names.iter().cloned().map(Scope::Namespace).collect(),
    };
    let (guard, access) = if args.no_auth {
        (Guard::open(args.hosts.clone()), Access::All)
    } else {
        let headers = Headers {
            user: args.user_header.to_lowercase(),
            groups: args.groups_header.to_lowercase(),
            user_prefix: args.user_prefix.clone(),
            group_prefix: args.group_prefix.clone(),
        };
        let guard = Guard::behind_proxy(args.hosts.clone(), headers);
        (guard, Access::reviewed(cluster.clone()))
    };
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener
        .with_context(|| format!("{} cannot be listened on", args.listen))
        .map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let live = Arc::new(Live::new(cluster, scopes, false));
    let options = StorageOptions {
        retry_timeout: RETRY,
        ..StorageOptions::default()
    };
    let history = Arc::new(nothing(options.clone())?);
    let trust = Trust::Listed {
        accounts: args.accounts.iter().cloned().collect::<BTreeSet<_>>(),
        auth: args.auth.azure(),
        endpoint: args.endpoint.clone(),
    };
    let places = Places::new(trust, options);
    let app = App::new(history.clone(), guard).with_cluster(live.clone(), access);
    output::print(format!("listening on {address}\n"))?;
    let mut ended = signal(SignalKind::terminate()).map_err(failure)?;
    tokio::select! {
        served = server::serve(listener, app) => served.map_err(failure)?,
        () = live.follow() => {}
        () = refresh(&live, &history, places, REFRESH) => {}
        stopped = tokio::signal::ctrl_c() => stopped.map_err(failure)?,
        _ = ended.recv() => {}
    }
    Ok(0)
}
