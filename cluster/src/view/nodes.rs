use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::Pod;

/// Labels that say of which pool a node is, by cloud.
const POOLS: [&str; 5] = [
    "kubernetes.azure.com/agentpool",
    "karpenter.sh/nodepool",
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "agentpool",
];
/// Labels that say that a node may be taken away at any time, and their value.
const SPOT: [(&str, &str); 4] = [
    ("kubernetes.azure.com/scalesetpriority", "spot"),
    ("karpenter.sh/capacity-type", "spot"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("cloud.google.com/gke-spot", "true"),
];

/// Nodes, and the runs' pods on them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodesView {
    /// Version of this form: 1.
    pub version: u32,
    /// Whether the nodes themselves could be read; else they are known by their pods alone.
    pub nodes_read: bool,
    /// Nodes with pods of runs, and those that they could run on, by name.
    pub nodes: Vec<NodeLine>,
    /// Pods of runs that have no node.
    pub pending: Vec<PendingGroup>,
    /// Whether the pods of all namespaces were read; else nobody knows which nodes are idle, and `asked` and `runs` tell of one namespace's alone.
    pub everywhere: bool,
    /// Whether there are more pods than were read.
    pub more: bool,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeLine {
    /// Its name.
    pub name: String,
    /// Its pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Whether it may be taken away at any time.
    pub spot: bool,
    /// Whether it takes pods: it is ready and not cordoned. None where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// CPU that pods may ask for, in thousandths of a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
    /// CPU that the runs' pods there ask for, in thousandths of a core.
    pub asked: u64,
    /// The runs' pods there that have not ended, by `NAMESPACE/RUN`.
    pub runs: BTreeMap<String, u64>,
    /// Since when no pod of a run of any namespace has been there, where the last one's end is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_since: Option<Timestamp>,
}

/// Pods that have no node, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingGroup {
    /// The namespace of their run.
    pub namespace: String,
    /// Their run.
    pub run: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in the scheduler's words.
    pub message: String,
    /// How many.
    pub count: u64,
    /// Since when the first of them waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// The view of `nodes`, none where they may not be read, and of the runs' `pods`. `everywhere`: they are those of all namespaces. `more`:
/// there are more pods.
pub fn nodes(nodes: Option<&[Node]>, pods: &[Pod], everywhere: bool, more: bool) -> NodesView {
    let mut lines: BTreeMap<String, NodeLine> = BTreeMap::new();
    for node in nodes.into_iter().flatten() {
        let line = of_node(node);
        lines.insert(line.name.clone(), line);
    }
    let mut pending: BTreeMap<(String, String, String, String), PendingGroup> = BTreeMap::new();
    for pod in pods {
        let ended = matches!(pod.phase(), "Succeeded" | "Failed");
        let Some(node) = &pod.spec.node_name else {
            if !ended {
                wait(&mut pending, pod);
            }
            continue;
        };
        let line = lines.entry(node.clone()).or_insert_with(|| unread(node));
        if ended {
            line.idle_since = line.idle_since.max(end(pod));
        } else {
            let run = format!("{}/{}", pod.namespace(), pod.run().unwrap_or_default());
            *line.runs.entry(run).or_default() += 1;
            line.asked = line.asked.saturating_add(asked(pod));
        }
    }
    for line in lines.values_mut() {
        if !line.runs.is_empty() || !everywhere || more {
            line.idle_since = None;
        }
    }
    NodesView {
        version: VERSION,
        nodes_read: nodes.is_some(),
        nodes: lines.into_values().collect(),
        pending: pending.into_values().collect(),
        everywhere,
        more,
    }
}

fn unread(name: &str) -> NodeLine {
    NodeLine {
        name: name.to_owned(),
        pool: None,
        spot: false,
        ready: None,
        created: None,
        cpu: None,
        asked: 0,
        runs: BTreeMap::new(),
        idle_since: None,
    }
}

fn of_node(node: &Node) -> NodeLine {
    let label = |name: &str| node.metadata.labels.as_ref()?.get(name).cloned();
    let status = node.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten();
    let is_ready = ready
        .filter(|found| found.type_ == "Ready")
        .any(|found| found.status == "True");
    let cordoned = node
        .spec
        .as_ref()
        .is_some_and(|spec| spec.unschedulable == Some(true));
    let cpu = status.and_then(|status| status.allocatable.as_ref()?.get("cpu").cloned());
    NodeLine {
        pool: POOLS.into_iter().find_map(label),
        spot: SPOT
            .into_iter()
            .any(|(name, value)| label(name).as_deref() == Some(value)),
        ready: Some(is_ready && !cordoned),
        created: node.metadata.creation_timestamp.as_ref().map(|time| time.0),
        cpu: cpu.and_then(|cpu| thousandths(&cpu.0)),
        ..unread(node.metadata.name.as_deref().unwrap_or_default())
    }
}

fn wait(pending: &mut BTreeMap<(String, String, String, String), PendingGroup>, pod: &Pod) {
    let scheduled = pod.condition("PodScheduled");
    let reason = scheduled.and_then(|found| found.reason.clone());
    let reason = reason.unwrap_or_else(|| "NotYetSeen".to_owned());
    let message = scheduled
        .and_then(|found| found.message.clone())
        .unwrap_or_default();
    let (namespace, run) = (
        pod.namespace().to_owned(),
        pod.run().unwrap_or_default().to_owned(),
    );
    let key = (
        namespace.clone(),
        run.clone(),
        reason.clone(),
        message.clone(),
    );
    let group = pending.entry(key).or_insert(PendingGroup {
        namespace,
        run,
        reason,
        message,
        count: 0,
        since: pod.created(),
    });
    group.count += 1;
    group.since = group.since.min(pod.created());
}

fn end(pod: &Pod) -> Option<Timestamp> {
    let ended = pod.states().filter_map(|state| state.terminated.as_ref());
    ended
        .filter_map(|ended| ended.finished_at.as_ref())
        .map(|time| time.0)
        .max()
}

/// CPU that a pod asks for, in thousandths of a core.
fn asked(pod: &Pod) -> u64 {
    let beside = pod.spec.init_containers.iter();
    let beside = beside.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let containers = pod.spec.containers.iter().chain(beside);
    let asked = containers.filter_map(|container| {
        let cpu = container.resources.requests.as_ref()?.get("cpu")?;
        thousandths(&cpu.0)
    });
    asked.fold(0, u64::saturating_add)
}

/// A quantity of CPU such as `250m`, `2` or `1.5` in thousandths.
fn thousandths(text: &str) -> Option<u64> {
    if let Some(text) = text.strip_suffix('m') {
        return text.parse().ok();
    }
    let cores: f64 = text.parse().ok()?;
    let found = (cores * 1000.0).round();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is in between"
    )]
    (0.0..1e12).contains(&found).then_some(found as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(namespace: &str, state: &serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "p", "namespace": namespace, "labels": {"scoring.fleetscore.io/run": "r"}},
            "spec": {"nodeName": "n"},
            "status": {"phase": if state.is_null() { "Running" } else { "Succeeded" }, "containerStatuses": [
                {"name": "scorer", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": state}},
            ]},
        }))
        .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_node_is_idle_where_no_run_of_any_namespace_is() {
        let ended = serde_json::json!({"exitCode": 0, "finishedAt": "2025-11-28T10:00:00Z"});
        let own = pod("plant-a", &ended);
        let other = pod("plant-b", &serde_json::Value::Null);
        let idle = |pods: &[Pod], everywhere, more| {
            let view = nodes(None, pods, everywhere, more);
            view.nodes[0].idle_since.is_some()
        };
        let alone = [own.clone()];
        assert!(idle(&alone, true, false));
        assert!(!idle(&[own, other], true, false));
        // Others' pods may be there.
        assert!(!idle(&alone, false, false));
        assert!(!idle(&alone, true, true));
    }

    #[test]
    fn cpu_is_counted_in_thousandths() {
        for (text, found) in [
            ("250m", Some(250)),
            ("2", Some(2000)),
            ("1.5", Some(1500)),
            ("-1", None),
            ("1e99", None),
            ("NaN", None),
            ("x", None),
        ] {
            assert_eq!(thousandths(text), found, "{text}");
        }
    }
}
