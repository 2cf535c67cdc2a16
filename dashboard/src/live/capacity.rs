use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetscore_cluster::view::{NodesView, nodes};
use fleetscore_cluster::{ClusterError, Listing, Pod, Scope, Selector};
use fleetscore_crds::contract::run_pod::RUN_LABEL;
use futures::future::join_all;
use k8s_openapi::api::core::v1::{Event, Node};

use super::Live;

/// An answer is shown for so long: many windows may look at the same.
const KEPT: Duration = Duration::from_secs(4);
/// Reasons of the events by which autoscalers tell what they do for a pod: two of the cluster autoscaler's, one of Karpenter's.
const SAID: [&str; 3] = ["TriggeredScaleUp", "NotTriggerScaleUp", "Nominated"];

/// Nodes, the runs' pods, and what autoscalers say of these, at one moment.
pub struct Capacity {
    asked: Instant,
    /// None where they may not be read.
    nodes: Option<Vec<Node>>,
    pods: Vec<Pod>,
    /// None where they may not be read.
    events: Option<Vec<Event>>,
    /// Whether there are more pods than were read.
    more: bool,
    /// Whether the pods are those of all namespaces.
    everywhere: bool,
}

impl Capacity {
    /// The nodes, and the runs' pods on them in namespaces that are `seen`.
    pub fn nodes(&self, seen: impl Fn(&str) -> bool) -> NodesView {
        let pods = self.pods.iter().filter(|pod| seen(pod.namespace()));
        let pods: Vec<Pod> = pods.cloned().collect();
        // Whose pods are not seen may keep a node busy.
        let everywhere = self.everywhere && pods.len() == self.pods.len();
        nodes(self.nodes.as_deref(), &pods, everywhere, self.more)
    }

    /// What autoscalers say, and the runs' pods (namespace and name) in namespaces that are `seen`; none where events may not be read.
    pub fn said(
        &self,
        seen: impl Fn(&str) -> bool,
    ) -> Option<(&[Event], BTreeSet<(String, String)>)> {
        let pods = self.pods.iter().filter(|pod| seen(pod.namespace()));
        let pods = pods.map(|pod| (pod.namespace().to_owned(), pod.name().to_owned()));
        Some((self.events.as_deref()?, pods.collect()))
    }
}

impl Live {
    /// Nodes and the runs' pods, some seconds old at most.
    ///
    /// # Errors
    ///
    /// What can happen to a request; what may not be read is left out, but for pods.
    pub async fn capacity(&self) -> Result<Arc<Capacity>, ClusterError> {
        // One at a time: who comes second takes the answer of the first.
        let mut known = self.capacity.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.asked.elapsed() < KEPT) {
            return Ok(Arc::clone(known));
        }
        let asked = Arc::new(self.ask_capacity().await?);
        *known = Some(Arc::clone(&asked));
        Ok(asked)
    }

    async fn ask_capacity(&self) -> Result<Capacity, ClusterError> {
        let (all, of_runs) = (
            Selector::default(),
            Selector {
                labels: RUN_LABEL.to_owned(),
                ..Selector::default()
            },
        );
        let pods = self.scopes.iter();
        let pods = pods.map(|scope| self.cluster.list::<Pod>(scope, &of_runs));
        let (nodes, pods, events) = tokio::join!(
            self.cluster.list::<Node>(&Scope::All, &all),
            join_all(pods),
            self.ask_events(),
        );
        let (mut found, mut more) = (Vec::new(), false);
        for list in pods {
            let list = list?;
            more |= list.more;
            found.extend(list.items);
        }
        Ok(Capacity {
            asked: Instant::now(),
            nodes: permitted(nodes)?,
            pods: found,
            events: permitted(events)?,
            more,
            everywhere: self.scopes.contains(&Scope::All),
        })
    }

    async fn ask_events(&self) -> Result<Listing<Event>, ClusterError> {
        let asked = self.scopes.iter().flat_map(|scope| {
            SAID.map(|reason| async move {
                let reason = Selector::field("reason", reason);
                self.cluster.list::<Event>(scope, &reason).await
            })
        });
        let mut all = Listing {
            items: Vec::new(),
            more: false,
        };
        for list in join_all(asked).await {
            let list = list?;
            all.items.extend(list.items);
            all.more |= list.more;
        }
        Ok(all)
    }
}

/// The objects of a list; none where they may not be read.
fn permitted<T>(list: Result<Listing<T>, ClusterError>) -> Result<Option<Vec<T>>, ClusterError> {
    match list {
        Ok(list) => Ok(Some(list.items)),
        Err(error) if error.is_forbidden() => Ok(None),
        Err(error) => Err(error),
    }
}
