//! One step in a pod: configuration in, exit code, log and termination message out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::Manifest;
use fleetscore_crds::contract::run_pod;
use fleetscore_scorer::descriptors;
use fleetscore_scorer::log::{self, LogBuffer};
use fleetscore_scorer::outputs;
use fleetscore_scorer::place::Times;
use fleetscore_scorer::run::Run;
use fleetscore_scorer::steps::{self, Compute, Context, Limits, Progress, StepError};
use fleetscore_storage::{Storage, StorageOptions};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::PodArgs;

/// Largest termination message that Kubernetes keeps, in bytes.
const TERMINATION_BYTES: usize = 4096;

/// Which step to run.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// List the sensors.
    Plan,
    /// Score this shard.
    Score(u32),
    /// Sum up.
    Collect,
}

impl Step {
    fn log_name(self) -> String {
        match self {
            Self::Plan => "plan.log".to_owned(),
            Self::Score(shard) => outputs::shard_log(shard),
            Self::Collect => "collect.log".to_owned(),
        }
    }
}

/// What a step came to.
struct Outcome {
    code: u8,
    message: Value,
}

/// Runs a step and returns the process's exit code.
pub fn run(args: &PodArgs, step: Step) -> u8 {
    fleetscore_storage::install_crypto();
    descriptors::raise_limit();
    let log = log::start(true, args.log_format.into());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run_step(args, step, &log)),
        Err(error) => failed(&StepError::Internal(format!(
            "cannot start threads: {error}"
        ))),
    };
    write_termination(&args.termination_log, &outcome.message);
    outcome.code
}

async fn run_step(args: &PodArgs, step: Step, log: &LogBuffer) -> Outcome {
    let context = match open(args) {
        Ok(context) => context,
        Err(error) => return failed(&error),
    };
    log.stamp(stamp(&context, step));
    let signals = stop_on_signals(context.stop.clone());
    let outcome = match step {
        Step::Plan | Step::Collect => tokio::select! {
            outcome = coordinate(&context, step) => outcome,
            () = context.stop.cancelled() => Err(StepError::Stopped),
        },
        Step::Score(shard) => steps::score(&context, shard)
            .await
            .map(|summary| done(summary.exit_code(), &summary)),
    };
    signals.abort();
    let outcome = outcome.unwrap_or_else(|error| failed(&error));
    if let Err(error) = log.put(&context, &step.log_name()).await {
        tracing::warn!("the log cannot be written: {error}");
    }
    if ends_run(step, outcome.code)
        && let Err(error) = context.place.release().await
    {
        tracing::warn!("the next run at this place will have to wait: {error}");
    }
    outcome
}

/// What every line of the log says in JSON.
fn stamp(context: &Context, step: Step) -> Map<String, Value> {
    let run = &context.run;
    let mut fields = Map::from_iter([("run".to_owned(), Value::from(run.name.as_str()))]);
    let namespace = run.namespace.iter();
    fields.extend(namespace.map(|name| ("namespace".to_owned(), Value::from(name.as_str()))));
    if let Step::Score(shard) = step {
        fields.insert("shard".to_owned(), shard.into());
    }
    fields
}

/// Whether the run writes nothing more after this step: it is the last one, or the plan has failed for good.
fn ends_run(step: Step, code: u8) -> bool {
    match step {
        Step::Plan => code == run_pod::REFUSED,
        Step::Score(_) => false,
        Step::Collect => code == run_pod::DONE,
    }
}

async fn coordinate(context: &Context, step: Step) -> Result<Outcome, StepError> {
    if matches!(step, Step::Plan) {
        let sharding = context.run.spec.sharding;
        let summary = steps::plan(context, |sensors| sharding.sensors_per_shard(sensors)).await?;
        return Ok(done(run_pod::DONE, &summary));
    }
    let report = steps::collect(context).await?;
    Ok(done(run_pod::DONE, &steps::totals(context, &report)))
}

/// Reads and checks the run in a file.
pub fn read_run(file: &Path) -> Result<Run, StepError> {
    let invalid = |reason: String| StepError::Manifest {
        file: file.display().to_string(),
        reason,
    };
    let bytes = std::fs::read(file).map_err(|error| invalid(error.to_string()))?;
    let manifest = Manifest::from_json(&bytes).map_err(|error| invalid(error.to_string()))?;
    Ok(Run::check(manifest)?)
}

fn open(args: &PodArgs) -> Result<Context, StepError> {
    let run = read_run(&args.run)?;
    let defaults = Limits::default();
    let limits = Limits {
        memory: args.memory_mib as usize * 1024 * 1024,
        threads: args.threads.unwrap_or(defaults.threads).max(1),
        ..defaults
    };
    let options = StorageOptions {
        concurrency: limits.requests,
        files: limits.files(),
        retry_timeout: Duration::from_secs(args.retry_seconds),
        ..StorageOptions::default()
    };
    let storage = Storage::new(&run.spec.storage, options)?;
    let progress = Arc::new(Progress::default());
    let place = run.place(&storage, None, Times::default());
    Ok(Context {
        run: Arc::new(run),
        storage,
        place,
        limits,
        compute: Compute::new(&limits),
        progress,
        kept: None,
        stop: CancellationToken::new(),
    })
}

/// Cancels `stop` at the first SIGTERM or SIGINT.
fn stop_on_signals(stop: CancellationToken) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::warn!("asked to stop: no further sensor is taken");
        stop.cancel();
    })
}

fn done(code: u8, summary: &impl Serialize) -> Outcome {
    let message = serde_json::to_value(summary).unwrap_or(Value::Null);
    Outcome { code, message }
}

fn failed(error: &StepError) -> Outcome {
    tracing::error!(reason = error.reason(), "{error}");
    Outcome {
        code: error.exit_code(),
        message: json!({ "reason": error.reason(), "message": error.to_string() }),
    }
}

/// Writes the message where Kubernetes looks for it. Outside a pod there is no such place.
fn write_termination(path: &Path, message: &Value) {
    if path.exists()
        && let Err(error) = std::fs::write(path, shortened(message))
    {
        tracing::warn!("{} cannot be written: {error}", path.display());
    }
}

/// The message as JSON that Kubernetes keeps whole. A long text in it is cut.
fn shortened(message: &Value) -> String {
    let mut json = message.to_string();
    let text = message["message"].as_str().unwrap_or_default();
    let mut kept = text.chars().count().min(TERMINATION_BYTES);
    // A character may take up to six bytes in JSON.
    while json.len() > TERMINATION_BYTES && kept > 0 {
        kept = kept * 3 / 4;
        let text: String = text.chars().take(kept).chain("...".chars()).collect();
        json = json!({ "reason": message["reason"], "message": text }).to_string();
    }
    json
}
