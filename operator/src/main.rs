//! `fleetscore-operator`: the program.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use fleetscore_crds::{ReadingStream, ScoringRun, ScoringSchedule, contract::stream_pod};
use fleetscore_operator::args::Args;
use fleetscore_operator::children::Children;
use fleetscore_operator::client::client;
use fleetscore_operator::config::Config;
use fleetscore_operator::controller::{Seen, Shared};
use fleetscore_operator::fleet::Fleet;
use fleetscore_operator::health::Health;
use fleetscore_operator::lease::Lease;
use fleetscore_operator::metrics::Metrics;
use fleetscore_operator::published::Published;
use fleetscore_operator::traces::RunTraces;
use fleetscore_operator::{fit, run, schedule, server, stream, telemetry};
use futures::future::{BoxFuture, FutureExt, join_all, select_all};
use jiff::Timestamp;
use kube::Client;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long passes that have begun may take to end.
const DRAIN: Duration = Duration::from_secs(10);
/// How often the API server is asked whether it is there.
const REACH: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args = Args::parse();
    match start(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is where the log goes; whoever reads it wants it in the same form.
            tracing::error!("{error:#}");
            eprintln!("fleetscore-operator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: &Args) -> anyhow::Result<()> {
    // It fails only where a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let telemetry = telemetry::start(args.log_format, &args.log, args.trace_passes)?;
    let config = Config::load(&args.config)?;
    tracing::info!("schedules are read with {}", fleetscore_ticks::zones());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(operate(args, config, telemetry.runs()));
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(telemetry);
    result
}

async fn operate(args: &Args, config: Config, traces: RunTraces) -> anyhow::Result<()> {
    let (stopper, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        let _ = stopper.send(true);
    });
    let metrics = Arc::new(Metrics::with(config.metrics));
    let health = Arc::new(Health::default());
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("--listen {}", args.listen))?;
    let server = server::serve(listener, health.clone(), metrics.clone(), stopped(&stop));
    tokio::spawn(server);
    let kube_config = kube::Config::infer()
        .await
        .context("no cluster to work in")?;
    let client = client(kube_config, metrics.clone())?;
    tokio::spawn(reach(client.clone(), health.clone()));
    let operator = Operator {
        args,
        config,
        client,
        metrics,
        health,
        traces,
        stop,
    };
    if args.no_leader_election {
        operator.work().await
    } else {
        operator.lead().await
    }
}

/// Resolves once the process is asked to stop.
fn stopped(stop: &watch::Receiver<bool>) -> BoxFuture<'static, ()> {
    let mut stop = stop.clone();
    async move {
        let _ = stop.wait_for(|stop| *stop).await;
    }
    .boxed()
}

/// Keeps asking the API server for its version.
async fn reach(client: Client, health: Arc<Health>) {
    loop {
        let answer = tokio::time::timeout(REACH, client.apiserver_version()).await;
        health.reaches(matches!(answer, Ok(Ok(_))));
        tokio::time::sleep(REACH).await;
    }
}

struct Operator<'a> {
    args: &'a Args,
    config: Config,
    client: Client,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    traces: RunTraces,
    stop: watch::Receiver<bool>,
}

impl Operator<'_> {
    /// Works while this replica has the Lease. Once lost, the process ends: it must not go on beside the new leader.
    async fn lead(&self) -> anyhow::Result<()> {
        let namespace = self.lease_namespace();
        let name = &self.args.lease_name;
        let mut lease = Lease::claim(self.client.clone(), name, &namespace, &identity())
            .await
            .with_context(|| format!("the Lease {namespace}/{name}"))?;
        let leads = tokio::select! {
            leads = lease.gained() => leads,
            () = stopped(&self.stop) => {
                lease.release().await;
                return Ok(());
            }
        };
        anyhow::ensure!(leads, "the claim to the Lease {namespace}/{name} has ended");
        tracing::info!(lease = name, namespace, "leading");
        let result = tokio::select! {
            result = self.work() => result,
            () = lease.lost() => anyhow::bail!("the Lease {namespace}/{name} is lost"),
        };
        lease.release().await;
        result
    }

    /// Runs the controllers until the process is asked to stop.
    async fn work(&self) -> anyhow::Result<()> {
        self.metrics.leads(true);
        tokio::spawn(fit::watch(self.client.clone(), self.metrics.clone()));
        let (mut all_runs, mut all_schedules, mut all_streams) =
            (Vec::new(), Vec::new(), Vec::new());
        let mut controllers: Vec<BoxFuture<'static, ()>> = Vec::new();
        let shared = Shared {
            client: self.client.clone(),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            rush: Arc::default(),
            traces: self.traces.clone(),
        };
        let places = run::Places::default();
        let poller = Arc::new(stream::Poller::new(stream_pod::PORT)?);
        for scope in self.args.scopes() {
            let (streams, controller) = stream::run(
                shared.clone(),
                self.config.clone(),
                poller.clone(),
                scope.as_deref(),
                stopped(&self.stop),
            );
            controllers.push(controller);
            let (children, changed) = Children::new();
            let index = children.clone();
            let (runs, controller) = run::run(
                shared.clone(),
                self.config.clone(),
                places.clone(),
                Published::by(streams.objects.clone()),
                scope.as_deref(),
                move |event| index.note(event),
                stopped(&self.stop),
            );
            controllers.push(controller);
            let owned = schedule::Owned {
                children,
                changed,
                listed: runs.listed(),
            };
            let (schedules, controller) =
                schedule::run(shared.clone(), scope.as_deref(), owned, stopped(&self.stop));
            controllers.push(controller);
            all_runs.push(runs);
            all_schedules.push(schedules);
            all_streams.push(streams);
        }
        let fleet = Fleet::new(all_runs.clone(), all_schedules.clone(), all_streams.clone());
        self.metrics
            .count_with(move |metrics| fleet.count(metrics, Timestamp::now()));
        self.health.beat();
        let names = self.args.scopes();
        let scopes = names
            .into_iter()
            .zip(all_runs.into_iter().zip(all_schedules));
        let scopes = scopes.zip(all_streams);
        tokio::spawn(note_ready(self.health.clone(), scopes.collect()));
        let mut work = std::pin::pin!(join_all(controllers));
        tokio::select! {
            _ = &mut work => {}
            () = stopped(&self.stop) => {
                if tokio::time::timeout(DRAIN, work).await.is_err() {
                    tracing::warn!("some passes did not end in {} s", DRAIN.as_secs());
                }
            }
        }
        self.metrics.leads(false);
        anyhow::ensure!(*self.stop.borrow(), "the controller has ended by itself");
        Ok(())
    }

    fn lease_namespace(&self) -> String {
        self.args
            .lease_namespace
            .clone()
            .or_else(|| std::env::var("POD_NAMESPACE").ok())
            .unwrap_or_else(|| self.client.default_namespace().to_owned())
    }
}

/// A part of the cluster that is watched by itself: its namespace, and what is seen of it.
type Watched = (
    (Option<String>, (Seen<ScoringRun>, Seen<ScoringSchedule>)),
    Seen<ReadingStream>,
);

/// Notes when everything has been listed. A namespace that may not be read keeps the others waiting no longer than until that is known.
/// Streams that may not be read keep nothing waiting: the definition or the rights of an earlier release may be without them.
async fn note_ready(health: Arc<Health>, scopes: Vec<Watched>) {
    let mut readable = 0;
    for ((namespace, (runs, schedules)), streams) in &scopes {
        let readable_streams = streams.is_readable().await;
        if runs.is_readable().await && schedules.is_readable().await {
            readable += 1;
            if !readable_streams {
                let namespace = namespace.as_deref().unwrap_or("all");
                tracing::warn!(
                    namespace,
                    "streams are not looked after: is there the definition of ReadingStream, and may the operator read Deployments and pods?"
                );
            }
        } else {
            let namespace = namespace.as_deref().unwrap_or("all");
            tracing::warn!(
                namespace,
                "cannot be read, so nothing is done there until it can: is it there, and has the operator its Role in it?"
            );
        }
    }
    if readable == 0 {
        let ready = scopes.iter().map(|((_, (runs, schedules)), _)| {
            async { runs.wait_until_ready().await && schedules.wait_until_ready().await }.boxed()
        });
        if ready.len() == 0 || !select_all(ready).await.0 {
            return;
        }
    }
    health.has_synced();
    tracing::info!("everything is listed");
}

/// A name that no other replica has: the pod's, or one of this process.
fn identity() -> String {
    let host = ["POD_NAME", "HOSTNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    host.unwrap_or_else(|| format!("fleetscore-operator-{}", std::process::id()))
}
