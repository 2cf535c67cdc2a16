use std::collections::BTreeMap;

use fleetscore_crds::contract::run_pod::{self, STEP_LABEL, step_name};
use fleetscore_crds::{JobState, Step};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ContainerStateTerminated;
use schemars::JsonSchema;
use serde::Serialize;

use super::run::{RunLine, RunView, StepLine};
use super::{VERSION, run as run_view};
use crate::{Pod, Run};

/// A run, its Jobs and their pods.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeView {
    /// Version of this form: 1.
    pub version: u32,
    /// The run in one line.
    pub run: RunLine,
    /// Its Jobs, and the steps that have none yet.
    pub jobs: Vec<JobBranch>,
    /// Whether there are more pods than were read.
    pub more: bool,
}

/// A Job of a run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobBranch {
    /// Which step, and since when.
    #[serde(flatten)]
    pub step: StepLine,
    /// How many of its indexes have ended, where its Job is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u32>,
    /// How many it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its pods that are there, by state.
    pub pods: Vec<PodGroup>,
}

/// Where a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum PodState {
    /// It runs.
    Running,
    /// It failed, and no newer pod has taken its place.
    Failed,
    /// It has not started.
    Pending,
    /// It was told to end.
    Ending,
    /// It succeeded.
    Succeeded,
    /// It failed, and another pod took its place.
    Retried,
    /// Its node does not say.
    Unknown,
}

/// The pods of a Job in the same state.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodGroup {
    /// The state.
    pub state: PodState,
    /// How many.
    pub count: u64,
    /// The pods, by shard and name.
    pub pods: Vec<PodLine>,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodLine {
    /// Its name.
    pub name: String,
    /// The shard that it scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Why it waits or failed, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Times that its containers were started again.
    pub restarts: u32,
}

/// The tree of a run with its `jobs` and `pods` at `now`. `more`: there are more pods.
pub fn tree(run: &Run, jobs: &[Job], pods: &[Pod], more: bool, now: Timestamp) -> TreeView {
    let RunView {
        run: line, steps, ..
    } = run_view(run, now);
    let mut of_job: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in pods {
        of_job
            .entry(pod.job().unwrap_or_default())
            .or_default()
            .push(pod);
    }
    let find = |name: &str| {
        let mut found = jobs.iter();
        found.find(|job| job.metadata.name.as_deref() == Some(name))
    };
    let mut branches: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let name = step.job.clone().unwrap_or_default();
            let pods = of_job.remove(name.as_str()).unwrap_or_default();
            branch(step, find(&name), &pods)
        })
        .collect();
    // Jobs that the status does not name: it is written a little later than they are.
    for job in jobs {
        let name = job.metadata.name.as_deref().unwrap_or_default();
        let known = |branch: &JobBranch| branch.step.job.as_deref() == Some(name);
        let Some(step) = step_of(job).filter(|_| !branches.iter().any(known)) else {
            continue;
        };
        let pods = of_job.remove(name).unwrap_or_default();
        let started = job
            .status
            .as_ref()
            .and_then(|status| status.start_time.as_ref());
        let line = StepLine {
            job: Some(name.to_owned()),
            step,
            state: Some(JobState::Waiting),
            started: started.map(|time| time.0),
            ended: None,
            seconds: started.map(|time| super::seconds(time.0, now)),
        };
        branches.retain(|branch| branch.step.step != step || branch.step.job.is_some());
        branches.push(branch(line, Some(job), &pods));
    }
    // Pods whose Job is gone, or may not be read.
    for (name, pods) in of_job {
        let step = pods.first().and_then(|pod| of_name(pod.step()?));
        let Some(step) = step else { continue };
        let line = StepLine {
            job: Some(name.to_owned()).filter(|name| !name.is_empty()),
            step,
            state: None,
            started: None,
            ended: None,
            seconds: None,
        };
        branches.retain(|branch| branch.step.step != step || branch.step.job.is_some());
        branches.push(self::branch(line, None, &pods));
    }
    branches.sort_by_key(|branch| (branch.step.step as u8, branch.step.job.clone()));
    TreeView {
        version: VERSION,
        run: line,
        jobs: branches,
        more,
    }
}

fn step_of(job: &Job) -> Option<Step> {
    of_name(job.metadata.labels.as_ref()?.get(STEP_LABEL)?)
}

fn of_name(name: &str) -> Option<Step> {
    let mut steps = [Step::Plan, Step::Score, Step::Collect].into_iter();
    steps.find(|step| step_name(*step) == name)
}

fn branch(step: StepLine, job: Option<&Job>, pods: &[&Pod]) -> JobBranch {
    let status = job.and_then(|job| job.status.as_ref());
    let failed = status.and_then(|status| status.failed_indexes.as_deref());
    let succeeded = status.and_then(|status| status.succeeded).unwrap_or(0);
    let conditions = status
        .into_iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let message = conditions
        .filter(|found| found.type_ == "Failed" && found.status == "True")
        .find_map(|found| found.message.clone());
    JobBranch {
        ended: job.map(|_| {
            let failed = failed.map_or(0, indexes);
            u32::try_from(succeeded).unwrap_or(0).saturating_add(failed)
        }),
        total: job
            .and_then(|job| job.spec.as_ref()?.completions)
            .and_then(|total| u32::try_from(total).ok()),
        message,
        pods: groups(pods),
        step,
    }
}

/// How many indexes a Job's list such as `1,3-5,7` names. What is not a list counts as nothing.
fn indexes(list: &str) -> u32 {
    let ranges = list.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        last.checked_sub(first)?.checked_add(1)
    });
    ranges.fold(0, u32::saturating_add)
}

fn groups(pods: &[&Pod]) -> Vec<PodGroup> {
    // The newest pod of each index is the one that counts.
    let mut newest: BTreeMap<u32, (Option<Timestamp>, &str)> = BTreeMap::new();
    for pod in pods {
        let Some(shard) = pod.shard() else { continue };
        let found = (pod.created(), pod.name());
        let known = newest.entry(shard).or_insert(found);
        *known = (*known).max(found);
    }
    let mut groups: BTreeMap<PodState, Vec<PodLine>> = BTreeMap::new();
    for pod in pods {
        let last = pod.shard().and_then(|shard| newest.get(&shard));
        let is_last = last.is_none_or(|(_, name)| *name == pod.name());
        let state = match state(pod) {
            PodState::Failed if !is_last => PodState::Retried,
            state => state,
        };
        groups.entry(state).or_default().push(line(pod));
    }
    let groups = groups.into_iter().map(|(state, mut pods)| {
        pods.sort_by(|one, other| (one.shard, &one.name).cmp(&(other.shard, &other.name)));
        PodGroup {
            state,
            count: pods.len() as u64,
            pods,
        }
    });
    groups.collect()
}

fn state(pod: &Pod) -> PodState {
    match pod.phase() {
        "Succeeded" => PodState::Succeeded,
        "Failed" => PodState::Failed,
        _ if pod.metadata.deletion_timestamp.is_some() => PodState::Ending,
        "Running" => PodState::Running,
        "Pending" => PodState::Pending,
        _ => PodState::Unknown,
    }
}

fn line(pod: &Pod) -> PodLine {
    let (reason, message) = told(pod).unzip();
    let restarts = pod.containers().map(|found| found.restart_count).max();
    PodLine {
        name: pod.name().to_owned(),
        shard: pod.shard(),
        node: pod.spec.node_name.clone(),
        created: pod.created(),
        reason,
        message: message.filter(|text| !text.is_empty()),
        restarts: restarts
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0),
    }
}

/// Why a pod waits or failed.
fn told(pod: &Pod) -> Option<(String, String)> {
    match state(pod) {
        PodState::Pending => {
            let mut waiting = pod.states().filter_map(|state| state.waiting.as_ref());
            let blocked = waiting.find(|waiting| {
                waiting.reason.as_deref().is_some_and(|reason| {
                    !matches!(reason, "ContainerCreating" | "PodInitializing")
                })
            });
            if let Some(waiting) = blocked {
                return Some((
                    waiting.reason.clone().unwrap_or_default(),
                    waiting.message.clone().unwrap_or_default(),
                ));
            }
            let scheduled = pod.condition("PodScheduled")?;
            if scheduled.status == "True" {
                return Some(("ContainerCreating".to_owned(), String::new()));
            }
            Some((
                scheduled
                    .reason
                    .clone()
                    .unwrap_or_else(|| "Unschedulable".to_owned()),
                scheduled.message.clone().unwrap_or_default(),
            ))
        }
        PodState::Failed => {
            let mut ended = pod.states().filter_map(|state| state.terminated.as_ref());
            let code = |ended: &&ContainerStateTerminated| ended.exit_code != 0;
            match ended.find(code) {
                Some(ended) => Some(ending(ended)),
                None => Some((
                    pod.status
                        .reason
                        .clone()
                        .unwrap_or_else(|| "Failed".to_owned()),
                    pod.status.message.clone().unwrap_or_default(),
                )),
            }
        }
        _ => None,
    }
}

/// What a container's exit code means.
fn ending(ended: &ContainerStateTerminated) -> (String, String) {
    let reason = ended.reason.clone().filter(|reason| reason != "Error");
    if let Some(reason) = reason.filter(|reason| reason != "Completed") {
        return (reason, ended.message.clone().unwrap_or_default());
    }
    let code = u8::try_from(ended.exit_code).unwrap_or(u8::MAX);
    let (reason, message) = match code {
        run_pod::SENSORS_FAILED => ("SensorsFailed", "some sensors failed for good"),
        run_pod::REFUSED => ("Refused", "the run is wrong; nothing can succeed"),
        run_pod::INTERNAL => ("Defect", "a defect of the program"),
        run_pod::TRY_AGAIN => ("TryAgain", "a temporary failure"),
        run_pod::STOPPED => ("Stopped", "stopped by a signal"),
        137 => ("Killed", "killed"),
        _ => ("Failed", ""),
    };
    (
        reason.to_owned(),
        format!("exit code {}: {message}", ended.exit_code),
    )
}
