use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};

use super::build::child_name;
use crate::run::cannot_start;

/// What is looked at of a stream's pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPodView {
    /// Its name.
    pub name: String,
    /// Where it answers, once it is known.
    pub ip: Option<String>,
    /// Whether it works, as far as its machine knows.
    pub ready: bool,
    /// Why it does not start, in one word and the words of whoever says so.
    pub trouble: Option<String>,
}

impl StreamPodView {
    /// The view, unless the pod is none of the stream's, has ended or is ending.
    pub fn of(pod: &Pod, stream: &str) -> Option<Self> {
        let meta = &pod.metadata;
        let status = pod.status.as_ref()?;
        let prefix = format!("{}-", child_name(stream));
        let mut owners = meta.owner_references.iter().flatten();
        let is_own =
            owners.any(|owner| owner.kind == "ReplicaSet" && owner.name.starts_with(&prefix));
        let has_ended = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
        if !is_own || has_ended || meta.deletion_timestamp.is_some() {
            return None;
        }
        let ready = condition(status, "Ready").is_some_and(|(value, _)| value == "True");
        Some(Self {
            name: meta.name.clone()?,
            ip: status.pod_ip.clone(),
            ready,
            trouble: if ready { None } else { trouble(status) },
        })
    }
}

fn condition<'a>(status: &'a PodStatus, kind: &str) -> Option<(&'a str, String)> {
    let mut conditions = status.conditions.iter().flatten();
    let found = conditions.find(|found| found.type_ == kind)?;
    let words = [found.reason.as_deref(), found.message.as_deref()];
    let words: Vec<_> = words.into_iter().flatten().collect();
    Some((&found.status, words.join(": ")))
}

fn trouble(status: &PodStatus) -> Option<String> {
    let init = status.init_container_statuses.iter().flatten();
    let mut containers = init.chain(status.container_statuses.iter().flatten());
    if let Some(stuck) = containers.find_map(stuck) {
        return Some(stuck);
    }
    condition(status, "PodScheduled")
        .filter(|(value, _)| *value == "False")
        .map(|(_, words)| words)
}

/// Why a container cannot start, or what it said last before it ended.
fn stuck(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|why| cannot_start(why))?;
    let last = container.last_state.as_ref();
    let ended = last.and_then(|last| last.terminated.as_ref());
    let said = match ended {
        Some(ended) if reason == "CrashLoopBackOff" => {
            let said = ended.message.as_deref().unwrap_or_default().trim();
            let why = ended.reason.as_deref().filter(|why| *why != "Error");
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            format!("exit code {}{why}: {said}", ended.exit_code)
        }
        _ => waiting.message.clone().unwrap_or_default(),
    };
    Some(format!("{reason}: {said}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(owner: &str, status: &Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {
                "name": "pumps-ingest-1-a",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": "r", "controller": true}],
            },
            "status": status,
        }))
        .unwrap()
    }

    fn container(state: &Value) -> Value {
        let mut container = json!({"name": "ingest", "image": "i", "imageID": "", "ready": false, "restartCount": 3});
        for (field, value) in state.as_object().unwrap() {
            container[field] = value.clone();
        }
        json!({"podIP": "10.0.0.7", "containerStatuses": [container]})
    }

    fn trouble_of(status: &Value) -> Option<String> {
        StreamPodView::of(&pod("pumps-ingest-1", status), "pumps")?.trouble
    }

    #[test]
    fn a_pod_says_why_it_does_not_start() {
        for (status, words) in [
            (
                container(
                    &json!({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"i\""}}}),
                ),
                "ImagePullBackOff: Back-off pulling image \"i\"",
            ),
            (
                container(
                    &json!({"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"hub\" not found"}}}),
                ),
                "CreateContainerConfigError: secret \"hub\" not found",
            ),
            (
                container(&json!({
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}},
                    "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "message": "spec.filter: unknown field\n"}},
                })),
                "CrashLoopBackOff: exit code 2: spec.filter: unknown field",
            ),
            (
                container(&json!({
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                })),
                "CrashLoopBackOff: exit code 137 (OOMKilled): ",
            ),
            (
                json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}]}),
                "Unschedulable: 0/3 nodes are available",
            ),
        ] {
            assert_eq!(trouble_of(&status).as_deref(), Some(words));
        }
        let starting = container(&json!({"state": {"waiting": {"reason": "ContainerCreating"}}}));
        assert_eq!(trouble_of(&starting), None);
    }

    #[test]
    fn only_pods_that_live_and_are_the_streams_count() {
        let ready =
            json!({"podIP": "fd00::7", "conditions": [{"type": "Ready", "status": "True"}]});
        let view = StreamPodView::of(&pod("pumps-ingest-1", &ready), "pumps").unwrap();
        assert_eq!((view.ready, view.ip.as_deref()), (true, Some("fd00::7")));
        assert_eq!(StreamPodView::of(&pod("other-1", &ready), "pumps"), None);
        let failed = json!({"phase": "Failed", "reason": "Evicted"});
        assert_eq!(
            StreamPodView::of(&pod("pumps-ingest-1", &failed), "pumps"),
            None
        );
        let mut leaving = pod("pumps-ingest-1", &ready);
        leaving.metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
        assert_eq!(StreamPodView::of(&leaving, "pumps"), None);
    }
}
