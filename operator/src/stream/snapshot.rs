use fleetscore_crds::contract::{run_pod, stream_pod};
use fleetscore_crds::{
    AzureAuth, Condition, EventHubAuth, ReadingStream, ReadingStreamSpec, ReadingStreamStatus,
    SaslMechanism,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;

use crate::controller::UNREADABLE;

/// A `ReadingStream` as the API server holds it, with what the API server always sets.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSnapshot {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its UID.
    pub uid: String,
    /// The generation of its spec.
    pub generation: i64,
    /// The version of the whole object, for optimistic locking.
    pub resource_version: Option<String>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What is asked for.
    pub spec: ReadingStreamSpec,
    /// What it has come to.
    pub status: ReadingStreamStatus,
}

impl StreamSnapshot {
    /// The snapshot, unless the object lacks what every stored object has.
    pub fn of(stream: &ReadingStream) -> Option<Self> {
        let meta = &stream.metadata;
        let mut status = stream.status.clone().unwrap_or_default();
        // It could not be read before, and now it can.
        let told = |condition: &Condition| condition.reason == UNREADABLE;
        status.conditions.retain(|condition| !told(condition));
        Some(Self {
            name: meta.name.clone()?,
            namespace: meta.namespace.clone()?,
            uid: meta.uid.clone()?,
            generation: meta.generation.unwrap_or(0),
            resource_version: meta.resource_version.clone(),
            deleting: meta.deletion_timestamp.is_some(),
            spec: stream.spec.clone(),
            status,
        })
    }

    /// What its pods call it: namespace and name.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The secrets that its pods read, each with the prefix of the variables that it becomes.
    pub fn secrets(&self) -> Vec<(&'static str, &str)> {
        let azure = self.spec.storage.azure.as_ref();
        let azure = azure.filter(|azure| azure.auth == AzureAuth::Secret);
        let hub = self.spec.source.event_hub.as_ref();
        let hub = hub.filter(|hub| hub.auth == EventHubAuth::Secret);
        let sasl = self.spec.source.kafka.as_ref();
        let sasl = sasl.and_then(|kafka| kafka.sasl.as_ref());
        [
            (
                run_pod::AZURE_SECRET,
                azure.and_then(|azure| azure.secret_ref.as_ref()),
            ),
            (
                stream_pod::EVENT_HUB_SECRET,
                hub.and_then(|hub| hub.secret_ref.as_ref()),
            ),
            (
                stream_pod::KAFKA_SECRET,
                sasl.and_then(|sasl| sasl.secret_ref.as_ref()),
            ),
        ]
        .into_iter()
        .filter_map(|(prefix, secret)| Some((prefix, secret?.name.as_str())))
        .collect()
    }

    /// Whether its pods sign in somewhere with a federated token.
    pub fn has_workload_identity(&self) -> bool {
        let azure = self.spec.storage.azure.as_ref();
        let hub = self.spec.source.event_hub.as_ref();
        let sasl = self.spec.source.kafka.as_ref();
        let sasl = sasl.and_then(|kafka| kafka.sasl.as_ref());
        azure.is_some_and(|azure| azure.auth == AzureAuth::WorkloadIdentity)
            || hub.is_some_and(|hub| hub.auth == EventHubAuth::WorkloadIdentity)
            || sasl.is_some_and(|sasl| sasl.mechanism == SaslMechanism::OAuthBearer)
    }

    /// The owner reference of its children.
    pub fn owner(&self) -> OwnerReference {
        OwnerReference {
            api_version: ReadingStream::api_version(&()).into_owned(),
            kind: ReadingStream::kind(&()).into_owned(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }
}
