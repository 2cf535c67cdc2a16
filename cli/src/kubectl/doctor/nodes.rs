//! Nodes for what the pods ask of them, or an autoscaler that could make them.

use fleetscore_cluster::{ClusterError, Scope, Selector};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Taint};
use serde_json::Value;

use super::check::{Check, Findings};
use super::template::{Demand, Template};
use super::{Ask, Objects};
use crate::kubectl::words::counted;

const CATEGORY: &str = "nodes";
/// Where the cluster autoscaler tells how it does.
const AUTOSCALER: (&str, &str) = ("kube-system", "cluster-autoscaler-status");
/// Labels that a node gets from where and what it is.
const GIVEN: [&str; 3] = [
    "kubernetes.io/",
    "node.kubernetes.io/",
    "topology.kubernetes.io/",
];

/// What makes nodes.
struct Makers {
    /// What the cluster autoscaler says of itself.
    autoscaler: Option<Value>,
    /// Karpenter's pools.
    pools: Vec<Value>,
    /// Whether one of them could not be read.
    unread: bool,
}

/// Checks the nodes for all schedules and for runs that go on.
pub async fn check(ask: &Ask<'_>, objects: &Objects, defaults: &Template, findings: &mut Findings) {
    let mut demands: Vec<(String, Demand)> = Vec::new();
    let specs = objects.specs();
    for (namespace, name, spec) in &specs {
        let demand = Demand::of(defaults, &spec.pod_template);
        if demands.iter().all(|(_, found)| *found != demand) {
            demands.push((format!("{name} in {namespace}"), demand));
        }
    }
    if demands.is_empty() {
        let demand = Demand::of(defaults, &Template::default());
        demands.push(("the chart's scorer.podTemplate".to_owned(), demand));
    }
    of(ask, &demands, findings).await;
}

/// Checks the nodes for these demands, each with who makes it.
pub async fn of(ask: &Ask<'_>, demands: &[(String, Demand)], findings: &mut Findings) {
    let all = Selector::default();
    let list = ask.cluster.list::<Node>(&Scope::All, &all).await;
    let Some(nodes) = findings.read(CATEGORY, "nodes", list) else {
        return;
    };
    let makers = makers(ask, findings).await;
    for check in makers.autoscaler.iter().flat_map(troubles) {
        findings.add(check);
    }
    for (who, demand) in demands {
        let fit = nodes
            .items
            .iter()
            .filter(|node| demand.fits_node(node))
            .count();
        findings.add(if fit > 0 {
            Check::ok(
                CATEGORY,
                format!(
                    "{} for {who} ({})",
                    counted(fit as u64, "node"),
                    demand.words()
                ),
            )
        } else {
            none(who, demand, &makers)
        });
    }
}

async fn makers(ask: &Ask<'_>, findings: &mut Findings) -> Makers {
    let (namespace, name) = AUTOSCALER;
    let space = Scope::Namespace(namespace.to_owned());
    let (status, pools) = tokio::join!(
        ask.cluster.get::<ConfigMap>(&space, name),
        ask.cluster
            .foreign("karpenter.sh/v1", "nodepools", &Scope::All),
    );
    let unread = [status.as_ref().err(), pools.as_ref().err()]
        .into_iter()
        .flatten()
        .any(|error| !error.is_missing());
    let mut read = |what: &str, error: ClusterError| {
        if !error.is_missing() {
            findings.read::<()>(CATEGORY, what, Err(error));
        }
    };
    let status = status
        .map_err(|error| read("the cluster autoscaler's status", error))
        .ok();
    let pools = pools
        .map_err(|error| read("nodepools", error))
        .unwrap_or_default();
    let text = status.and_then(|found| found.data?.remove("status"));
    Makers {
        // An older one writes no YAML: that it is there is what counts.
        autoscaler: text.map(|text| serde_saphyr::from_str(&text).unwrap_or_default()),
        pools,
        unread,
    }
}

/// No node fits: whether one could come.
fn none(who: &str, demand: &Demand, makers: &Makers) -> Check {
    let message = format!("no node is there for {who} ({})", demand.words());
    let fit = makers.pools.iter().find(|pool| may_make(pool, demand));
    if let Some(pool) = fit {
        let name = pool["metadata"]["name"].as_str().unwrap_or_default();
        return Check::ok(CATEGORY, format!("{message}; nodepool {name} makes such"));
    }
    if makers.autoscaler.is_some() {
        return Check::ok(
            CATEGORY,
            format!("{message}; the cluster autoscaler may make one"),
        );
    }
    let hint = "add a pool of nodes with these labels, whose taints are all in podTemplate.spec.tolerations, or correct nodeSelector; kubectl get nodes --show-labels shows what is there";
    if makers.unread {
        return Check::warn(
            CATEGORY,
            format!("{message}, and you may not see an autoscaler"),
            hint,
        );
    }
    let pools = match makers.pools.len() {
        0 => "no autoscaler is seen that could make one".to_owned(),
        number => format!("none of {} makes such", counted(number as u64, "nodepool")),
    };
    Check::fail(CATEGORY, format!("{message}, and {pools}"), hint)
}

/// Whether a pool of Karpenter's makes nodes that fit.
fn may_make(pool: &Value, demand: &Demand) -> bool {
    let template = &pool["spec"]["template"];
    let label = |name: &str| {
        if let Some(value) = template["metadata"]["labels"][name].as_str() {
            return Some(value.to_owned());
        }
        let mut asked = template["spec"]["requirements"]
            .as_array()
            .into_iter()
            .flatten();
        let asked = asked.find(|asked| asked["key"] == name);
        let values = asked.and_then(|asked| asked["values"].as_array());
        demand.wanted(name).filter(|wanted| match values {
            Some(values) => values.iter().any(|value| value == wanted),
            None => asked.is_some() || GIVEN.iter().any(|given| name.starts_with(given)),
        })
    };
    let taints = template["spec"]["taints"].clone();
    let taints: Vec<Taint> = serde_json::from_value(taints).unwrap_or_default();
    demand.fits(label, &taints)
}

/// Node groups of the cluster autoscaler that it cannot make larger.
fn troubles(status: &Value) -> Vec<Check> {
    let groups = status["nodeGroups"].as_array().into_iter().flatten();
    let stuck = groups.filter(|group| group["scaleUp"]["status"] == "Backoff");
    let checks = stuck.map(|group| {
        let info = &group["scaleUp"]["backoffInfo"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Check::warn(
            CATEGORY,
            format!(
                "the cluster autoscaler cannot enlarge node group {}: {} {}",
                text(&group["name"]),
                text(&info["errorCode"]),
                text(&info["errorMessage"])
            ),
            "look for a quota of your cloud, or choose another size of machine",
        )
    });
    checks.collect()
}
