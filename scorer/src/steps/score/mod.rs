//! The second step: scores the sensors of one shard.
//!
//! The models of the shard are read first, many at a time; where they do not fit into memory, of as many sensors as do, and the
//! rest are scored afterwards (`budget`, `load`). Sensors whose readings are in the same place form a group; the readings of many
//! groups are fetched ahead (`fetch`), and each group is read in one pass, whose rows wait in queues (`queues`) and go to the sensors
//! they belong to (`group`). A sensor's predictions wait in memory, and on disk or in an upload when all of them together pass the
//! bound (`output`, `spool`, `buffers`). The ledger is written last.

mod budget;
mod buffers;
mod denied;
mod failures;
mod fetch;
mod finite;
mod group;
mod job;
mod ledger;
mod left_out;
mod load;
mod opened;
mod output;
mod python;
mod queues;
mod scratch;
mod spool;
mod stale;
mod tally;
mod waiting;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fleetscore_crds::contract::run_pod;
use fleetscore_crds::{Failure, FailureReason, PredictionFormat};
use fleetscore_readings::dataset::Segments;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use self::budget::Budget;
use self::buffers::Buffers;
use self::fetch::Ahead;
use self::group::{Group, Shared};
use self::job::Job;
use self::load::Loaded;
use super::plan::{PlanEntry, PlannedReadings, StoredPlan};
use super::{Context, Progress, StepError};
use crate::ledger::{LedgerEntry, SensorState, Warning, WarningReason};
use crate::worker::Workers;

/// The least that a group is given for its readings, where that is not all there is.
const GROUP_READINGS: usize = 8 << 20;

/// What became of one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts of one message"
)]
pub struct ShardSummary {
    /// The shard.
    pub shard: u32,
    /// Sensors in the shard.
    pub sensors: u64,
    /// Sensors that failed.
    pub failed: u64,
    /// Readings scored.
    pub rows: u64,
    /// Readings predicted as anomaly.
    pub anomalies: u64,
    /// Whether the shard was stopped before its last sensor.
    pub interrupted: bool,
    /// Whether storage refuses the credentials: for every sensor of the shard, and for others of the plan, too.
    pub denied: bool,
    /// Whether a sensor failed for a reason that may be gone at the next try.
    pub temporary: bool,
    /// Whether it was the failure policy that stopped the shard.
    pub failed_fast: bool,
}

impl ShardSummary {
    /// The exit code of the scorer's process, as the Job's failure policy expects it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self {
                interrupted: true,
                failed_fast: false,
                ..
            } => run_pod::STOPPED,
            Self { denied: true, .. } => run_pod::REFUSED,
            Self {
                temporary: true, ..
            } => run_pod::TRY_AGAIN,
            Self { failed: 0, .. } => run_pod::DONE,
            _ => run_pod::SENSORS_FAILED,
        }
    }
}

/// The sensors of a shard while they are worked on. Threads that share a pass lock one sensor each.
type Jobs = Arc<Vec<Mutex<Job>>>;

/// Scores shard `shard` of the plan and writes its ledger.
///
/// A sensor that fails leaves an entry in the ledger and does not stop the others; an error means that the shard as a whole
/// cannot be scored. When the step is stopped, the sensors not yet written are recorded as not scored.
pub async fn score(context: &Context, shard: u32) -> Result<ShardSummary, StepError> {
    match score_shard(context, shard).await {
        Err(error) => Err(error.explained(&context.place).await),
        done => done,
    }
}

async fn score_shard(context: &Context, shard: u32) -> Result<ShardSummary, StepError> {
    let start = Instant::now();
    let (joined, plan) = tokio::join!(context.place.join(), StoredPlan::open(context));
    joined?;
    let plan = plan?;
    if u64::from(shard) >= plan.header.shards() {
        let shards = plan.header.shards();
        let reason = format!("there is no shard {shard}: the plan has {shards}, counted from 0");
        return Err(StepError::Sensors {
            url: context.run.own_file(crate::outputs::PLAN)?.to_string(),
            reason,
        });
    }
    let entries = plan.shard(context, shard).await?;
    tracing::info!(shard, sensors = entries.len(), "scoring");
    let bytes_before = Progress::get(&context.progress.bytes);
    context
        .progress
        .sensors
        .fetch_max(plan.header.sensors, Ordering::Relaxed);
    let readings = plan.readings(context).await?;
    let entries = score_waves(context, entries, readings).await?;
    let interrupted = has_failure(&entries, &[FailureReason::NotScored]);
    let bytes_read = Progress::get(&context.progress.bytes) - bytes_before;
    ledger::write(
        context,
        shard,
        &entries,
        interrupted,
        start.elapsed(),
        bytes_read,
    )
    .await?;
    let summary = ShardSummary {
        denied: denied::is_everything_denied(context, &plan, shard, &entries).await?,
        failed_fast: interrupted && context.failed_fast(),
        ..summarize(shard, &entries)
    };
    tracing::info!(
        shard,
        sensors = summary.sensors,
        failed = summary.failed,
        rows = summary.rows,
        anomalies = summary.anomalies,
        interrupted,
        "scored"
    );
    Ok(summary)
}

/// Whether a sensor has failed for one of the reasons.
fn has_failure(entries: &[LedgerEntry], reasons: &[FailureReason]) -> bool {
    entries
        .iter()
        .filter_map(|entry| entry.error.as_ref())
        .any(|error| reasons.contains(&error.reason))
}

fn summarize(shard: u32, entries: &[LedgerEntry]) -> ShardSummary {
    let failed_with = |reasons: &[FailureReason]| has_failure(entries, reasons);
    ShardSummary {
        shard,
        sensors: entries.len() as u64,
        failed: entries
            .iter()
            .filter(|entry| entry.state == SensorState::Failed)
            .count() as u64,
        rows: entries.iter().map(|entry| entry.rows).sum(),
        anomalies: entries.iter().map(|entry| entry.anomalies).sum(),
        interrupted: failed_with(&[FailureReason::NotScored]),
        denied: false,
        temporary: failed_with(&[
            FailureReason::StorageUnavailable,
            FailureReason::OutputUnwritable,
        ]),
        failed_fast: false,
    }
}

/// Scores the sensors: all at once, or where their models do not fit into memory as many at a time as do.
async fn score_waves(
    context: &Context,
    entries: Vec<PlanEntry>,
    planned: PlannedReadings,
) -> Result<Vec<LedgerEntry>, StepError> {
    let budget = Budget::new(&context.limits, entries.len());
    let bound = context.limits.memory;
    if context.run.prediction_format == PredictionFormat::Parquet && bound < budget::PARQUET {
        tracing::warn!(
            "predictions in Parquet may take more memory than the bound of {} MiB; set it to {} MiB at least, or write CSV",
            budget::mib(bound),
            budget::mib(budget::PARQUET)
        );
    }
    let worker = context.run.spec.model.worker.as_ref();
    let workers =
        worker.map(|it| Arc::new(Workers::new(it, context.limits.threads, &context.stop)));
    let mut ledger = Vec::with_capacity(entries.len());
    let mut waiting = entries.into_iter();
    while waiting.len() > 0 {
        let loaded = load::load(context, &budget, &mut waiting).await;
        let all_at_once = ledger.is_empty() && waiting.len() == 0;
        if !all_at_once {
            tell_wave(&budget, &loaded, ledger.len(), waiting.len());
        }
        let (readings, predictions) = budget.rest(loaded.bytes);
        let folders = scratch_folders(context);
        let packed = context.run.prediction_format == PredictionFormat::Parquet;
        let sensors = loaded.models.len();
        let buffers = Arc::new(Buffers::new(predictions, sensors, packed, folders));
        let jobs = loaded.models.into_iter().map(|(entry, model)| {
            let mut job = Job::new(context, &buffers, entry, model);
            if let Some(incomplete) = &planned.incomplete {
                job.warn(Warning {
                    reason: WarningReason::ReadingsIncomplete,
                    message: incomplete.clone(),
                });
            }
            Mutex::new(job)
        });
        let wave = Wave {
            context,
            jobs: Arc::new(jobs.collect()),
            pool: context.compute.pool()?,
            buffers: &buffers,
            readings,
            segments: planned.segments.as_ref(),
            workers: workers.as_ref(),
            all_at_once,
        };
        wave.score().await;
        if let Some(problem) = workers.as_ref().and_then(|it| it.unusable()) {
            return Err(StepError::Python(problem.to_owned()));
        }
        // Another run's predictions may be where this one's were.
        if let Some(lost) = context.place.lost() {
            return Err(lost.into());
        }
        stale::remove(context, &wave.jobs).await?;
        ledger.extend(wave.jobs.iter().map(|job| lock(job).ledger_entry()));
    }
    if let Some(workers) = workers {
        workers.finish().await;
    }
    Ok(ledger)
}

fn tell_wave(budget: &Budget, loaded: &Loaded, before: usize, waiting: usize) {
    let now = loaded.models.len();
    let of_all = loaded.bytes / now.max(1) * (before + now + waiting);
    tracing::warn!(
        scored = before,
        now,
        waiting,
        "the models of all sensors do not fit into memory at the same time, so the readings are read more than once; with a bound of \
         about {} MiB they are read once",
        budget.needed(of_all)
    );
}

/// Folders for predictions that have no room in memory, the best first: where the environment says, beside the predictions, where
/// the system keeps large files, where it keeps small ones.
fn scratch_folders(context: &Context) -> Vec<PathBuf> {
    let told = std::env::var_os("TMPDIR").map(PathBuf::from);
    let beside = context.storage.local_file(&context.run.own);
    let system = [PathBuf::from("/var/tmp"), std::env::temp_dir()];
    told.into_iter().chain(beside).chain(system).collect()
}

/// Sensors that are worked on at the same time.
struct Wave<'a> {
    context: &'a Context,
    jobs: Jobs,
    pool: Arc<rayon::ThreadPool>,
    buffers: &'a Arc<Buffers>,
    /// Bytes of readings that may be in flight.
    readings: usize,
    /// The segments to read, where the readings are those of a stream.
    segments: Option<&'a Segments>,
    /// The Python processes, where a model may be theirs.
    workers: Option<&'a Arc<Workers>>,
    /// Whether there is no other.
    all_at_once: bool,
}

impl Wave<'_> {
    /// Works on every group of sensors that share a location. Requests to storage for many groups are in flight at a time, whatever
    /// the number of threads; as many are read as there are threads for, and memory.
    async fn score(&self) {
        let groups = group_by_location(self.context, &self.jobs);
        let requests = self.context.limits.requests.max(1);
        let ahead = self.readings / 4;
        let readings = self.readings - ahead;
        let most = self.pool.current_num_threads() * 2;
        let at_once = most
            .min(readings / GROUP_READINGS)
            .clamp(1, groups.len().max(1));
        let shared = Arc::new(Shared {
            pool: Arc::clone(&self.pool),
            buffers: Arc::clone(self.buffers),
            segments: self.segments.cloned(),
            ahead: Ahead::new(ahead, requests),
            turns: Semaphore::new(at_once),
            memory: readings / at_once,
            workers: self.workers.cloned(),
            many: groups.len() >= most,
            one_pass: self.all_at_once && groups.len() == 1,
        });
        let work = groups.into_iter().map(|(location, members)| {
            let group = Group {
                context: self.context.clone(),
                location,
                members,
                jobs: Arc::clone(&self.jobs),
                shared: Arc::clone(&shared),
            };
            async move {
                if !group.context.is_stopped() {
                    group.score().await;
                }
            }
        });
        // Of some groups the readings are fetched while the predictions of others are written.
        stream::iter(work)
            .buffer_unordered(requests * 2)
            .collect::<Vec<()>>()
            .await;
    }
}

/// The positions in the shard of the sensors that can be scored, by the URL of their readings.
fn group_by_location(context: &Context, jobs: &Jobs) -> BTreeMap<String, Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, job) in jobs.iter().enumerate() {
        let mut job = lock(job);
        if !job.is_open() {
            continue;
        }
        match context.run.input.expand(&job.entry.key) {
            Ok(location) => groups.entry(location).or_default().push(position),
            Err(error) => job.fail(
                &context.progress,
                Failure {
                    reason: FailureReason::KeyMissing,
                    message: error.to_string(),
                },
            ),
        }
    }
    groups
}

/// Locks a sensor. A thread that panicked while it held the lock has left the sensor without output, which the ledger shows.
fn lock(job: &Mutex<Job>) -> MutexGuard<'_, Job> {
    job.lock().unwrap_or_else(PoisonError::into_inner)
}
