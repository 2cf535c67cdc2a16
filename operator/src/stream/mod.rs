//! The controller of `ReadingStream`s: a Deployment whose pods read the hub, and what they say in the stream's status.
//!
//! `build`, `picture`, `standing`, `status` and `events` are pure, `poller` asks the pods, `apply` writes. [`Context::pass`] alone calls
//! them.
//!
//! The operator reads neither the hub nor storage: what a stream has come to its pods know, and they say it at their port.

mod apply;
mod build;
mod controller;
mod deployment_view;
mod events;
mod memory;
mod picture;
mod pod_view;
mod poller;
mod sighting;
mod snapshot;
mod standing;
mod status;
#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::ReadingStream;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};

use crate::config::Config;
use crate::controller::{Filled, PassError, Reconciler, Refusal, Tools, all_filled, look_again};

pub use controller::{run, sample};
pub use poller::Poller;

use build::{STREAM_LABEL, child_name, children, digest_of};
use deployment_view::DeploymentView;
use memory::{StreamMemories, StreamMemory};
use pod_view::StreamPodView;
use sighting::Sighting;
use snapshot::StreamSnapshot;

/// What all passes share.
pub struct Context {
    tools: Tools,
    config: Config,
    poller: Arc<Poller>,
    deployments: Store<Deployment>,
    pods: Store<Pod>,
    filled: [Filled; 2],
    memories: StreamMemories,
}

impl Reconciler for Context {
    type Object = ReadingStream;
    type Snapshot = StreamSnapshot;

    const DEBOUNCE: Duration = Duration::from_millis(200);
    const CONCURRENCY: u16 = 16;

    fn tools(&self) -> &Tools {
        &self.tools
    }

    fn snapshot(stream: &ReadingStream) -> Option<StreamSnapshot> {
        StreamSnapshot::of(stream)
    }

    /// One pass over one stream.
    ///
    /// 1. observe (cache): the stream, its Deployment, its pods.
    /// 2. `apply` (client): its children, where others than before are asked for, or someone has changed them.
    /// 3. `poller` (the pods' port): what they say, now and then.
    /// 4. `status` (pure): what that comes to.
    /// 5. write the status (client): one server-side apply of that version of the object which step 1 saw, if it is worth it.
    /// 6. events (client), once the status stands.
    #[tracing::instrument(skip_all, fields(namespace = snapshot.namespace, stream = snapshot.name))]
    async fn pass(
        &self,
        stream: &ReadingStream,
        snapshot: &StreamSnapshot,
    ) -> Result<Action, PassError> {
        // The watches are independent: before the Deployments are listed, a stream would seem to have none.
        if !all_filled(self.filled.clone()).await {
            return Err(PassError::Stopping("Deployments or pods"));
        }
        if snapshot.deleting {
            // Its children go with it. What it has stored stays.
            self.memories.forget(&snapshot.uid);
            return Ok(Action::await_change());
        }
        let now = Timestamp::now();
        let mut memory = self.memories.get(&snapshot.uid);
        let mut seen = self.observe(snapshot);
        seen.refusal = self
            .write_children(snapshot, &seen, &mut memory, now)
            .await?;
        if let Some(view) = &mut seen.deployment {
            // The cache may be behind what was just written.
            view.generation = view.generation.max(memory.generation());
        }
        if memory.must_ask(&seen.pods, now) {
            let picture = self.poller.ask(&snapshot.id(), &seen.pods, now).await;
            memory.asked(&seen.pods, picture, now);
        }
        seen.picture = memory.picture.clone();
        // What was seen of children and pods stays known, whatever becomes of the status.
        self.memories.put(&snapshot.uid, memory.clone());
        let new = status::status(snapshot, &seen, now);
        let is_worth_it = status::is_worth_writing(&snapshot.status, &new, memory.written, now);
        // Where it is gone, there is nothing to tell.
        if is_worth_it && self.tools.write_status(stream, &new).await? {
            memory.written = Some(now);
            // What the operator forgot when it was started anew, the status says.
            let last = memory.told.take();
            let last = last.or_else(|| events::told(None, &snapshot.status));
            let events = events::events(last.as_deref(), &snapshot.status, &new);
            self.tools.tell(stream, events).await;
            memory.told = events::told(last.as_deref(), &new);
        }
        let again = memory.again();
        self.memories.put(&snapshot.uid, memory);
        Ok(look_again(again, now, Duration::ZERO))
    }

    fn forget(&self, is_known: &dyn Fn(&str) -> bool) {
        self.memories.retain(is_known);
    }
}

impl Context {
    /// What the caches hold of the stream.
    fn observe(&self, snapshot: &StreamSnapshot) -> Sighting {
        let name = child_name(&snapshot.name);
        let key = ObjectRef::new(&name).within(&snapshot.namespace);
        let deployment = self.deployments.get(&key);
        let deployment = deployment.and_then(|found| DeploymentView::of(&found, &snapshot.uid));
        let own = |pod: &Pod| {
            pod.namespace().as_ref() == Some(&snapshot.namespace)
                && pod.labels().get(STREAM_LABEL) == Some(&snapshot.name)
        };
        let pods = self.pods.state_filter(own);
        let pods = pods
            .iter()
            .filter_map(|pod| StreamPodView::of(pod, &snapshot.name));
        let mut pods: Vec<_> = pods.collect();
        pods.sort_by(|one, other| one.name.cmp(&other.name));
        Sighting {
            deployment,
            pods,
            ..Sighting::default()
        }
    }

    /// Writes the children where that is due. Gives why the stream cannot have what it needs, where it cannot.
    async fn write_children(
        &self,
        snapshot: &StreamSnapshot,
        seen: &Sighting,
        memory: &mut StreamMemory,
        now: Timestamp,
    ) -> Result<Option<Refusal>, PassError> {
        let Some(ingest) = &self.config.ingest else {
            return Ok(Some(lasting("NoImage", NO_IMAGE.to_owned())));
        };
        // A stream that may not use its storage has no pods as long as that is so.
        let access = &self.config.storage;
        let barred = access.stream_refusal(&snapshot.namespace, &snapshot.spec);
        let replicas = if barred.is_some() || snapshot.spec.suspend {
            0
        } else {
            snapshot.spec.replicas
        };
        let children = children(ingest, snapshot, replicas);
        let digest = digest_of(&children);
        if memory.must_write(&digest, seen, now) {
            let written = apply::apply(&self.tools.client, snapshot, &children).await?;
            memory.wrote(digest, written, now);
        }
        let barred = barred.map(|message| lasting("StorageNotAllowed", message));
        Ok(barred.or(memory.refusal()))
    }
}

const NO_IMAGE: &str = "the operator's configuration names no ingest.image, so the stream gets no pods; whoever installs the operator sets it";

/// What someone must do something about.
fn lasting(reason: &str, message: String) -> Refusal {
    Refusal {
        invalid: true,
        reason: reason.to_owned(),
        message,
    }
}
