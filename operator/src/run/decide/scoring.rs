//! What to do next with a run that is planned: score, then collect.

use fleetscore_crds::{Phase, Step, Totals};
use jiff::Timestamp;

use super::{
    Change, EndCause, Ending, RunDecision, Stage, cause_of, deadline_exceeded, fail, failed, halt,
    hindrance, implausible, is_kueues, is_worth_repeating, lost, overdue, resume, stage, too_many,
};
use crate::run::build::{Part, job_name, parts};
use crate::run::job_view::{JobOutcome, JobView};
use crate::run::observe::Observed;
use crate::run::snapshot::{Plan, RunSnapshot};
use crate::run::trouble::{Trouble, TroubleKind};

/// Decides what to do with a run at `now` that is planned like this.
pub(super) fn decide(
    run: &RunSnapshot,
    seen: &Observed,
    now: Timestamp,
    plan: Plan,
) -> RunDecision {
    Scoring {
        run,
        seen,
        now,
        plan,
    }
    .decide()
}

/// What a planned run is decided from.
struct Scoring<'a> {
    run: &'a RunSnapshot,
    seen: &'a Observed,
    now: Timestamp,
    plan: Plan,
}

impl Scoring<'_> {
    fn decide(&self) -> RunDecision {
        let parts = parts(self.plan.pods, self.run.spec.sharding.parallelism);
        let jobs: Vec<_> = parts
            .all
            .iter()
            .map(|part| {
                self.seen
                    .job(&job_name(&self.run.name, Step::Score, part.index))
            })
            .collect();
        let all_ended = jobs.iter().all(|job| job.is_some_and(JobView::is_done));
        let (trouble, hopeless) = hindrance(self.run, self.seen, self.now);
        let stopped = self.stopped(all_ended);
        if all_ended || self.run.scored().is_some() || stopped.is_some() {
            return self.collect(all_ended, stopped, trouble, hopeless);
        }
        let mut changes = self.score(&parts.all, &jobs, parts.lanes);
        if let Some(cause) = hopeless {
            changes = self.widen(&parts.all, &jobs);
            if changes.is_empty() {
                return self.give_up(cause);
            }
        }
        RunDecision {
            trouble,
            ..stage(Stage::Scoring(self.plan), changes)
        }
    }

    /// Score Jobs to create and to let go on, so that `lanes` of them are at work.
    fn score(&self, parts: &[Part], jobs: &[Option<&JobView>], lanes: u32) -> Vec<Change> {
        let mut free = usize::try_from(lanes).unwrap_or(usize::MAX);
        let mut changes = Vec::new();
        for (part, job) in parts.iter().zip(jobs) {
            if free == 0 {
                break;
            }
            match job {
                Some(job) if job.has_ended() && !job.deleting => continue,
                Some(job) => changes.extend(resume(self.run, job)),
                None => changes.push(Change::CreatePart(*part, self.plan)),
            }
            free -= 1;
        }
        changes
    }

    /// Jobs whose pods have all not started in time get more beside them, for shards that have not had their turn. Each does so again
    /// only after another shard has ended: where none of the new ones starts either, the trouble is not that of a few pods.
    fn widen(&self, parts: &[Part], jobs: &[Option<&JobView>]) -> Vec<Change> {
        let of_pods = self.seen.trouble.as_ref().is_some_and(|trouble| {
            matches!(trouble.kind, TroubleKind::Starting | TroubleKind::Blocked)
        });
        let wider = |(part, job): (&Part, Option<&JobView>)| {
            // Kueue stops a Job that asks for more than it was admitted with.
            let job = job.filter(|job| {
                !job.has_ended() && !job.deleting && !job.suspended && !is_kueues(self.run, job)
            })?;
            let left = job
                .completions
                .saturating_sub(job.over().saturating_add(job.active));
            let parallelism = job.active + part.parallelism.min(left);
            let is_worth_it = job.over() > job.widened.unwrap_or(0) && job.active > 0;
            (is_worth_it && left > 0 && parallelism > job.parallelism)
                .then(|| Change::Widen(job.clone(), parallelism))
        };
        let all = parts.iter().zip(jobs.iter().copied()).filter_map(wider);
        all.filter(|_| of_pods).collect()
    }

    /// Why scoring is over before its end: as the objects and the time say, or, once it is over, as the status remembers.
    fn stopped(&self, all_ended: bool) -> Option<EndCause> {
        if let Some(job) = self.refused() {
            return Some(cause_of(self.seen, job));
        }
        if let Some(scored) = self.run.scored() {
            let by_itself = matches!(scored.reason.as_str(), "Scored" | "Collecting");
            return (!by_itself).then(|| EndCause {
                reason: scored.reason.clone(),
                message: scored.message.clone(),
            });
        }
        if self.run.spec.failure_policy.fail_fast && self.failed_pods() > self.limit() {
            return Some(self.too_many());
        }
        (overdue(self.run, self.now) && !all_ended).then(|| deadline_exceeded(self.run))
    }

    /// Pods cannot start. What was scored before is still reported.
    fn give_up(&self, cause: EndCause) -> RunDecision {
        if self.has_scored() {
            stage(Stage::Collecting(self.plan, Some(cause)), Vec::new())
        } else {
            failed(cause)
        }
    }

    fn collect(
        &self,
        all_ended: bool,
        stopped: Option<EndCause>,
        trouble: Option<Trouble>,
        hopeless: Option<EndCause>,
    ) -> RunDecision {
        if let Some(cause) = stopped.clone().filter(|_| !self.has_scored()) {
            return failed(cause);
        }
        let halting: Vec<_> = self
            .score_jobs()
            .filter_map(|job| halt(self.run, job))
            .collect();
        let here = |changes| stage(Stage::Collecting(self.plan, stopped.clone()), changes);
        let job = self.seen.job(&job_name(&self.run.name, Step::Collect, 0));
        match job.map(|job| (job, &job.outcome)) {
            Some((job, _)) if job.deleting => here(Vec::new()),
            Some((job, Some(JobOutcome::Complete))) => match self.seen.told::<Totals>(&job.name) {
                Some(totals) => match totals.defect(self.plan.sensors) {
                    None => self.end(stopped, totals),
                    Some(defect) => fail("ReportImplausible", implausible(&job.name, &defect)),
                },
                None if is_worth_repeating(self.run, self.seen, job, self.now) => {
                    here(vec![Change::Delete(job.clone())])
                }
                None => fail("ReportResultLost", lost("report", &job.name)),
            },
            Some((job, Some(JobOutcome::Failed { .. }))) => {
                failed(stopped.unwrap_or_else(|| cause_of(self.seen, job)))
            }
            _ if !halting.is_empty() => here(halting),
            None if !all_ended && !self.pods_have_ended() => RunDecision {
                trouble,
                ..here(Vec::new())
            },
            unfinished => {
                if let Some(cause) = hopeless {
                    return failed(cause);
                }
                let change = match unfinished {
                    Some((job, _)) => resume(self.run, job),
                    None => Some(Change::Create(Step::Collect)),
                };
                RunDecision {
                    trouble,
                    ..here(change.into_iter().collect())
                }
            }
        }
    }

    /// Whether no score pod writes any more, as the Jobs say and the pods themselves.
    fn pods_have_ended(&self) -> bool {
        let may_write = |job: &JobView| {
            job.deleting || job.terminating > 0 || (!job.has_ended() && job.active > 0)
        };
        !self.score_jobs().any(may_write) && self.seen.unended == Some(0)
    }

    /// The report is there: it says how the run ends, as `_SUCCESS` does beside it.
    fn end(&self, stopped: Option<EndCause>, totals: Totals) -> RunDecision {
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
            || self.run.scored().is_some()
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

    fn too_many(&self) -> EndCause {
        too_many(self.failed_pods(), self.plan.sensors, self.limit())
    }
}
