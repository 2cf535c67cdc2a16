//! What to do next. Pure: the run, what was seen and the time go in, a decision comes out.
//!
//! Everything is derived anew from the objects. What must not be forgotten when objects go away is in the run's status, and a
//! change that others rest on (planned, collecting, ended) is written there first: its consequences follow in the next pass.

use fleetscore_crds::{Phase, Step, Totals};
use jiff::{SignedDuration, Timestamp};

use super::build::{Part, job_name, parts};
use super::job_view::{JobView, Outcome};
use super::observe::{Observed, PodResult};
use super::subject::{Plan, Subject};
use super::trouble::{Trouble, TroubleKind};

/// What to do, and what the run has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Where the run stands.
    pub stage: Stage,
    /// What to write, in this order.
    pub actions: Vec<Action>,
    /// What keeps it from going on.
    pub trouble: Option<Trouble>,
    /// Look again at this time at the latest.
    pub again: Option<Timestamp>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// It is being deleted, or had ended before.
    Settled,
    /// Stopped by `suspend`.
    Suspended,
    /// The plan is being made.
    Planning,
    /// The plan is made.
    Planned(Plan),
    /// Sensors are being scored.
    Scoring(Plan),
    /// The report is being made; why scoring was stopped, where it was.
    Collecting(Plan, Option<Cause>),
    /// It ends now.
    Ended(Ending),
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// `Succeeded`, `PartiallySucceeded` or `Failed`.
    pub phase: Phase,
    /// Why, where it failed.
    pub cause: Option<Cause>,
    /// What the report says, where there is one.
    pub totals: Option<Totals>,
}

/// Why a run failed or stopped scoring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// In one word.
    pub reason: String,
    /// In a sentence.
    pub message: String,
}

/// Something to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Create the Job of plan or collect, once the `ConfigMap` is there.
    Create(Step),
    /// Create a score Job, once the `ConfigMap` is there.
    CreatePart(Part, Plan),
    /// Stop a Job's pods.
    Suspend(JobView),
    /// Let a Job go on.
    Resume(JobView),
    /// Delete a Job and its pods.
    Delete(JobView),
    /// Delete the `ConfigMap`.
    DeleteConfigMap,
}

/// Decides what to do with `run` at `now`.
pub fn decide(run: &Subject, seen: &Observed, now: Timestamp) -> Decision {
    let mut decision = if run.deleting {
        settled(Vec::new())
    } else if run.has_ended() {
        tidy(run, seen, now)
    } else if run.spec.suspend {
        suspend(run, seen)
    } else {
        match run.plan() {
            None => planning(run, seen, now),
            Some(plan) => Scoring {
                run,
                seen,
                now,
                plan,
            }
            .decide(),
        }
    };
    let times = [
        decision.again,
        deadline_ahead(run, &decision, now),
        pending_ahead(run, &decision, now),
    ];
    decision.again = times.into_iter().flatten().min();
    decision
}

/// The deadline, while it has not passed. A passed one has had its effect.
fn deadline_ahead(run: &Subject, decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    let waits = matches!(decision.stage, Stage::Planning | Stage::Scoring(_));
    run.deadline().filter(|deadline| waits && *deadline > now)
}

fn pending_ahead(run: &Subject, decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    let until = run.pending_until(decision.trouble.as_ref()?.since);
    until.filter(|until| *until > now)
}

fn settled(actions: Vec<Action>) -> Decision {
    Decision {
        stage: Stage::Settled,
        actions,
        trouble: None,
        again: None,
    }
}

fn stage(stage: Stage, actions: Vec<Action>) -> Decision {
    Decision {
        stage,
        actions,
        trouble: None,
        again: None,
    }
}

fn fail(reason: &str, message: impl Into<String>) -> Decision {
    failed(Cause {
        reason: reason.to_owned(),
        message: message.into(),
    })
}

fn failed(cause: Cause) -> Decision {
    let ending = Ending {
        phase: Phase::Failed,
        cause: Some(cause),
        totals: None,
    };
    stage(Stage::Ended(ending), Vec::new())
}

/// An ended run's Jobs: what still runs is stopped, and all go when their time has come.
fn tidy(run: &Subject, seen: &Observed, now: Timestamp) -> Decision {
    let present = || seen.jobs.iter().filter(|job| !job.deleting);
    let remove_at = run.remove_at();
    if remove_at.is_some_and(|time| time <= now) {
        let jobs: Vec<_> = present().cloned().map(Action::Delete).collect();
        let map = (!jobs.is_empty()).then_some(Action::DeleteConfigMap);
        return settled(map.into_iter().chain(jobs).collect());
    }
    let running = present().filter(|job| !job.has_ended());
    let mut decision = settled(running.cloned().map(Action::Delete).collect());
    decision.again = remove_at.filter(|_| !seen.jobs.is_empty());
    decision
}

fn suspend(run: &Subject, seen: &Observed) -> Decision {
    let actions = seen.jobs.iter().filter_map(|job| halt(run, job)).collect();
    stage(Stage::Suspended, actions)
}

/// How an unfinished Job is stopped. Kueue would let a suspended Job go on, so a queued one is deleted.
fn halt(run: &Subject, job: &JobView) -> Option<Action> {
    if job.has_ended() || job.deleting {
        None
    } else if is_kueues(run, job) {
        Some(Action::Delete(job.clone()))
    } else {
        (!job.suspended).then(|| Action::Suspend(job.clone()))
    }
}

/// A suspended Job goes on, unless it is Kueue's to say.
fn resume(run: &Subject, job: &JobView) -> Option<Action> {
    (job.suspended && !job.has_ended() && !job.deleting && !is_kueues(run, job))
        .then(|| Action::Resume(job.clone()))
}

fn is_kueues(run: &Subject, job: &JobView) -> bool {
    run.is_queued() || job.queued
}

fn planning(run: &Subject, seen: &Observed, now: Timestamp) -> Decision {
    let job = seen.job(&job_name(&run.name, Step::Plan, 0));
    match job.map(|job| (job, &job.outcome)) {
        Some((job, _)) if job.deleting => stage(Stage::Planning, Vec::new()),
        // The spec was changed while it was being planned.
        Some((job, _)) if job.generation != Some(run.generation) => {
            stage(Stage::Planning, vec![Action::Delete(job.clone())])
        }
        Some((job, Some(Outcome::Complete))) => match seen.told::<Plan>(&job.name) {
            Some(plan) => match plan.defect(run) {
                None => stage(Stage::Planned(plan), Vec::new()),
                Some(defect) => fail("PlanImplausible", defect),
            },
            None if is_worth_repeating(run, seen, job, now) => {
                stage(Stage::Planning, vec![Action::Delete(job.clone())])
            }
            None => fail("PlanResultLost", lost("plan", &job.name)),
        },
        Some((job, Some(Outcome::Failed { .. }))) => failed(cause_of(seen, job)),
        _ if overdue(run, now) => failed(deadline_exceeded(run)),
        unfinished => {
            let (trouble, hopeless) = hindrance(run, seen, now);
            if let Some(cause) = hopeless {
                return failed(cause);
            }
            let actions = match unfinished {
                Some((job, _)) => resume(run, job),
                None => Some(Action::Create(Step::Plan)),
            };
            Decision {
                trouble,
                ..stage(Stage::Planning, actions.into_iter().collect())
            }
        }
    }
}

/// What a planned run is decided from.
struct Scoring<'a> {
    run: &'a Subject,
    seen: &'a Observed,
    now: Timestamp,
    plan: Plan,
}

impl Scoring<'_> {
    fn decide(&self) -> Decision {
        let parts = parts(self.plan.pods, self.run.spec.sharding.parallelism);
        let jobs: Vec<_> = parts
            .all
            .iter()
            .map(|part| {
                self.seen
                    .job(&job_name(&self.run.name, Step::Score, part.index))
            })
            .collect();
        let all_ended = jobs
            .iter()
            .all(|job| job.is_some_and(|job| job.has_ended() && !job.deleting));
        let collecting = self.run.status.phase == Phase::Collecting;
        let (trouble, hopeless) = hindrance(self.run, self.seen, self.now);
        let stopped = self.stopped(all_ended);
        if all_ended || collecting || stopped.is_some() {
            return self.collect(stopped, trouble, hopeless);
        }
        if let Some(cause) = hopeless {
            return self.give_up(cause);
        }
        let actions = self.score(&parts.all, &jobs, parts.lanes);
        Decision {
            trouble,
            ..stage(Stage::Scoring(self.plan), actions)
        }
    }

    /// Score Jobs to create and to let go on, so that `lanes` of them are at work.
    fn score(&self, parts: &[Part], jobs: &[Option<&JobView>], lanes: u32) -> Vec<Action> {
        let mut free = usize::try_from(lanes).unwrap_or(usize::MAX);
        let mut actions = Vec::new();
        for (part, job) in parts.iter().zip(jobs) {
            if free == 0 {
                break;
            }
            match job {
                Some(job) if job.has_ended() && !job.deleting => continue,
                Some(job) => actions.extend(resume(self.run, job)),
                None => actions.push(Action::CreatePart(*part, self.plan)),
            }
            free -= 1;
        }
        actions
    }

    /// Why scoring is over before its end, as the objects and the time say; written in the status where they no longer do.
    fn stopped(&self, all_ended: bool) -> Option<Cause> {
        if let Some(job) = self.refused() {
            return Some(cause_of(self.seen, job));
        }
        if self.run.spec.failure_policy.fail_fast && self.failed_pods() > self.limit() {
            return Some(self.too_many());
        }
        if overdue(self.run, self.now) && !all_ended {
            return Some(deadline_exceeded(self.run));
        }
        let stalled = self.run.status.conditions.iter().find(|found| {
            found.kind == "Stalled" && found.status == fleetscore_crds::ConditionStatus::True
        });
        stalled
            .filter(|_| self.run.status.phase == Phase::Collecting)
            .map(|found| Cause {
                reason: found.reason.clone(),
                message: found.message.clone(),
            })
    }

    /// Pods cannot start. What was scored before is still reported.
    fn give_up(&self, cause: Cause) -> Decision {
        if self.has_scored() {
            stage(Stage::Collecting(self.plan, Some(cause)), Vec::new())
        } else {
            failed(cause)
        }
    }

    fn collect(
        &self,
        stopped: Option<Cause>,
        trouble: Option<Trouble>,
        hopeless: Option<Cause>,
    ) -> Decision {
        if let Some(cause) = stopped.clone().filter(|_| !self.has_scored()) {
            return failed(cause);
        }
        let halting: Vec<_> = self
            .score_jobs()
            .filter_map(|job| halt(self.run, job))
            .collect();
        let stopping = !halting.is_empty()
            || self
                .score_jobs()
                .any(|job| !job.has_ended() && job.active > 0);
        let here = |actions| stage(Stage::Collecting(self.plan, stopped.clone()), actions);
        let job = self.seen.job(&job_name(&self.run.name, Step::Collect, 0));
        match job.map(|job| (job, &job.outcome)) {
            Some((job, _)) if job.deleting => here(Vec::new()),
            Some((job, Some(Outcome::Complete))) => match self.seen.told::<Totals>(&job.name) {
                Some(totals) => match totals.defect(self.plan.sensors) {
                    None => self.end(stopped, totals),
                    Some(defect) => fail("ReportImplausible", implausible(&job.name, &defect)),
                },
                None if is_worth_repeating(self.run, self.seen, job, self.now) => {
                    here(vec![Action::Delete(job.clone())])
                }
                None => fail("ReportResultLost", lost("report", &job.name)),
            },
            Some((job, Some(Outcome::Failed { .. }))) => {
                failed(stopped.unwrap_or_else(|| cause_of(self.seen, job)))
            }
            _ if stopping => here(halting),
            unfinished => {
                if let Some(cause) = hopeless {
                    return failed(cause);
                }
                let action = match unfinished {
                    Some((job, _)) => resume(self.run, job),
                    None => Some(Action::Create(Step::Collect)),
                };
                Decision {
                    trouble,
                    ..here(action.into_iter().collect())
                }
            }
        }
    }

    /// The report is there: it says how the run ends, as `_SUCCESS` does beside it.
    fn end(&self, stopped: Option<Cause>, totals: Totals) -> Decision {
        let failed = totals.phase == Phase::Failed;
        let cause = failed.then(|| {
            stopped.unwrap_or_else(|| too_many(totals.failed, totals.sensors, self.limit()))
        });
        let ending = Ending {
            phase: totals.phase,
            cause,
            totals: Some(totals),
        };
        stage(Stage::Ended(ending), Vec::new())
    }

    fn score_jobs(&self) -> impl Iterator<Item = &JobView> {
        self.seen.jobs.iter().filter(|job| job.step == Step::Score)
    }

    /// The score Jobs that stay. The pods of one on its way out are being stopped, which may count as failures.
    fn staying(&self) -> impl Iterator<Item = &JobView> {
        self.score_jobs().filter(|job| !job.deleting)
    }

    /// The score Job that a pod failed because nothing can succeed.
    fn refused(&self) -> Option<&JobView> {
        self.staying().find(|job| job.is_refused())
    }

    fn has_scored(&self) -> bool {
        // A run without sensors has a report, too; and once it is being made, the score Jobs may be gone.
        self.plan.pods == 0
            || self.run.status.phase == Phase::Collecting
            || self
                .score_jobs()
                .any(|job| job.succeeded > 0 || job.failed_indexes > 0)
    }

    fn failed_pods(&self) -> u64 {
        self.staying()
            .map(|job| u64::from(job.failed_indexes))
            .sum()
    }

    fn limit(&self) -> u64 {
        self.run
            .spec
            .failure_policy
            .max_failed_sensors
            .of(self.plan.sensors)
    }

    fn too_many(&self) -> Cause {
        too_many(self.failed_pods(), self.plan.sensors, self.limit())
    }
}

fn too_many(failed: u64, sensors: u64, limit: u64) -> Cause {
    Cause {
        reason: "TooManyFailedSensors".to_owned(),
        message: format!(
            "{failed} of {sensors} sensors failed; failurePolicy.maxFailedSensors allows {limit}"
        ),
    }
}

fn overdue(run: &Subject, now: Timestamp) -> bool {
    run.deadline().is_some_and(|deadline| deadline <= now)
}

fn deadline_exceeded(run: &Subject) -> Cause {
    let seconds = run.spec.active_deadline_seconds.unwrap_or_default();
    Cause {
        reason: "DeadlineExceeded".to_owned(),
        message: format!("not finished after activeDeadlineSeconds ({seconds} s)"),
    }
}

/// Whether a Job of plan or collect is made again: it is complete, but its pod was gone before its message was read. Done again, the
/// step writes the same. A message that is there but makes no sense would be the same again, too.
fn is_worth_repeating(run: &Subject, seen: &Observed, job: &JobView, now: Timestamp) -> bool {
    !seen.results.contains_key(&job.name) && !overdue(run, now)
}

fn lost(what: &str, job: &str) -> String {
    format!(
        "the pod of the Job {job} is gone before the {what}'s result was read; create the run again"
    )
}

fn implausible(job: &str, defect: &str) -> String {
    format!(
        "the result that the pod of the Job {job} tells cannot be: {defect}; is its image the scorer's, of the operator's release?"
    )
}

/// Why a Job failed: in its pod's words, or else the Job controller's.
fn cause_of(seen: &Observed, job: &JobView) -> Cause {
    match (seen.results.get(&job.name), &job.outcome) {
        (
            Some(PodResult {
                reason, message, ..
            }),
            _,
        ) => Cause {
            reason: reason.clone(),
            message: message.clone(),
        },
        (None, Some(Outcome::Failed { reason, message })) => Cause {
            reason: reason.clone(),
            message: format!("Job {}: {message}", job.name),
        },
        (None, _) => Cause {
            reason: "JobFailed".to_owned(),
            message: job.name.clone(),
        },
    }
}

/// What keeps the run from going on, and the cause to fail it for, once it has lasted too long.
fn hindrance(run: &Subject, seen: &Observed, now: Timestamp) -> (Option<Trouble>, Option<Cause>) {
    let Some(trouble) = seen.trouble.clone() else {
        return (None, None);
    };
    // While other pods run, a full cluster only makes it slower.
    let slow =
        trouble.kind == TroubleKind::Unschedulable && seen.jobs.iter().any(|job| job.ready > 0);
    let late = !slow
        && run
            .pending_until(trouble.since)
            .is_some_and(|until| until <= now);
    let cause = (trouble.kind == TroubleKind::Invalid || late).then(|| {
        let seconds = now.duration_since(trouble.since).as_secs().max(0);
        let message = match trouble.kind {
            TroubleKind::Invalid => trouble.message.clone(),
            _ => format!(
                "{} (for {seconds} s; pendingTimeoutSeconds is {})",
                trouble.message, run.spec.pending_timeout_seconds
            ),
        };
        Cause {
            reason: trouble.reason.clone(),
            message,
        }
    });
    (Some(trouble), cause)
}

/// How far ahead `again` is, for the work queue.
pub fn wait(again: Option<Timestamp>, now: Timestamp) -> Option<std::time::Duration> {
    let ahead = again?
        .duration_since(now)
        .max(SignedDuration::from_millis(100));
    std::time::Duration::try_from(ahead).ok()
}

#[cfg(test)]
mod tests;
