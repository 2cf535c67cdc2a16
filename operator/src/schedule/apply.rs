//! Everything that is written but the status: runs are created or deleted, never changed.

use fleetscore_crds::{ScoringRun, ScoringSchedule};
use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, Preconditions, PropagationPolicy};
use kube::core::{ObjectMeta, Status};
use thiserror::Error;

use super::child::{Child, Owner};
use super::children::Children;
use super::decide::{Creation, Decision};
use super::outcome::{Outcome, Refusal, Results};
use super::subject::Subject;
use super::{Context, build};
use crate::api::{Verdict, create, status_of, verdict};
use crate::metrics::Metrics;
use crate::stored::Stored;

/// Why a decision could not be carried out.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The schedule is not what the decision was made from.
    #[error("the schedule was changed in between")]
    Outdated,
    /// What the API server answers.
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

/// Writes the runs of a schedule.
pub struct Applier<'a> {
    client: &'a Client,
    metrics: &'a Metrics,
    children: &'a Children,
    schedule: &'a Subject,
}

impl<'a> Applier<'a> {
    /// Writes for `schedule`.
    pub fn new(context: &'a Context, schedule: &'a Subject) -> Self {
        Self {
            client: &context.client,
            metrics: &context.metrics,
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
        decision: &Decision,
    ) -> Result<Results, ApplyError> {
        let mut results = Results::default();
        self.check().await?;
        self.delete(&decision.replaced).await?;
        for creation in &decision.creations {
            match self.create(timetable, creation).await? {
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
            let params = DeleteParams {
                propagation_policy: Some(PropagationPolicy::Background),
                preconditions: Some(Preconditions {
                    uid: Some(run.uid.clone()),
                    resource_version: None,
                }),
                ..DeleteParams::default()
            };
            match self.runs().delete(&run.name, &params).await {
                // Another run, or none, is where it was.
                Err(error) if matches!(code(&error), Some(404 | 409)) => {}
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// The schedule must be what the decision was made from: from a cache that is behind, ticks would run that were edited away, or
    /// that had their runs so long ago that these are deleted by now.
    async fn check(&self) -> Result<(), ApplyError> {
        let schedules: Api<ScoringSchedule> =
            Api::namespaced(self.client.clone(), &self.schedule.namespace);
        let found = schedules.get_metadata_opt(&self.schedule.name).await?;
        let version = found.and_then(|found| found.metadata.resource_version);
        if version.is_some() && version == self.schedule.resource_version {
            Ok(())
        } else {
            Err(ApplyError::Outdated)
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
            Err(error) if code(&error) == Some(409) => self.adopt(&creation.name, error).await,
            Err(error) => Ok(Err(status_of(&error).and_then(refusal_of).ok_or(error)?)),
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
fn standing(schedule: &Subject, name: &str, found: &ObjectMeta) -> Result<Outcome, Refusal> {
    let owner = Owner::of(found);
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

fn code(error: &kube::Error) -> Option<u16> {
    status_of(error).map(|status| status.code)
}

/// A refusal to create a run: told in the schedule's status. None where the server was only busy.
fn refusal_of(status: &Status) -> Option<Refusal> {
    let (invalid, reason) = match verdict(status) {
        Verdict::Busy => return None,
        Verdict::Invalid => (true, "InvalidRunTemplate".to_owned()),
        Verdict::Refused(reason) => (false, reason),
    };
    Some(Refusal {
        invalid,
        reason,
        message: status.message.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::testing::subject;
    use serde_json::json;

    #[test]
    fn a_run_of_the_same_name_is_ours_or_in_the_way() {
        let found = |owner: serde_json::Value, deleted: Option<&str>| {
            let meta = serde_json::from_value(json!({
                "namespace": "plant", "ownerReferences": [owner], "deletionTimestamp": deleted,
            }));
            let standing = standing(&subject(), "pumps-1", &meta.unwrap());
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

    #[test]
    fn refusals_are_for_good_or_for_now() {
        for (code, reason, message, expected) in [
            (
                422,
                "Invalid",
                "ScoringRun \"r\" is invalid: metadata.labels",
                Some((true, "InvalidRunTemplate")),
            ),
            (
                422,
                "Invalid",
                "x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no",
                Some((false, "Invalid")),
            ),
            (
                403,
                "Forbidden",
                "exceeded quota: q",
                Some((false, "Forbidden")),
            ),
            (
                404,
                "",
                "the server could not find the requested resource",
                Some((false, "CreateRefused")),
            ),
            (
                500,
                "InternalError",
                "failed calling webhook \"w\": no endpoints available",
                Some((false, "InternalError")),
            ),
            (429, "TooManyRequests", "", None),
            (500, "InternalError", "", None),
        ] {
            let status = Status {
                code,
                reason: reason.to_owned(),
                message: message.to_owned(),
                ..Status::default()
            };
            let found = refusal_of(&status);
            let found = found
                .as_ref()
                .map(|found| (found.invalid, found.reason.as_str()));
            assert_eq!(found, expected, "{message}");
        }
    }
}
