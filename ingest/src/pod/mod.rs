//! A pod of a stream: works on it until it is told to end, and serves what it does.

mod metrics;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use fleetscore_crds::{Manifest, ReadingStreamSpec};
use fleetscore_ingest::folder::Owner;
use fleetscore_ingest::work::{self, Options, SystemClock, Until, Watch, WorkerError};
use fleetscore_ingest::{Hub, KafkaHub, SourceOptions, StreamName};
use fleetscore_storage::{Environment, Storage, StorageOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::Args;

/// Pauses before work that failed is begun again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Work that has lasted so long before it failed had begun well.
const LASTS: Duration = Duration::from_mins(5);

/// Why the pod ends.
#[derive(Debug, thiserror::Error)]
pub enum PodError {
    /// What it was started with.
    #[error("{0:#}")]
    Wrong(anyhow::Error),
    /// Something else.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

/// Works on the stream until a signal ends that.
pub fn run(args: &Args) -> Result<(), PodError> {
    args.log.start().map_err(PodError::Wrong)?;
    fleetscore_storage::install_crypto();
    let pod = Pod::of(args).map_err(PodError::Wrong)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| PodError::Failed(error.into()))?;
    let outcome = runtime.block_on(pod.run(args));
    // A thread that waits for the hub ends with the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome.map_err(PodError::Failed)
}

/// All that the work takes.
struct Pod {
    hub: Arc<dyn Hub>,
    storage: Storage,
    options: Options,
}

impl Pod {
    fn of(args: &Args) -> anyhow::Result<Self> {
        let path = args.stream.display();
        let json = std::fs::read_to_string(&args.stream).with_context(|| format!("{path}"))?;
        let manifest: Manifest<ReadingStreamSpec> =
            Manifest::from_json(json.as_bytes()).with_context(|| format!("{path}"))?;
        let decoder = work::check(&manifest.spec).with_context(|| format!("{path}"))?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = args.threads.map_or(cores, usize::from);
        let name = StreamName::of(&manifest.metadata);
        let environment = Environment::of_process();
        let source = SourceOptions {
            group: name.group(),
            memory_bytes: (args.memory_mib as usize) * (1 << 20) / threads,
            headers: decoder.needs_headers(),
            local_credentials: false,
        };
        let hub = KafkaHub::new(&manifest.spec.source, &source, &environment)?;
        let storage = Storage::new(&manifest.spec.storage, StorageOptions::default())?;
        let nonce = format!("{:032x}", rand::random::<u128>());
        let options = Options {
            id: name.to_string(),
            spec: manifest.spec,
            owner: Owner {
                pod: args.pod_uid.clone().unwrap_or_else(|| nonce.clone()),
                nonce,
            },
            threads,
            until: Until::Stopped,
            close: false,
            clock: Arc::new(SystemClock),
        };
        Ok(Self {
            hub: Arc::new(hub),
            storage,
            options,
        })
    }

    async fn run(self, args: &Args) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        stop_at_signal(stop.clone())?;
        let watch = Watch::default();
        let view = serve::View {
            watch: watch.clone(),
            stream: self.options.id.clone(),
        };
        let listener = serve::listen(args.listen).await?;
        tracing::info!(address = %listener.local_addr()?, "serves");
        // It is served until the very end: what a pod does while it ends is of interest too.
        tokio::spawn(serve::serve(listener, view));
        tracing::info!(stream = self.options.id, hub = self.hub.name(), "begins");
        self.work(watch, &stop).await
    }

    /// Works until it is stopped. What fails is begun again: whoever mends it elsewhere has no pod to start anew.
    async fn work(&self, watch: Watch, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = tokio::time::Instant::now();
            let work = work::work(
                Arc::clone(&self.hub),
                &self.storage,
                self.options.clone(),
                watch.clone(),
                stop.clone(),
            );
            let error = match Box::pin(work).await {
                Ok(()) => {
                    tracing::info!("ends, with all saved and given back");
                    return Ok(());
                }
                Err(WorkerError::Thread) => return Err(anyhow!(WorkerError::Thread)),
                Err(error) => error,
            };
            watch.set_trouble(Some(error.trouble()));
            if begun.elapsed() >= LASTS {
                pause = FIRST_PAUSE;
            }
            tracing::error!(seconds = pause.as_secs(), "begun again later: {error}");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// SIGTERM, which a pod gets, and SIGINT, for people, save what there is.
fn stop_at_signal(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("is told to end, and saves what there is");
        stop.cancel();
    });
    Ok(())
}
