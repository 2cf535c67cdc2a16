//! Pods of runs that wait: for a node, or for their image.

use fleetscore_cluster::view::{PodLine, PodState, RunLine, tree};
use fleetscore_cluster::{Pod, Run, Selector};
use fleetscore_crds::contract::run_pod::RUN_LABEL;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;

use super::check::{Check, Findings};
use super::{Ask, Objects};
use crate::kubectl::words::{age, counted};

/// What to do where an image cannot be pulled.
const IMAGE: &str = "correct the image's name, or let the nodes pull it (docs/cluster/failures.md)";

/// Checks the pods of the runs that go on.
pub async fn check(ask: &Ask<'_>, objects: &Objects, now: Timestamp, findings: &mut Findings) {
    let of_runs = Selector {
        labels: RUN_LABEL.to_owned(),
        ..Selector::default()
    };
    let list = ask.cluster.list::<Pod>(ask.scope, &of_runs).await;
    let Some(pods) = findings.read("nodes", "pods", list) else {
        return;
    };
    let going = objects
        .runs
        .iter()
        .filter(|run| !RunLine::of(run, now).has_ended());
    let checks: Vec<_> = going.filter_map(|run| of(run, &pods.items, now)).collect();
    if checks.is_empty() {
        findings.add(Check::ok("nodes", "no pod of a run waits for a node"));
    }
    for check in checks {
        findings.add(check);
    }
    for check in objects.last(now).filter_map(given_up) {
        findings.add(check);
    }
}

/// A run that was given up because its image could not be pulled.
fn given_up(run: &Run) -> Option<Check> {
    let status = run.status.as_ref().ok()?;
    let mut conditions = status.conditions.iter();
    let told = conditions.find(|found| found.kind == "Failed" && found.reason.contains("Image"))?;
    Some(Check::fail(
        "images",
        format!(
            "run {}/{} was given up: {}: {}",
            run.namespace(),
            run.name(),
            told.reason,
            told.message
        ),
        IMAGE,
    ))
}

fn of(run: &Run, pods: &[Pod], now: Timestamp) -> Option<Check> {
    let own = |pod: &&Pod| pod.run() == Some(run.name()) && pod.namespace() == run.namespace();
    let own: Vec<_> = pods.iter().filter(own).cloned().collect();
    let jobs: [Job; 0] = [];
    let tree = tree(run, &jobs, &own, false, now);
    let groups = tree.jobs.iter().flat_map(|job| &job.pods);
    let waiting = groups.filter(|group| group.state == PodState::Pending);
    let waiting: Vec<_> = waiting.flat_map(|group| &group.pods).collect();
    let starts = |pod: &&&PodLine| pod.reason.as_deref() != Some("ContainerCreating");
    let first = waiting.iter().find(starts)?;
    let reason = first.reason.as_deref().unwrap_or("Pending");
    let since = first.created;
    let since = since.map_or_else(String::new, |since| format!(" for {}", age(since, now)));
    let message = format!(
        "run {}/{}: {} {}{since}: {reason}: {}",
        run.namespace(),
        run.name(),
        counted(waiting.len() as u64, "pod"),
        if waiting.len() == 1 { "waits" } else { "wait" },
        first.message.as_deref().unwrap_or_default()
    );
    Some(if reason.contains("Image") {
        Check::fail("images", message, IMAGE)
    } else if reason == "Unschedulable" {
        Check::warn(
            "nodes",
            message,
            "compare nodeSelector, tolerations and requests with the pool; kubectl fleetscore top",
        )
    } else {
        let (name, namespace) = (run.name(), run.namespace());
        let hint = format!("kubectl fleetscore tree run/{name} -n {namespace}");
        Check::fail("nodes", message, hint)
    })
}
