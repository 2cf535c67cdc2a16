//! What is watched, and how the passes are driven.

use std::future::Future;
use std::sync::Arc;

use fleetscore_crds::{ConditionStatus, LAST_APPLIED_ANNOTATION, ReadingStream};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, future, stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, PodSpec, PodTemplateSpec};
use kube::ResourceExt;
use kube::runtime::controller::{ReconcileRequest, trigger_owners, trigger_self};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{WatchStreamExt, watcher};

use super::build::STREAM_LABEL;
use super::standing::SUSPENDED;
use super::{Context, Poller, StreamMemories};
use crate::config::Config;
use crate::controller::{Seen, Shared, Tools, operate, ready, scoped, watch};
use crate::metrics::StreamSample;
use crate::stored::Stored;

/// Runs the controller for a namespace, or all, until `stop`; then the passes that have begun are finished.
///
/// Gives what it sees at once, and the work as a future.
pub fn run(
    shared: Shared,
    config: Config,
    poller: Arc<Poller>,
    namespace: Option<&str>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Seen<ReadingStream>, BoxFuture<'static, ()>) {
    let labelled = || watcher::Config::default().labels(STREAM_LABEL);
    let api = scoped(&shared.client, namespace);
    let all = watcher::Config::default();
    let (streams, objects, own) = watch(api, all, trim_stream, |_| {}, || {});
    let api = scoped(&shared.client, namespace);
    let (deployments, deployment_store, deployment_cache) =
        watch(api, labelled(), trim_deployment, |_| {}, || {});
    let api = scoped(&shared.client, namespace);
    let (pods, pod_store, pod_cache) = watch(api, labelled(), trim_pod, |_| {}, || {});
    let pods = pods.touched_objects();
    let requests = stream::select(
        trigger_self(streams.applied_objects(), ()),
        stream::select(
            trigger_owners(deployments.touched_objects(), (), ()),
            pods.try_filter_map(|pod| future::ok(stream_of(&pod))),
        ),
    );
    let context = Context {
        tools: Tools::new(shared),
        config,
        poller,
        deployments: deployment_store,
        pods: pod_store,
        filled: [deployment_cache.filled.clone(), pod_cache.filled.clone()],
        memories: StreamMemories::default(),
    };
    let seen = Seen {
        objects,
        own,
        others: vec![deployment_cache, pod_cache],
        state: reason,
    };
    let work = operate(Arc::new(context), seen.clone(), requests.boxed(), stop);
    (seen, work.boxed())
}

/// The stream that a pod's label names.
fn stream_of(pod: &Pod) -> Option<ReconcileRequest<Stored<ReadingStream>>> {
    let name = pod.labels().get(STREAM_LABEL)?;
    let stream = ObjectRef::new(name).within(&pod.namespace()?);
    Some(ReconcileRequest::from(stream))
}

fn reason(stream: &ReadingStream) -> String {
    let conditions = stream.status.iter().flat_map(|status| &status.conditions);
    let conditions: Vec<_> = conditions.cloned().collect();
    ready(&conditions).map_or_else(|| "Pending".to_owned(), |found| found.reason.clone())
}

/// What the metrics tell of a stream.
pub fn sample(stream: &ReadingStream) -> StreamSample {
    let status = stream.status.clone().unwrap_or_default();
    let ready = ready(&status.conditions);
    let is_up = ready.is_some_and(|found| found.status == ConditionStatus::True);
    let rests = ready.is_some_and(|found| found.reason == SUSPENDED);
    StreamSample {
        namespace: stream.namespace().unwrap_or_default(),
        name: stream.name_any(),
        up: (!rests).then_some(is_up),
        status,
    }
}

/// What the cache need not hold.
fn trim_stream(stream: &mut Stored<ReadingStream>) {
    stream.managed_fields_mut().clear();
    stream.annotations_mut().remove(LAST_APPLIED_ANNOTATION);
}

/// The same: the pod template alone is most of a Deployment.
fn trim_deployment(deployment: &mut Deployment) {
    deployment.metadata.managed_fields = None;
    deployment.metadata.annotations = None;
    if let Some(spec) = &mut deployment.spec {
        spec.template = PodTemplateSpec::default();
    }
}

/// The same: of a pod only how it does is looked at.
fn trim_pod(pod: &mut Pod) {
    pod.metadata.managed_fields = None;
    pod.metadata.annotations = None;
    pod.spec = Some(PodSpec::default());
}
