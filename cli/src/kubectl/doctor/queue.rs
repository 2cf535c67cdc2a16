//! Kueue's queues that runs ask for.

use std::collections::BTreeSet;

use fleetscore_cluster::{ClusterError, Scope};
use serde_json::Value;

use super::check::{Check, Findings};
use super::template::Template;
use super::{Ask, Objects};

const CATEGORY: &str = "queue";
/// The label with which a pod template names its queue.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";
/// Versions of Kueue's API, newest first.
const GROUPS: [&str; 2] = ["kueue.x-k8s.io/v1beta2", "kueue.x-k8s.io/v1beta1"];

/// Checks the queues that schedules, runs that go on and the chart's template name.
pub async fn check(ask: &Ask<'_>, objects: &Objects, defaults: &Template, findings: &mut Findings) {
    let mut named = BTreeSet::new();
    for (namespace, _, spec) in objects.specs() {
        let own = queue(&spec.pod_template).or_else(|| queue(defaults));
        named.extend(own.map(|queue| (namespace.to_owned(), queue.to_owned())));
    }
    for (namespace, name) in named {
        match queues(ask, &namespace).await {
            Err(error) if error.is_missing() => findings.add(Check::fail(
                CATEGORY,
                format!("runs of {namespace} ask for queue {name}, and Kueue is not installed: nobody starts their Jobs"),
                format!("install Kueue, or take the label {QUEUE} from podTemplate.metadata"),
            )),
            answer => {
                if let Some(found) = findings.read(CATEGORY, "localqueues", answer) {
                    findings.add(one(&namespace, &name, &found));
                }
            }
        }
    }
}

fn queue(template: &Template) -> Option<&str> {
    template.metadata.get("labels")?.get(QUEUE)?.as_str()
}

async fn queues(ask: &Ask<'_>, namespace: &str) -> Result<Vec<Value>, ClusterError> {
    let scope = Scope::Namespace(namespace.to_owned());
    let [newest, older] = GROUPS;
    match ask.cluster.foreign(newest, "localqueues", &scope).await {
        Err(error) if error.is_missing() => ask.cluster.foreign(older, "localqueues", &scope).await,
        answer => answer,
    }
}

fn one(namespace: &str, name: &str, queues: &[Value]) -> Check {
    let Some(queue) = queues
        .iter()
        .find(|queue| queue["metadata"]["name"] == name)
    else {
        return Check::fail(
            CATEGORY,
            format!(
                "local queue {namespace}/{name} is not there: nobody starts the Jobs of its runs"
            ),
            format!("create the LocalQueue {name} in {namespace}, or correct the label {QUEUE}"),
        );
    };
    let mut conditions = queue["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    let inactive = conditions.find(|found| found["type"] == "Active" && found["status"] == "False");
    match inactive {
        Some(told) => Check::fail(
            CATEGORY,
            format!(
                "local queue {namespace}/{name} is not active: {}",
                told["message"].as_str().unwrap_or_default()
            ),
            format!("kubectl -n {namespace} describe localqueue {name}"),
        ),
        None => Check::ok(CATEGORY, format!("local queue {namespace}/{name} is there")),
    }
}
