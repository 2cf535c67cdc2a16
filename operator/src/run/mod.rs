//! The controller of `ScoringRun`s: plan, score and collect, each a Job, and their outcome in the run's status.
//!
//! `observe` reads, `decide`, `build`, `status` and `events` are pure, `apply` writes. [`RunReconciler::pass`] alone calls them, in that order.
//!
//! The number of calls to the API server does not grow with a run's number of pods: Jobs come from one watch, pods are looked at a
//! few at a time and ever more rarely, and mere progress is written at most twice a minute or in twentieths of the whole.

mod apply;
mod build;
mod controller;
mod decide;
mod events;
mod job_view;
mod look;
mod memory;
mod observe;
mod place;
mod places;
mod pod_view;
mod record;
mod sample;
mod snapshot;
mod status;
#[cfg(test)]
mod testing;
mod trace;
mod trouble;
mod usage;

use std::time::Duration;

use fleetscore_crds::{Phase, ScoringRun, ScoringRunStatus, Step};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use kube::runtime::controller::Action;
use kube::runtime::reflector::Store;

use crate::config::Config;
use crate::controller::{AFTER_REFUSAL, Filled, PassError, Reconciler, Tools, after, look_again};
use crate::published::Published;

pub use build::SHARDS_PER_JOB;
pub use controller::run;
pub use places::Places;
pub(crate) use pod_view::cannot_start;
pub use sample::{RunSample, sample};

use apply::ChildWriter;
use decide::{RunDecision, decide};
use job_view::JobView;
use memory::{Memories, Memory};
use observe::{Awaited, Observed, Observer, Question, is_waited_for, questions};
use places::Claim;
use snapshot::RunSnapshot;
use trouble::{Trouble, TroubleKind};

/// What all passes share.
pub struct RunReconciler {
    tools: Tools,
    config: Config,
    jobs: Store<Job>,
    jobs_filled: Filled,
    memories: Memories,
    places: Places,
    published: Published,
}

impl Reconciler for RunReconciler {
    type Object = ScoringRun;
    type Snapshot = RunSnapshot;

    const DEBOUNCE: Duration = Duration::from_millis(200);
    const CONCURRENCY: u16 = 16;

    fn tools(&self) -> &Tools {
        &self.tools
    }

    fn snapshot(run: &ScoringRun) -> Option<RunSnapshot> {
        RunSnapshot::of(run)
    }

    /// One pass over one run.
    ///
    /// 1. `observe` (cache, client): the run, its Jobs, and what [`questions`] asks of a few pods.
    /// 2. `decide` (pure).
    /// 3. `apply` (client): creates, suspends, deletes. A refusal is decided on at once.
    /// 4. `status` (pure): what the run has come to.
    /// 5. write the status (client): one server-side apply of that version of the object which step 1 saw, if it is worth it.
    /// 6. events and metrics (client), once the status stands.
    #[tracing::instrument(skip_all, fields(namespace = snapshot.namespace, run = snapshot.name))]
    async fn pass(&self, run: &ScoringRun, snapshot: &RunSnapshot) -> Result<Action, PassError> {
        self.tools.rush.over().await;
        let now = Timestamp::now();
        let mut memory = self.memories.get(&snapshot.uid);
        let mut seen = observe(snapshot, self, &mut memory, now).await?;
        if let Some(barred) = barred(&self.config, snapshot, now) {
            (seen.trouble, seen.owner) = (Some(barred), None);
        }
        let mut decision = decide(snapshot, &seen, now);
        if !decision.changes.is_empty() {
            tracing::info!(actions = %names(&decision), "writing");
        }
        let refusal = ChildWriter::new(&self.tools.client, &self.config, snapshot)
            .apply(&decision.changes)
            .await
            .map_err(PassError::Write)?;
        memory.refuse(refusal, now);
        let refused = refused(&memory);
        if refused.is_some() {
            seen.trouble = refused;
            decision = RunDecision {
                changes: Vec::new(),
                ..decide(snapshot, &seen, now)
            };
        }
        let mut new = status::status(snapshot, &seen, &decision, now);
        if matches!(decision.stage, decide::Stage::Ended(_)) {
            new.usage = usage::usage(&self.config, snapshot, &seen.jobs, now);
        }
        if new.phase == Phase::Collecting && snapshot.status.phase != Phase::Collecting {
            memory.look_soon();
        }
        let is_worth_it = status::is_worth_writing(&snapshot.status, &new, memory.written, now);
        // Where it is gone, there is nothing to tell.
        let written = is_worth_it && self.tools.write_status(run, &new).await?;
        if written {
            memory.written = Some(now);
            memory.came_to(new.phase, now);
            record::record(run, snapshot, &seen, &new, &self.tools, now).await;
            record::traced(run, snapshot, &new, memory.phases(), &self.tools);
        }
        let waited_for = is_waited_for(snapshot, &seen.jobs, now);
        let again = again(&memory, &decision, &snapshot.status, &new, written)
            .into_iter()
            .chain(memory.next_look().filter(|_| waited_for))
            .min();
        if snapshot.has_ended() {
            self.memories.forget(&snapshot.uid);
        } else {
            self.memories.put(&snapshot.uid, memory);
        }
        Ok(look_again(again, now, Duration::ZERO))
    }

    fn forget(&self, is_known: &dyn Fn(&str) -> bool) {
        self.memories.retain(is_known);
        self.places.forget();
    }
}

async fn observe(
    snapshot: &RunSnapshot,
    context: &RunReconciler,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<Observed, PassError> {
    // The watches are independent: before the Jobs are listed, a run would seem to have none.
    let mut filled = context.jobs_filled.clone();
    filled
        .wait_for(|filled| *filled)
        .await
        .map_err(|_| PassError::Stopping("Jobs"))?;
    let owned = |job: &Job| job.namespace().as_deref() == Some(&snapshot.namespace);
    let mut jobs: Vec<_> = context
        .jobs
        .state_filter(owned)
        .iter()
        .filter_map(|job| JobView::of(job, &snapshot.uid))
        .collect();
    jobs.sort_by(|one, other| one.name.cmp(&other.name));
    memory.note(&jobs, now);
    if !is_waited_for(snapshot, &jobs, now) {
        memory.goes_on();
    }
    let mut seen = Observed {
        owner: owner(snapshot, &jobs, context, now)?,
        jobs,
        moved: memory.moved,
        awaited: awaited(snapshot, &context.published),
        ..Observed::default()
    };
    let observer = Observer::new(&context.tools.client, snapshot);
    for question in questions(snapshot, &seen.jobs, memory.may_look(now), now) {
        match question {
            Question::Result(job) => {
                let result = observer.result(&job).await.map_err(PassError::Read)?;
                seen.results.extend(result.map(|result| (job.name, result)));
            }
            Question::Pending(jobs) => {
                let found = observer
                    .waiting(&jobs, memory.moved, now)
                    .await
                    .map_err(PassError::Read)?;
                memory.looked(&found, now);
            }
            Question::Unended => {
                let (unended, found) = observer.unended(now).await.map_err(PassError::Read)?;
                seen.unended = Some(unended);
                memory.looked(&found, now);
            }
        }
    }
    seen.trouble = memory.trouble(now);
    Ok(seen)
}

/// The readings that the plan of a run waits for, as far as a stream of its namespace publishes them.
fn awaited(run: &RunSnapshot, published: &Published) -> Option<Awaited> {
    if run.plan().is_some() || run.has_ended() {
        return None;
    }
    let until = run.spec.window.as_ref()?.end;
    let progress = published.at(&run.namespace, &run.spec.input.location)?;
    let is_there = progress.through.is_some_and(|through| through >= until);
    (!is_there).then_some(Awaited { progress, until })
}

/// Why a run that is yet to be planned is given up at once, as trouble: it names storage that its namespace may not, or a worker without
/// its image.
fn barred(config: &Config, run: &RunSnapshot, now: Timestamp) -> Option<Trouble> {
    if run.plan().is_some() {
        return None;
    }
    let storage = config.storage.refusal(&run.namespace, &run.spec);
    let (reason, message) = storage
        .map(|message| ("StorageNotAllowed", message))
        .or_else(|| Some(("WorkerWithoutImage", without_image(config, run)?)))?;
    Some(Trouble {
        kind: TroubleKind::Invalid,
        reason: reason.to_owned(),
        message,
        since: now,
        certain: true,
    })
}

/// What to say of a run whose worker has no image.
fn without_image(config: &Config, run: &RunSnapshot) -> Option<String> {
    run.spec.model.worker.as_ref()?;
    let template = build::pod(config, run, Step::Score, None);
    build::lacks_image(&template).then(|| {
        "spec.model.worker.image is empty, and a pod has no Python of its own; name an image with Python 3.6 or newer, numpy and what the \
         models need"
            .to_owned()
    })
}

/// Whose the place is of a run that is to be planned; from here on it is the run's own where it is nobody's.
fn owner(
    run: &RunSnapshot,
    jobs: &[JobView],
    context: &RunReconciler,
    now: Timestamp,
) -> Result<Option<places::Occupant>, PassError> {
    let has_job = jobs.iter().any(|job| job.step == Step::Plan);
    let idle = run.deleting || run.has_ended() || run.spec.suspend;
    if idle || has_job || run.plan().is_some() {
        return Ok(None);
    }
    match context.places.claim(run, &context.config, now) {
        Claim::Granted => Ok(None),
        Claim::Owned(owner) => Ok(Some(owner)),
        Claim::Unknown => Err(PassError::Unlisted("runs")),
    }
}

/// What the API server refuses, as trouble.
fn refused(memory: &Memory) -> Option<Trouble> {
    let (refusal, since) = memory.refused.clone()?;
    let kind = if refusal.invalid {
        TroubleKind::Invalid
    } else {
        TroubleKind::Refused
    };
    Some(Trouble {
        kind,
        reason: refusal.reason,
        message: refusal.message,
        since,
        certain: true,
    })
}

/// When to look at the run again without anything having happened.
fn again(
    memory: &Memory,
    decision: &RunDecision,
    old: &ScoringRunStatus,
    new: &ScoringRunStatus,
    written: bool,
) -> Option<Timestamp> {
    let progress = (!written && old != new)
        .then(|| after(memory.written, status::PROGRESS_EVERY))
        .flatten();
    let refusal = memory
        .refused
        .as_ref()
        .filter(|(refusal, _)| !refusal.invalid);
    let retry = refusal.and_then(|_| after(Some(Timestamp::now()), AFTER_REFUSAL));
    let unsettled = !matches!(
        decision.stage,
        decide::Stage::Settled | decide::Stage::Suspended | decide::Stage::Ended(_)
    );
    let look = memory
        .next_look()
        .filter(|_| unsettled && memory.has_trouble());
    // The first look at a new Job's pods.
    let first = unsettled
        .then(|| after(Some(Timestamp::now()), SignedDuration::from_secs(3)))
        .flatten();
    let first = first.filter(|_| memory.next_look().is_none() && memory.refused.is_none());
    [decision.again, progress, retry, look, first]
        .into_iter()
        .flatten()
        .min()
}

fn names(decision: &RunDecision) -> String {
    let name = |change: &decide::Change| match change {
        decide::Change::Create(step) => format!("create {}", build::step_name(*step)),
        decide::Change::CreatePart(part, _) => format!("create score {}", part.index),
        decide::Change::Suspend(job) => format!("suspend {}", job.name),
        decide::Change::Resume(job) => format!("resume {}", job.name),
        decide::Change::Widen(job, pods) => format!("let {} have {pods} pods", job.name),
        decide::Change::Delete(job) => format!("delete {}", job.name),
        decide::Change::DeleteConfigMap => "delete ConfigMap".to_owned(),
    };
    decision
        .changes
        .iter()
        .map(name)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
