//! Everything that is written but the status: children are created or deleted, Jobs suspended, let go on or given more pods. A child is
//! never written again once it exists.

use fleetscore_crds::Step;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::core::Status;
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::build::{self, GENERATION_ANNOTATION, WIDENED_ANNOTATION};
use super::decide::Action;
use super::job_view::JobView;
use super::subject::Subject;
use super::trouble::TroubleKind;
use crate::api::{FIELD_MANAGER, Verdict, create, is_no_dry_run, rehearse, status_of, verdict};
use crate::config::Config;

/// The API server refused to create a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whether it is for good.
    pub kind: TroubleKind,
    /// In one word.
    pub reason: String,
    /// In the API server's words.
    pub message: String,
}

/// Writes the children of a run.
pub struct Applier<'a> {
    client: &'a Client,
    config: &'a Config,
    run: &'a Subject,
}

impl<'a> Applier<'a> {
    /// Writes for `run`.
    pub fn new(client: &'a Client, config: &'a Config, run: &'a Subject) -> Self {
        Self {
            client,
            config,
            run,
        }
    }

    /// Does what was decided, in order, up to the first refusal.
    ///
    /// # Errors
    ///
    /// What the API server answers, where it is no answer to a creation.
    pub async fn apply(&self, actions: &[Action]) -> Result<Option<Refusal>, kube::Error> {
        if actions.contains(&Action::Create(Step::Plan)) {
            let refusal = self.rehearse().await?;
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        // What all of the new Jobs' pods read.
        if let Some(step) = actions.iter().find_map(created) {
            let refusal = self.ensure_config_map(step).await?;
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        for action in actions {
            let refusal = match action {
                Action::Create(step) => {
                    self.create(&build::job(self.config, self.run, *step, None))
                        .await?
                }
                Action::CreatePart(part, plan) => {
                    let score = Some((part, *plan));
                    self.create(&build::job(self.config, self.run, Step::Score, score))
                        .await?
                }
                Action::Suspend(job) => self.set_suspended(job, true).await?,
                Action::Resume(job) => self.set_suspended(job, false).await?,
                Action::Widen(job, parallelism) => self.widen(job, *parallelism).await?,
                Action::Delete(job) => self.delete_job(job).await?,
                Action::DeleteConfigMap => self.delete_config_map().await?,
            };
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        Ok(None)
    }

    /// Asks whether a score Job would be let in, before the plan is made for nothing.
    async fn rehearse(&self) -> Result<Option<Refusal>, kube::Error> {
        let job = build::sample(self.config, self.run);
        let asked = rehearse::<Job>(self.client, &self.run.namespace, &job).await;
        let Err(error) = asked else { return Ok(None) };
        match status_of(&error) {
            Some(status) if status.code == 409 => self.adopt::<Job>(name_of(&job)).await,
            Some(status) if is_no_dry_run(status) => Ok(None),
            Some(status) => Ok(Some(refusal_of(status, true).ok_or(error)?)),
            None => Err(error),
        }
    }

    async fn create(&self, job: &Value) -> Result<Option<Refusal>, kube::Error> {
        match self.post::<Job>(job).await {
            Ok(_) => Ok(None),
            Err(error) => match status_of(&error) {
                Some(status) if status.code == 409 => self.adopt::<Job>(name_of(job)).await,
                Some(status) => Ok(Some(refusal_of(status, true).ok_or(error)?)),
                None => Err(error),
            },
        }
    }

    /// The `ConfigMap` that the pods of `step` read. One that an earlier spec was planned with is made anew.
    async fn ensure_config_map(&self, step: Step) -> Result<Option<Refusal>, kube::Error> {
        let (map, name) = (
            build::config_map(self.run),
            build::config_map_name(&self.run.name),
        );
        let Err(error) = self.post::<ConfigMap>(&map).await else {
            return Ok(None);
        };
        match status_of(&error) {
            Some(status) if status.code == 409 => {}
            Some(status) => return Ok(Some(refusal_of(status, false).ok_or(error)?)),
            None => return Err(error),
        }
        let Some(found) = self.api::<ConfigMap>().get_opt(&name).await? else {
            return Err(error);
        };
        if !self.owns(&found) {
            return Ok(Some(conflict("ConfigMap", &name)));
        }
        let generation = found
            .metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(GENERATION_ANNOTATION));
        if step == Step::Plan && generation != Some(&self.run.generation.to_string()) {
            self.delete_config_map().await?;
            self.post::<ConfigMap>(&map).await?;
        }
        Ok(None)
    }

    /// A child that exists already is as good as created, if it is the run's own.
    async fn adopt<K>(&self, name: &str) -> Result<Option<Refusal>, kube::Error>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let found = self.api::<K>().get_opt(name).await?;
        let foreign = found.is_some_and(|found| !self.owns(&found));
        Ok(foreign.then(|| conflict(&K::kind(&()), name)))
    }

    fn owns<K: Resource>(&self, child: &K) -> bool {
        child
            .owner_references()
            .iter()
            .any(|owner| owner.uid == self.run.uid && owner.controller == Some(true))
    }

    async fn post<K>(&self, object: &Value) -> Result<K, kube::Error>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        create(self.client, &self.run.namespace, object).await
    }

    async fn set_suspended(
        &self,
        job: &JobView,
        suspended: bool,
    ) -> Result<Option<Refusal>, kube::Error> {
        let patch = json!({"metadata": {"uid": job.uid}, "spec": {"suspend": suspended}});
        self.patch_job(job, patch).await
    }

    async fn widen(&self, job: &JobView, parallelism: u32) -> Result<Option<Refusal>, kube::Error> {
        let over = job.over().to_string();
        let patch = json!({
            "metadata": {"uid": job.uid, "annotations": {WIDENED_ANNOTATION: over}},
            "spec": {"parallelism": parallelism},
        });
        self.patch_job(job, patch).await
    }

    /// Changes a Job. With the UID in `patch`, a Job of the same name that has come since is left alone.
    async fn patch_job(&self, job: &JobView, patch: Value) -> Result<Option<Refusal>, kube::Error> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        gone_is_fine(
            self.api::<Job>()
                .patch(&job.name, &params, &Patch::Merge(patch))
                .await
                .map(|_| ()),
        )
    }

    async fn delete_job(&self, job: &JobView) -> Result<Option<Refusal>, kube::Error> {
        // Kueue knows a Job by its name: it takes the Workload of the one before for that of a Job that follows at once, and then
        // never lets that go on. So a Job of its stays until its Workload is gone.
        let propagation = if job.queued {
            PropagationPolicy::Foreground
        } else {
            PropagationPolicy::Background
        };
        let params = DeleteParams {
            propagation_policy: Some(propagation),
            preconditions: Some(Preconditions {
                uid: Some(job.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        gone_is_fine(
            self.api::<Job>()
                .delete(&job.name, &params)
                .await
                .map(|_| ()),
        )
    }

    async fn delete_config_map(&self) -> Result<Option<Refusal>, kube::Error> {
        let api = self.api::<ConfigMap>();
        let name = build::config_map_name(&self.run.name);
        let Some(found) = api.get_opt(&name).await?.filter(|found| self.owns(found)) else {
            return Ok(None);
        };
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: found.metadata.uid,
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        gone_is_fine(api.delete(&name, &params).await.map(|_| ()))
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.run.namespace)
    }
}

/// The step of the Job that an action creates.
fn created(action: &Action) -> Option<Step> {
    match action {
        Action::Create(step) => Some(*step),
        Action::CreatePart(..) => Some(Step::Score),
        _ => None,
    }
}

/// A refusal to create something: told in the run's status. None where the server was only busy.
fn refusal_of(status: &Status, templated: bool) -> Option<Refusal> {
    let (kind, reason) = match verdict(status) {
        Verdict::Busy => return None,
        Verdict::Invalid if templated => (TroubleKind::Invalid, "InvalidPodTemplate".to_owned()),
        Verdict::Invalid => (TroubleKind::Refused, status.reason.clone()),
        Verdict::Refused(reason) => (TroubleKind::Refused, reason),
    };
    Some(Refusal {
        kind,
        reason,
        message: status.message.clone(),
    })
}

fn name_of(job: &Value) -> &str {
    job["metadata"]["name"].as_str().unwrap_or_default()
}

fn conflict(kind: &str, name: &str) -> Refusal {
    Refusal {
        kind: TroubleKind::Refused,
        reason: "NameConflict".to_owned(),
        message: format!(
            "a {kind} {name} exists that does not belong to this run; remove it, or name the run otherwise"
        ),
    }
}

/// Another object, or none, is where the Job was: nothing is left to do.
fn gone_is_fine(result: Result<(), kube::Error>) -> Result<Option<Refusal>, kube::Error> {
    match result {
        Err(error) if status_of(&error).is_some_and(|status| matches!(status.code, 404 | 409)) => {
            Ok(None)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
