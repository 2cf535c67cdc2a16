//! Everything that is written but the status: children are created or deleted, Jobs suspended, let go on or given more pods. A child is
//! never written again once it exists.

use fleetscore_crds::Step;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, PropagationPolicy};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::build::{self, GENERATION_ANNOTATION, WIDENED_ANNOTATION};
use super::decide::Change;
use super::job_view::JobView;
use super::snapshot::RunSnapshot;
use crate::api::{
    FIELD_MANAGER, code_of, create, delete, gone_is_fine, is_controlled_by, is_no_dry_run,
    rehearse, status_of,
};
use crate::config::Config;
use crate::controller::{Refusal, refusal_of};

/// The reason for what the pod template makes wrong for good.
const INVALID: &str = "InvalidPodTemplate";

/// Writes the children of a run.
pub struct ChildWriter<'a> {
    client: &'a Client,
    config: &'a Config,
    run: &'a RunSnapshot,
}

impl<'a> ChildWriter<'a> {
    /// Writes for `run`.
    pub fn new(client: &'a Client, config: &'a Config, run: &'a RunSnapshot) -> Self {
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
    pub async fn apply(&self, changes: &[Change]) -> Result<Option<Refusal>, kube::Error> {
        if changes.contains(&Change::Create(Step::Plan)) {
            let refusal = self.rehearse().await?;
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        // What all of the new Jobs' pods read.
        if let Some(step) = changes.iter().find_map(created) {
            let refusal = self.ensure_config_map(step).await?;
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        for change in changes {
            let refusal = match change {
                Change::Create(step) => {
                    self.create(&build::job(self.config, self.run, *step, None))
                        .await?
                }
                Change::CreatePart(part, plan) => {
                    let score = Some((part, *plan));
                    self.create(&build::job(self.config, self.run, Step::Score, score))
                        .await?
                }
                _ => {
                    self.change(change).await?;
                    None
                }
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
            _ => refusal_of(error, Some(INVALID)).map(Some),
        }
    }

    async fn create(&self, job: &Value) -> Result<Option<Refusal>, kube::Error> {
        match self.post::<Job>(job).await {
            Ok(_) => Ok(None),
            Err(error) if code_of(&error) == Some(409) => self.adopt::<Job>(name_of(job)).await,
            Err(error) => refusal_of(error, Some(INVALID)).map(Some),
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
        if code_of(&error) != Some(409) {
            return refusal_of(error, None).map(Some);
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

    fn owns(&self, child: &impl Resource) -> bool {
        is_controlled_by(child, &self.run.uid)
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

    /// Does what is no creation.
    async fn change(&self, change: &Change) -> Result<(), kube::Error> {
        match change {
            Change::Create(_) | Change::CreatePart(..) => Ok(()),
            Change::Suspend(job) => self.set_suspended(job, true).await,
            Change::Resume(job) => self.set_suspended(job, false).await,
            Change::Widen(job, parallelism) => self.widen(job, *parallelism).await,
            Change::Delete(job) => self.delete_job(job).await,
            Change::DeleteConfigMap => self.delete_config_map().await,
        }
    }

    async fn set_suspended(&self, job: &JobView, suspended: bool) -> Result<(), kube::Error> {
        let patch = json!({"metadata": {"uid": job.uid}, "spec": {"suspend": suspended}});
        self.patch_job(job, patch).await
    }

    async fn widen(&self, job: &JobView, parallelism: u32) -> Result<(), kube::Error> {
        let over = job.over().to_string();
        let patch = json!({
            "metadata": {"uid": job.uid, "annotations": {WIDENED_ANNOTATION: over}},
            "spec": {"parallelism": parallelism},
        });
        self.patch_job(job, patch).await
    }

    /// Changes a Job. With the UID in `patch`, a Job of the same name that has come since is left alone.
    async fn patch_job(&self, job: &JobView, patch: Value) -> Result<(), kube::Error> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let (api, patch) = (self.api::<Job>(), Patch::Merge(patch));
        gone_is_fine(api.patch(&job.name, &params, &patch).await)
    }

    async fn delete_job(&self, job: &JobView) -> Result<(), kube::Error> {
        // Kueue knows a Job by its name: it takes the Workload of the one before for that of a Job that follows at once, and then
        // never lets that go on. So a Job of its stays until its Workload is gone.
        let propagation = if job.queued {
            PropagationPolicy::Foreground
        } else {
            PropagationPolicy::Background
        };
        self.delete::<Job>((&job.name, &job.uid), Some(propagation))
            .await
    }

    async fn delete_config_map(&self) -> Result<(), kube::Error> {
        let name = build::config_map_name(&self.run.name);
        let found = self.api::<ConfigMap>().get_opt(&name).await?;
        let uid = found
            .filter(|found| self.owns(found))
            .and_then(|found| found.metadata.uid);
        match uid {
            Some(uid) => self.delete::<ConfigMap>((&name, &uid), None).await,
            None => Ok(()),
        }
    }

    async fn delete<K>(
        &self,
        child: (&str, &str),
        propagation: Option<PropagationPolicy>,
    ) -> Result<(), kube::Error>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        delete::<K>(self.client, &self.run.namespace, child, propagation).await
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.run.namespace)
    }
}

/// The step of the Job that an change creates.
fn created(change: &Change) -> Option<Step> {
    match change {
        Change::Create(step) => Some(*step),
        Change::CreatePart(..) => Some(Step::Score),
        _ => None,
    }
}

fn name_of(job: &Value) -> &str {
    job["metadata"]["name"].as_str().unwrap_or_default()
}

fn conflict(kind: &str, name: &str) -> Refusal {
    Refusal::name_conflict(kind, name, "run")
}

#[cfg(test)]
mod tests;
