//! Everything that is written but the status: runs are created or deleted, never changed.

use fleetscore_crds::{ScoringRun, ScoringSchedule};
use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PropagationPolicy};
use kube::core::ObjectMeta;

use super::decide::{Creation, ScheduleDecision};
use super::outcome::{Outcome, Results};
use super::snapshot::ScheduleSnapshot;
use super::{ScheduleReconciler, build};
use crate::api::{code_of, create, delete};
use crate::children::Children;
use crate::children::{Child, OwningSchedule};
use crate::controller::{PassError, Refusal, refusal_of};
use crate::metrics::Metrics;
use crate::stored::Stored;

/// The reason for what the template of runs makes wrong for good.
const INVALID: &str = "InvalidRunTemplate";

/// Writes the runs of a schedule.
pub struct RunWriter<'a> {
    client: &'a Client,
    metrics: &'a Metrics,
    children: &'a Children,
    schedule: &'a ScheduleSnapshot,
}

impl<'a> RunWriter<'a> {
    /// Writes for `schedule`.
    pub fn new(context: &'a ScheduleReconciler, schedule: &'a ScheduleSnapshot) -> Self {
        Self {
            client: &context.tools.client,
            metrics: &context.tools.metrics,
            children: &context.children,
            schedule,
        }
    }

    /// Deletes what is replaced and creates what is asked for, in order, up to the first refusal.
    ///
    /// # Errors
    ///
    /// A schedule that has changed since it was seen; what the API server answers, where it is no answer to a creation.
    pub async fn apply(
        &self,
        timetable: &Timetable,
        decision: &ScheduleDecision,
    ) -> Result<Results, PassError> {
        let mut results = Results::default();
        self.check().await?;
        self.delete(&decision.replaced)
            .await
            .map_err(PassError::Write)?;
        for creation in &decision.creations {
            let created = self.create(timetable, creation).await;
            match created.map_err(PassError::Write)? {
                Ok(outcome) => results.runs.insert(creation.name.clone(), outcome),
                Err(refusal) => {
                    results.refusal = Some(refusal);
                    break;
                }
            };
        }
        Ok(results)
    }

    /// Deletes runs, unless others have taken their place.
    ///
    /// # Errors
    ///
    /// What the API server answers.
    pub async fn delete(&self, runs: &[Child]) -> Result<(), kube::Error> {
        for run in runs {
            tracing::info!(run = run.name, "deleting");
            let (namespace, named) = (&self.schedule.namespace, (&*run.name, &*run.uid));
            let propagation = Some(PropagationPolicy::Background);
            delete::<Stored<ScoringRun>>(self.client, namespace, named, propagation).await?;
        }
        Ok(())
    }

    /// The schedule must be what the decision was made from: from a cache that is behind, ticks would run that were edited away, or
    /// that had their runs so long ago that these are deleted by now.
    async fn check(&self) -> Result<(), PassError> {
        let schedules: Api<ScoringSchedule> =
            Api::namespaced(self.client.clone(), &self.schedule.namespace);
        let found = schedules.get_metadata_opt(&self.schedule.name).await;
        let found = found.map_err(PassError::Write)?;
        let version = found.and_then(|found| found.metadata.resource_version);
        if version.is_some() && version == self.schedule.resource_version {
            Ok(())
        } else {
            Err(PassError::Outdated)
        }
    }

    async fn create(
        &self,
        timetable: &Timetable,
        creation: &Creation,
    ) -> Result<Result<Outcome, Refusal>, kube::Error> {
        let run = build::run(self.schedule, timetable, creation);
        match create::<Stored<ScoringRun>>(self.client, &self.schedule.namespace, &run).await {
            Ok(run) => {
                self.children.expect(&run);
                let late = creation.due.map(|due| Timestamp::now().duration_since(due));
                self.metrics.run_created(
                    creation.cause.word(),
                    late.map(|late| late.as_secs_f64().max(0.0)),
                );
                tracing::info!(
                    run = creation.name,
                    cause = creation.cause.word(),
                    "created"
                );
                Ok(Ok(Outcome::Created))
            }
            Err(error) if code_of(&error) == Some(409) => self.adopt(&creation.name, error).await,
            Err(error) => refusal_of(error, Some(INVALID)).map(Err),
        }
    }

    /// A run that exists already is as good as created, if it is the schedule's own.
    async fn adopt(
        &self,
        name: &str,
        error: kube::Error,
    ) -> Result<Result<Outcome, Refusal>, kube::Error> {
        let found = self.runs().get_metadata_opt(name).await?;
        match found {
            Some(found) => Ok(standing(self.schedule, name, &found.metadata)),
            None => Err(error),
        }
    }

    fn runs(&self) -> Api<Stored<ScoringRun>> {
        Api::namespaced(self.client.clone(), &self.schedule.namespace)
    }
}

/// Whose a run is that has the name of one of the schedule's.
fn standing(
    schedule: &ScheduleSnapshot,
    name: &str,
    found: &ObjectMeta,
) -> Result<Outcome, Refusal> {
    let owner = OwningSchedule::of(found);
    match owner {
        Some(owner) if owner.uid == schedule.uid => Ok(Outcome::Present),
        // It goes away with the schedule that it belonged to.
        Some(owner) if owner.name == schedule.name => Err(leaving(name)),
        _ if found.deletion_timestamp.is_some() => Err(leaving(name)),
        _ => Ok(Outcome::Conflict),
    }
}

fn leaving(name: &str) -> Refusal {
    Refusal {
        invalid: false,
        reason: "NameConflict".to_owned(),
        message: format!("a ScoringRun {name} of an earlier schedule is still being deleted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::testing::snapshot;
    use serde_json::json;

    #[test]
    fn a_run_of_the_same_name_is_ours_or_in_the_way() {
        let found = |owner: serde_json::Value, deleted: Option<&str>| {
            let meta = serde_json::from_value(json!({
                "namespace": "plant", "ownerReferences": [owner], "deletionTimestamp": deleted,
            }));
            let standing = standing(&snapshot(), "pumps-1", &meta.unwrap());
            standing.map_err(|refusal| refusal.reason)
        };
        let schedule = |name: &str, uid: &str| json!({"apiVersion": "v", "kind": "ScoringSchedule", "name": name, "uid": uid, "controller": true});
        let leaving = Err("NameConflict".to_owned());
        assert_eq!(found(schedule("pumps", "uid"), None), Ok(Outcome::Present));
        assert_eq!(found(schedule("pumps", "old"), None), leaving);
        assert_eq!(found(schedule("p", "old"), None), Ok(Outcome::Conflict));
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "pumps", "uid": "uid", "controller": true});
        assert_eq!(found(job.clone(), None), Ok(Outcome::Conflict));
        assert_eq!(found(job, Some("2026-01-01T00:00:00Z")), leaving);
    }
}
