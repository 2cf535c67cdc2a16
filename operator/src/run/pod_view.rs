use fleetscore_crds::visible;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStatus, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Deserialize;

use super::look::Waiting;
use super::trouble::TroubleKind;

/// A pod that should have ended, or that is not ready, for so long has a machine that does not answer, or is held by something.
const OVERDUE: SignedDuration = SignedDuration::from_secs(60);
/// Characters of a container's last line that are told.
const LINE: usize = 300;

/// What the controller reads of a pod. The rest is skipped while it is parsed: a page of whole pods takes some megabytes, most of
/// them `managedFields`.
#[derive(Clone, Debug, Deserialize)]
pub struct PodView {
    /// What it is called, and since when it is.
    pub metadata: PodMetadata,
    /// Where it is.
    #[serde(default)]
    pub spec: PodPlace,
    /// How it does.
    #[serde(default)]
    pub status: PodStatus,
}

/// What is read of a pod's metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodMetadata {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub creation_timestamp: Time,
    /// When it is to be gone, once it was told to end.
    pub deletion_timestamp: Option<Time>,
}

/// What is read of a pod's spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodPlace {
    /// Its machine.
    pub node_name: Option<String>,
}

impl PodView {
    /// Why the pending pod does not run. `moved` is when a pod of the run began or ended last: room that it leaves is room for others.
    pub fn waiting(&self, moved: Option<Timestamp>) -> Waiting {
        let (name, created) = (&self.metadata.name, self.metadata.creation_timestamp.0);
        let scheduled = self.condition("PodScheduled");
        let began = scheduled
            .filter(|found| found.status == "True")
            .and_then(|found| found.last_transition_time.as_ref())
            .map_or(created, |time| time.0);
        if let Some((reason, why)) = self.cannot_start() {
            return Waiting {
                name: name.clone(),
                kind: TroubleKind::Blocked,
                reason: reason.to_owned(),
                message: format!("pod {name}: {why}"),
                since: Some(began),
            };
        }
        let unscheduled = scheduled.filter(|found| found.status == "False");
        match unscheduled {
            Some(condition) if self.status.nominated_node_name.is_none() => Waiting {
                name: name.clone(),
                kind: TroubleKind::Unschedulable,
                reason: condition
                    .reason
                    .clone()
                    .unwrap_or_else(|| "Unschedulable".to_owned()),
                message: condition.message.clone().unwrap_or_default(),
                since: Some(moved.map_or(created, |moved| created.max(moved))),
            },
            _ => Waiting {
                name: name.clone(),
                kind: TroubleKind::Starting,
                reason: "ContainerCreating".to_owned(),
                message: format!(
                    "pod {name} has a machine, but its containers have not started; see its events"
                ),
                // A machine that is only set aside for it is not yet one to start on.
                since: unscheduled.is_none().then_some(began),
            },
        }
    }

    /// Why a pod that has begun keeps its Job from going on, where it does: it does not end though it was told to, or is not ready.
    pub fn not_ending(&self, now: Timestamp) -> Option<Waiting> {
        let name = &self.metadata.name;
        let node = self.spec.node_name.as_deref().unwrap_or("none");
        let overdue = |since: &Timestamp| now.duration_since(*since) >= OVERDUE;
        let told = self.metadata.deletion_timestamp.as_ref().map(|time| time.0);
        if let Some(since) = told {
            return overdue(&since).then(|| Waiting {
                name: name.clone(),
                kind: TroubleKind::NotEnding,
                reason: "PodStuckTerminating".to_owned(),
                message: format!(
                    "pod {name} on node {node} was to end by {since} and has not, so it may still write; where the node is gone for \
                     good, delete the Node, or the pod with --grace-period=0 --force"
                ),
                since: Some(since),
            });
        }
        let since = self
            .condition("Ready")
            .filter(|found| found.status == "False")
            .and_then(|found| found.last_transition_time.as_ref())
            .map(|time| time.0)
            .filter(overdue)?;
        // Beside the scorer a container may have ended, and not come again yet.
        let why = self.cannot_start().map(|(_, why)| why);
        let why = why.unwrap_or_else(|| "look whether the node answers".to_owned());
        Some(Waiting {
            name: name.clone(),
            kind: TroubleKind::NotEnding,
            reason: "PodNotReady".to_owned(),
            message: format!("pod {name} on node {node} has not been ready since {since}: {why}"),
            since: Some(since),
        })
    }

    /// Whether it was told to end.
    pub fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    fn condition(&self, kind: &str) -> Option<&PodCondition> {
        let conditions = self.status.conditions.iter().flatten();
        conditions.into_iter().find(|found| found.type_ == kind)
    }

    /// The first container that does not start: why in one word, and in a sentence.
    fn cannot_start(&self) -> Option<(&str, String)> {
        let statuses = self
            .status
            .init_container_statuses
            .iter()
            .chain(&self.status.container_statuses)
            .flatten();
        let mut waiting = statuses.filter_map(|status| {
            let waiting = status.state.as_ref()?.waiting.as_ref()?;
            Some((status, waiting, waiting.reason.as_deref()?))
        });
        let (status, waiting, reason) = waiting.find(|(.., reason)| cannot_start(reason))?;
        let told = waiting.message.as_deref();
        let told = told.map_or_else(
            || format!("its container {} cannot start", status.name),
            str::to_owned,
        );
        Some((reason, told + &last_end(status)))
    }
}

/// How a container ended last, with the last line that it wrote; empty where it has not.
fn last_end(status: &ContainerStatus) -> String {
    let ended = status.last_state.as_ref();
    let Some(ended) = ended.and_then(|state| state.terminated.as_ref()) else {
        return String::new();
    };
    let lines = ended.message.as_deref().unwrap_or_default().lines();
    let mut lines = lines.rev().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.next().unwrap_or("it wrote nothing");
    let name = &status.name;
    let line: String = line.chars().take(LINE).collect();
    format!(
        "; {name} ended with exit code {}: {}",
        ended.exit_code,
        visible(&line)
    )
}

/// Waiting reasons of containers that do not go away by themselves, unless what they wait for comes.
pub fn cannot_start(reason: &str) -> bool {
    matches!(
        reason,
        "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "CrashLoopBackOff"
    )
}
