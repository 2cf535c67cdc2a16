//! The runs, schedules and streams that are checked.

use std::collections::BTreeMap;

use fleetscore_cluster::{Run, Schedule, Seen, Selector};
use fleetscore_crds::{Phase, ScoringRunSpec};
use jiff::{SignedDuration, Timestamp};

use super::Ask;
use super::check::Findings;
use crate::commands::Result;
use crate::kubectl::exit;

/// The runs and schedules there.
#[derive(Default)]
pub struct Objects {
    /// Runs.
    pub runs: Vec<Run>,
    /// Schedules.
    pub schedules: Vec<Schedule>,
    /// Kinds that the API server does not know, by their plural names.
    pub absent: Vec<&'static str>,
}

impl Objects {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// An API server that does not answer.
    pub async fn read(ask: &Ask<'_>, findings: &mut Findings) -> Result<Self> {
        let mut objects = Self::default();
        let absent = &mut objects.absent;
        objects.runs = list(ask, "scoringruns", absent, findings).await?;
        objects.schedules = list(ask, "scoringschedules", absent, findings).await?;
        Ok(objects)
    }

    /// What schedules ask for, and runs of none that have not ended: namespace, the object in words, and its spec.
    pub fn specs(&self) -> Vec<(&str, String, &ScoringRunSpec)> {
        let schedules = self.schedules.iter().filter_map(|schedule| {
            let spec = &schedule.spec.as_ref().ok()?.run_template.spec;
            let name = format!("schedule {}", schedule.name());
            Some((schedule.namespace(), name, spec))
        });
        let alone =
            |run: &&Run| run.schedule().is_none() && !run.phase().is_some_and(Phase::is_end);
        let runs = self.runs.iter().filter(alone).filter_map(|run| {
            let name = format!("run {}", run.name());
            Some((run.namespace(), name, run.spec.as_ref().ok()?))
        });
        schedules.chain(runs).collect()
    }

    /// The newest run of each schedule, and runs of none that have ended within a day, as `status` shows them.
    pub fn last(&self, now: Timestamp) -> impl Iterator<Item = &Run> {
        let mut newest: BTreeMap<(&str, &str), &Run> = BTreeMap::new();
        for run in &self.runs {
            let Some(schedule) = run.schedule() else {
                continue;
            };
            let found = newest.entry((run.namespace(), schedule)).or_insert(run);
            if run.created() > found.created() {
                *found = run;
            }
        }
        let ended = |run: &Run| run.status.as_ref().ok()?.completion_time;
        let is_recent = move |run: &&Run| {
            ended(run)
                .is_some_and(|ended| now.duration_since(ended) < SignedDuration::from_hours(24))
        };
        let alone = self.runs.iter().filter(|run| run.schedule().is_none());
        newest.into_values().chain(alone.filter(is_recent))
    }
}

async fn list<T: Seen>(
    ask: &Ask<'_>,
    plural: &'static str,
    absent: &mut Vec<&'static str>,
    findings: &mut Findings,
) -> Result<Vec<T>> {
    match ask.cluster.list::<T>(ask.scope, &Selector::default()).await {
        Ok(found) => Ok(found.items),
        Err(error) if error.is_missing() => {
            absent.push(plural);
            Ok(Vec::new())
        }
        Err(error) if error.is_forbidden() => {
            findings.read::<()>("rights", plural, Err(error));
            Ok(Vec::new())
        }
        Err(error) => Err(exit::cluster(error)),
    }
}
