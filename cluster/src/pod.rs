use fleetscore_crds::contract::run_pod::{PART_LABEL, RUN_LABEL, SHARDS_PER_JOB, STEP_LABEL};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStatus, PodCondition, PodStatus, ResourceRequirements,
};
use kube::core::ObjectMeta;
use serde::Deserialize;

use crate::request::Seen;

const INDEX_LABEL: &str = "batch.kubernetes.io/job-completion-index";
const JOB_LABEL: &str = "batch.kubernetes.io/job-name";

/// What is read of a pod. The rest, which is most of it, is skipped.
#[derive(Clone, Debug, Deserialize)]
pub struct Pod {
    /// Name, labels, times.
    pub metadata: ObjectMeta,
    /// Where it runs and what it asks for.
    #[serde(default)]
    pub spec: PodSpec,
    /// How it does.
    #[serde(default)]
    pub status: PodStatus,
}

/// What is read of a pod's spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec {
    /// Its machine.
    pub node_name: Option<String>,
    /// Its containers.
    #[serde(default)]
    pub containers: Vec<Container>,
    /// Those that prepare it, or go on beside the others.
    #[serde(default)]
    pub init_containers: Vec<Container>,
}

/// What is read of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// `Always`, where it prepares nothing and goes on beside the others.
    pub restart_policy: Option<String>,
    /// What it asks for.
    #[serde(default)]
    pub resources: ResourceRequirements,
}

impl Seen for Pod {
    type Kind = k8s_openapi::api::core::v1::Pod;
}

impl Pod {
    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(name).map(String::as_str)
    }

    /// Its run.
    pub fn run(&self) -> Option<&str> {
        self.label(RUN_LABEL)
    }

    /// Its step: `plan`, `score` or `collect`.
    pub fn step(&self) -> Option<&str> {
        self.label(STEP_LABEL)
    }

    /// Its Job.
    pub fn job(&self) -> Option<&str> {
        self.label(JOB_LABEL)
    }

    /// The shard of the run that it scores, over all of its score Jobs.
    pub fn shard(&self) -> Option<u32> {
        let part: u32 = self.label(PART_LABEL).unwrap_or("0").parse().ok()?;
        let index: u32 = self.label(INDEX_LABEL)?.parse().ok()?;
        part.checked_mul(SHARDS_PER_JOB)?.checked_add(index)
    }

    /// When it was created.
    pub fn created(&self) -> Option<Timestamp> {
        self.metadata.creation_timestamp.as_ref().map(|time| time.0)
    }

    /// Kubernetes' word for where it is: `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub fn phase(&self) -> &str {
        self.status.phase.as_deref().unwrap_or("Unknown")
    }

    /// The condition of this type.
    pub fn condition(&self, kind: &str) -> Option<&PodCondition> {
        let conditions = self.status.conditions.iter().flatten();
        conditions.into_iter().find(|found| found.type_ == kind)
    }

    /// The states of its containers, those that prepare it or go on beside the others last: how a pod ended its own containers say.
    pub fn containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        let beside = self.status.init_container_statuses.iter().flatten();
        let own = self.status.container_statuses.iter().flatten();
        own.chain(beside)
    }

    /// The states that its containers are in.
    pub fn states(&self) -> impl Iterator<Item = &ContainerState> {
        self.containers().filter_map(|found| found.state.as_ref())
    }
}
