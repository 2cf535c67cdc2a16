//! The stream's children: what is written, never how. Pure.

mod config_map;
mod deployment;
mod pod;
mod services;

use fleetscore_crds::digest;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Resource;
use kube::core::ApiResource;
use serde_json::{Value, json};

use super::snapshot::StreamSnapshot;
use crate::config::Ingest;

pub use pod::CONTAINER;

/// The label that names a child's stream, and by which a stream's pods are found.
pub const STREAM_LABEL: &str = "scoring.fleetscore.io/stream";

/// A child as it is to be.
#[derive(Clone, Debug)]
pub struct ChildObject {
    /// Its kind.
    pub resource: ApiResource,
    /// What of it is the operator's.
    pub object: Value,
}

impl ChildObject {
    fn of<K: Resource<DynamicType = ()>>(mut object: Value) -> Self {
        let resource = ApiResource::erase::<K>(&());
        object["apiVersion"] = json!(resource.api_version);
        object["kind"] = json!(resource.kind);
        Self { resource, object }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// The stream's children, in the order in which they are written: the Deployment last, since pods need the others. `replicas` is how many
/// pods there are to be.
pub fn children(ingest: &Ingest, stream: &StreamSnapshot, replicas: u32) -> Vec<ChildObject> {
    let file = config_map::file(stream);
    let map = config_map::config_map(stream, &file);
    let deployment = deployment::deployment(ingest, stream, &file, replicas);
    let policy = ingest.network_policy.as_ref();
    let policy = policy.map(|policy| services::network_policy(policy, stream));
    [ChildObject::of::<ConfigMap>(map)]
        .into_iter()
        .chain(policy.map(ChildObject::of::<NetworkPolicy>))
        .chain([
            ChildObject::of::<Service>(services::service(stream)),
            ChildObject::of::<PodDisruptionBudget>(services::budget(stream)),
            ChildObject::of::<Deployment>(deployment),
        ])
        .collect()
}

/// What tells these children from others.
pub fn digest_of(children: &[ChildObject]) -> String {
    let objects: Vec<_> = children.iter().map(|child| &child.object).collect();
    digest(&json!(objects).to_string())
}

/// The name of all children but the `ConfigMap`. A stream's name has at most 39 characters: with this, a template's hash and their own
/// five letters its pods' names have at most 63.
pub fn child_name(stream: &str) -> String {
    format!("{stream}-ingest")
}

/// How an autoscaler asks for the stream's pods.
pub fn selector(stream: &str) -> String {
    format!("{STREAM_LABEL}={stream}")
}

/// The labels by which the stream's pods are told.
fn own_labels(stream: &StreamSnapshot) -> Value {
    json!({STREAM_LABEL: stream.name})
}

fn metadata(stream: &StreamSnapshot, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": stream.namespace,
        "labels": labels(stream),
        "ownerReferences": [stream.owner()],
    })
}

fn labels(stream: &StreamSnapshot) -> Value {
    json!({
        STREAM_LABEL: stream.name,
        "app.kubernetes.io/name": "fleetscore",
        "app.kubernetes.io/instance": stream.name,
        "app.kubernetes.io/component": CONTAINER,
        "app.kubernetes.io/managed-by": "fleetscore-operator",
    })
}

#[cfg(test)]
mod tests;
