use std::sync::Arc;

use fleetscore_crds::API_VERSION;
use kube::api::{Api, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::events::{Event, Recorder, Reporter};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde_json::json;

use super::backoff::Errors;
use super::{PassError, Shared};
use crate::api::{FIELD_MANAGER, code_of};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::rush::Rush;
use crate::stored::{Stored, Versioned};
use crate::traces::RunTraces;

/// What every controller works with.
pub struct Tools {
    /// The client of the API server.
    pub client: Client,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who goes first when many schedules tick at once.
    pub rush: Arc<Rush>,
    /// Where the traces of runs go.
    pub traces: RunTraces,
    pub(super) health: Arc<Health>,
    pub(super) errors: Errors,
    recorder: Recorder,
}

impl Tools {
    /// The tools of one controller.
    pub fn new(shared: Shared) -> Self {
        let reporter = Reporter {
            controller: FIELD_MANAGER.to_owned(),
            instance: std::env::var("POD_NAME").ok(),
        };
        Self {
            recorder: Recorder::new(shared.client.clone(), reporter),
            client: shared.client,
            metrics: shared.metrics,
            rush: shared.rush,
            traces: shared.traces,
            health: shared.health,
            errors: Errors::default(),
        }
    }

    /// Writes the whole status of an object by one server-side apply, if the object still is of the version that was looked at. False:
    /// it is gone.
    ///
    /// # Errors
    ///
    /// [`PassError::Outdated`] where the object has changed since; [`PassError::Status`] with what else the API server answers.
    pub async fn write_status<K>(
        &self,
        object: &K,
        status: &impl Serialize,
    ) -> Result<bool, PassError>
    where
        K: Versioned + Resource<Scope = NamespaceResourceScope> + Clone + std::fmt::Debug,
    {
        let meta = object.meta();
        let patch = json!({
            "apiVersion": API_VERSION,
            "kind": K::kind(&()),
            "metadata": {"name": meta.name, "resourceVersion": meta.resource_version},
            "status": status,
        });
        let namespace = meta.namespace.as_deref().unwrap_or_default();
        let api: Api<Stored<K>> = Api::namespaced(self.client.clone(), namespace);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let written = api
            .patch_status(&object.name_any(), &params, &Patch::Apply(patch))
            .await;
        let Err(error) = written else {
            return Ok(true);
        };
        match code_of(&error) {
            Some(404) => Ok(false),
            Some(409) => Err(PassError::Outdated),
            _ => Err(PassError::Status(error)),
        }
    }

    /// Writes events about an object. One that cannot be written is only logged.
    pub async fn tell<K>(&self, object: &K, events: impl IntoIterator<Item = Event> + Send)
    where
        K: Resource<DynamicType = ()> + Sync,
    {
        let reference = object.object_ref(&());
        for event in events.into_iter().collect::<Vec<_>>() {
            if let Err(error) = self.recorder.publish(&event, &reference).await {
                tracing::warn!("the event {} cannot be written: {error}", event.reason);
            }
        }
    }
}
