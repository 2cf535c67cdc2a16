//! The second step: scores the sensors of one shard.
//!
//! The models of the shard are read first. Sensors whose readings are in the same place form a group; each group is read in
//! one pass, whose rows go to the sensors they belong to (`group`). A sensor's predictions grow in memory and move to an
//! upload when all of them together pass the bound (`job`, `buffers`). The ledger is written last.

mod buffers;
mod finite;
mod group;
mod job;
mod ledger;
mod load;
mod segments;
mod stale;
mod tally;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use self::buffers::Buffers;
use self::group::Group;
use self::job::Job;
use super::plan::{read_header, read_plan};
use super::{Context, Progress, StepError};
use crate::ledger::{Failure, FailureReason, LedgerEntry, SensorState};

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
    /// Whether storage refused the credentials for a sensor.
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
            } => 143,
            Self { denied: true, .. } => 64,
            Self {
                temporary: true, ..
            } => 75,
            Self { failed: 0, .. } => 0,
            _ => 10,
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
    let start = Instant::now();
    let header = read_header(context).await?;
    if u64::from(shard) >= header.shards() {
        let shards = header.shards();
        let reason = format!("there is no shard {shard}: the plan has {shards}, counted from 0");
        return Err(StepError::Sensors {
            url: context.run.output.join(crate::outputs::PLAN)?.to_string(),
            reason,
        });
    }
    let entries = read_plan(context, &header, shard).await?;
    tracing::info!(shard, sensors = entries.len(), "scoring");
    let bytes_before = Progress::get(&context.progress.bytes);
    let buffers = Arc::new(Buffers::new(context.limits.memory / 4));
    context
        .progress
        .sensors
        .fetch_max(header.sensors, Ordering::Relaxed);
    let jobs = load::load(context, &buffers, entries).await;
    score_groups(context, &jobs, &buffers).await?;
    stale::remove(context, &jobs).await;
    let entries: Vec<LedgerEntry> = jobs.iter().map(|job| lock(job).ledger_entry()).collect();
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
        denied: failed_with(&[FailureReason::AccessDenied]),
        temporary: failed_with(&[
            FailureReason::StorageUnavailable,
            FailureReason::OutputUnwritable,
        ]),
        failed_fast: false,
    }
}

/// Works on every group of sensors that share a location, several groups at a time.
async fn score_groups(
    context: &Context,
    jobs: &Jobs,
    buffers: &Arc<Buffers>,
) -> Result<(), StepError> {
    let threads = context.limits.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = Arc::new(pool.map_err(|error| StepError::Internal(error.to_string()))?);
    let groups = group_by_location(context, jobs);
    let at_once = groups.len().clamp(1, threads * 2);
    let read_memory = context.limits.memory / 4 / at_once;
    let one_pass = groups.len() == 1;
    let work = groups.into_iter().map(|(location, members)| {
        let group = Group {
            context: context.clone(),
            location,
            members,
            jobs: Arc::clone(jobs),
            pool: Arc::clone(&pool),
            buffers: Arc::clone(buffers),
            memory: read_memory,
            one_pass,
        };
        async move {
            if !group.context.is_stopped() {
                group.score().await;
            }
        }
    });
    stream::iter(work)
        .buffer_unordered(at_once)
        .collect::<Vec<()>>()
        .await;
    Ok(())
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
