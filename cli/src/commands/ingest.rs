//! `fleetscore ingest`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use fleetscore_cli::manifest::Loaded;
use fleetscore_crds::{Manifest, ReadingStreamSpec};
use fleetscore_ingest::folder::{FolderError, Owner};
use fleetscore_ingest::work::{
    self, Options, State, SystemClock, Until, Watch, WorkerError, check,
};
use fleetscore_ingest::{Counts, KafkaHub, SourceError, SourceOptions, StreamName};
use fleetscore_scorer::log;
use fleetscore_storage::{Environment, Storage, StorageOptions};
use indicatif::HumanCount;
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{CommandError, FAILED, ManifestArgs, Result, block_on, failure, load, output, usage};

/// Exit code: stopped by Ctrl-C.
const STOPPED: u8 = 130;

/// How often progress is shown.
const SHOW: Duration = Duration::from_secs(5);

/// Read the events of a `ReadingStream` manifest on this machine, and publish its readings
///
/// Events are filtered, aggregated over windows, and published segment by segment under
/// the manifest's output location, each reading exactly once, exactly as on a cluster.
/// It goes on until it is stopped, or with --until up to a point; the next process goes
/// on from there. `fleetscore plan -f` shows what events become first.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "independent options")]
#[command(after_help = "\
Examples:
  fleetscore ingest -f stream.yaml
  fleetscore ingest -f stream.yaml --until Latest
  fleetscore ingest -f history.yaml --until 2026-11-28T00:00:00Z --close

Credentials, where the manifest names a secret:
  FLEETSCORE_EVENTHUB_CONNECTION_STRING
  FLEETSCORE_KAFKA_USERNAME, FLEETSCORE_KAFKA_PASSWORD

Exit codes:
  0    it was read up to where --until says
  1    failed
  2    the command line or the manifest is wrong; nothing was written
  130  stopped by Ctrl-C; run it again to go on")]
pub struct IngestArgs {
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Stop at the end that the hub has now (Latest), or at what arrived then or later
    /// (a time such as 2026-11-28T00:00:00Z) [default: go on until stopped]
    #[arg(long, value_name = "Latest|TIME", value_parser = until)]
    until: Option<Until>,
    /// With --until: close windows that are still open in the end, so that they are published too;
    /// readings for them that come later are late
    #[arg(long, requires = "until")]
    close: bool,
    /// Threads that read [default: one a core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Memory for events that are fetched ahead, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(16..))]
    memory: u32,
    /// Print what was done as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Print the log to standard error, in place of the progress
    #[arg(short, long)]
    verbose: bool,
}

fn until(text: &str) -> std::result::Result<Until, String> {
    if text == "Latest" {
        return Ok(Until::Latest);
    }
    let time: Timestamp = text.parse().map_err(|_| {
        format!("{text:?} is neither Latest nor a time such as 2026-11-28T00:00:00Z")
    })?;
    let nanoseconds = i64::try_from(time.as_nanosecond()).map_err(|error| error.to_string())?;
    Ok(Until::Arrival(nanoseconds))
}

/// The hub of a manifest.
pub(super) fn hub(
    manifest: &Manifest<ReadingStreamSpec>,
    headers: bool,
    memory: usize,
) -> Result<KafkaHub> {
    let options = SourceOptions {
        group: StreamName::of(&manifest.metadata).group(),
        memory_bytes: memory,
        headers,
        local_credentials: true,
    };
    KafkaHub::new(&manifest.spec.source, &options, &Environment::of_process()).map_err(usage)
}

/// Runs the command.
pub fn run(args: &IngestArgs) -> Result {
    let Loaded::Stream(manifest) = load(&args.manifest)? else {
        return Err(usage(anyhow!(
            "{}: is no ReadingStream; `fleetscore run -f` takes a ScoringRun",
            fleetscore_cli::manifest::name(&args.manifest.file)
        )));
    };
    fleetscore_storage::install_crypto();
    let decoder = check(&manifest.spec).map_err(usage)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = args.threads.map_or(cores, usize::from);
    let memory = args.memory as usize * (1 << 20) / threads.max(1);
    let hub = Arc::new(hub(&manifest, decoder.needs_headers(), memory)?);
    let options = StorageOptions {
        local_credentials: true,
        ..StorageOptions::default()
    };
    let storage = Storage::new(&manifest.spec.storage, options).map_err(usage)?;
    let nonce = format!("{:032x}", rand::random::<u128>());
    let options = Options {
        id: StreamName::of(&manifest.metadata).to_string(),
        spec: manifest.spec,
        owner: Owner {
            // A process of another start has nothing in common with this one but the lock of a folder of files.
            pod: nonce.clone(),
            nonce,
        },
        threads,
        until: args.until.unwrap_or(Until::Stopped),
        close: args.close,
        clock: Arc::new(SystemClock),
    };
    log::start(args.verbose, log::LogFormat::Text);
    let watch = Watch::default();
    let stop = CancellationToken::new();
    let begun = Instant::now();
    let outcome = block_on(async {
        tokio::spawn(stop_at_signal(stop.clone()));
        let shown = (!args.quiet && !args.verbose).then(|| tokio::spawn(show(watch.clone())));
        let outcome = Box::pin(work::work(
            hub,
            &storage,
            options,
            watch.clone(),
            stop.clone(),
        ))
        .await;
        if let Some(shown) = shown {
            shown.abort();
        }
        outcome
    })?;
    outcome.map_err(|error| match error {
        WorkerError::Spec(_)
        | WorkerError::Rules(_)
        | WorkerError::Folder(FolderError::LocationTaken { .. })
        | WorkerError::Source(SourceError::Config { .. }) => usage(error),
        error => failure(error),
    })?;
    let summary = Summary::of(&watch.state(), begun.elapsed());
    if args.json {
        output::print_json(&summary)?;
    } else {
        output::print(summary.text())?;
    }
    if stop.is_cancelled() {
        return Err(CommandError {
            error: anyhow!("stopped; run it again to go on"),
            code: STOPPED,
        });
    }
    Ok(if summary.is_whole { 0 } else { FAILED })
}

/// The first Ctrl-C saves what there is; the second ends the process at once, which loses nothing either.
async fn stop_at_signal(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    stop.cancel();
    output::note("\nsaving; press Ctrl-C again to stop at once");
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(STOPPED.into());
    }
}

/// A line of progress every few seconds.
async fn show(watch: Watch) {
    let mut before = 0;
    loop {
        tokio::time::sleep(SHOW).await;
        let state = watch.state();
        let events = state.events();
        let lag: u64 = state.seen.values().filter_map(|seen| seen.lag).sum();
        let rate = (events - events.min(before)) / SHOW.as_secs();
        before = events;
        let through = state.published.complete_through;
        let through = through.map_or_else(|| "nothing yet".to_owned(), |time| time.to_string());
        let trouble = state.first_trouble();
        let trouble =
            trouble.map_or_else(String::new, |trouble| format!("\n  {}", trouble.message));
        output::note(&format!(
            "{}/{} partitions, {} events, {} events/s, {} to read, published through {through}{trouble}",
            state.seen.len(),
            state.partitions.unwrap_or(0),
            HumanCount(events),
            HumanCount(rate),
            HumanCount(lag),
        ));
    }
}

/// What was done.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    /// Events that were read by this process.
    events: u64,
    /// Seconds that it took.
    seconds: f64,
    /// Partitions of the topic.
    partitions: u32,
    /// What became of the readings of the partitions that this process has worked on, since the stream began.
    counts: Counts,
    /// The end of the last segment that is published.
    published_through: Option<Timestamp>,
    /// Rows of the last segments that are published.
    last_segments: Vec<fleetscore_ingest::folder::LastSegment>,
    /// Whether no partition stands still.
    is_whole: bool,
}

impl Summary {
    fn of(state: &State, took: Duration) -> Self {
        Self {
            events: state.events(),
            seconds: took.as_secs_f64(),
            partitions: state.partitions.unwrap_or(0),
            counts: state.counts(),
            published_through: state.published.complete_through,
            last_segments: state.published.last_segments.clone(),
            is_whole: state.seen.values().all(|seen| seen.stall.is_none()),
        }
    }

    fn text(&self) -> String {
        let Counts {
            accepted,
            filtered,
            late,
            early,
            too_old,
            before_start,
            duplicate,
            empty,
            invalid,
        } = &self.counts;
        let mut text = format!(
            "events              {} in {:.1} s, of {} partitions\n",
            HumanCount(self.events),
            self.seconds,
            self.partitions
        );
        let mut line = |name: &str, count: u64| {
            if count > 0 || name == "accepted" {
                // Writing into a text cannot fail.
                let _ = writeln!(text, "{name:<19} {}", HumanCount(count));
            }
        };
        line("accepted", *accepted);
        line("filtered", *filtered);
        line("late", *late);
        line("early", *early);
        line("too old", *too_old);
        line("before the start", *before_start);
        line("duplicate", *duplicate);
        line("empty events", *empty);
        for (reason, count) in invalid {
            line(&format!("invalid: {reason}"), *count);
        }
        let through = self.published_through;
        let through = through.map_or_else(|| "nothing yet".to_owned(), |time| time.to_string());
        let _ = writeln!(text, "published through   {through}");
        for segment in &self.last_segments {
            let _ = writeln!(
                text,
                "  segment {}   {} rows in {} files",
                segment.segment,
                HumanCount(segment.rows),
                segment.files
            );
        }
        text
    }
}
