//! A log read by a pod that is started for it: it has the run's identity, secrets, volumes and network.

use std::time::Duration;

use anyhow::anyhow;
use fleetscore_cluster::{Cluster, Pod, Run, Scope, Selector};
use fleetscore_crds::contract::run_pod::{CONTAINER, PART_LABEL, RUN_LABEL, STEP_LABEL, step_name};
use fleetscore_crds::{API_VERSION, RunNames, SCHEDULE_LABEL, Step, fill};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod as CorePod;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Map, Value, json};

use super::Log;
use crate::commands::{CommandError, Result, failure, output};
use crate::kubectl::exit;
use crate::kubectl::storage::log_folder;

/// How long the pod may take, from its start on; then the cluster ends it.
const DEADLINE: u32 = 120;
/// How long is waited for it, with the time that a node takes.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often is looked at it.
const AGAIN: Duration = Duration::from_secs(1);
/// Bytes that it shows at most. Less than what a kubelet keeps of a log.
const BYTES: u64 = 8 << 20;
/// Exit code: stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// The log, by a pod that is deleted again in any case.
pub(super) async fn run(cluster: &Cluster, run: &Run, log: Log) -> Result<String> {
    let url = url(run, log)?;
    let job = template(cluster, run).await?;
    let pod = pod(run, &job, &url).ok_or_else(|| {
        exit::cannot_tell(format!(
            "the template of job {} has no container {CONTAINER}",
            name(&job)
        ))
    })?;
    let api: Api<CorePod> = Api::namespaced(cluster.client().clone(), run.namespace());
    let pod: CorePod = serde_json::from_value(pod).map_err(failure)?;
    let created = api.create(&PostParams::default(), &pod).await;
    let created =
        created.map_err(|error| exit::cannot_tell(format!("no pod can be started: {error}")))?;
    let name = created.metadata.name.unwrap_or_default();
    output::note(&format!("note: pod {name} reads {url}"));
    let shown = tokio::select! {
        shown = shown(cluster, run, &name) => shown,
        _ = tokio::signal::ctrl_c() => Err(CommandError {
            error: anyhow!("stopped"),
            code: INTERRUPTED,
        }),
    };
    if let Err(error) = api
        .delete(&name, &DeleteParams::default().grace_period(0))
        .await
    {
        output::note(&format!(
            "note: pod {name} could not be deleted ({error}); it goes with the run"
        ));
    }
    shown
}

/// Where the log is.
fn url(run: &Run, log: Log) -> Result<String> {
    let spec = run.spec.as_ref().map_err(exit::cannot_tell)?;
    let names = RunNames {
        run: run.name(),
        namespace: Some(run.namespace()),
        schedule: run.schedule(),
        window: spec.window,
    };
    let location = log_folder(run, spec);
    let folder = fill(&location, names)
        .ok_or_else(|| exit::cannot_tell(format!("the location {location:?} cannot be filled")))?;
    Ok(folder + &log.file())
}

/// The run's collect Job, else that of another run of its schedule.
async fn template(cluster: &Cluster, run: &Run) -> Result<Job> {
    let scope = Scope::Namespace(run.namespace().to_owned());
    let collect = format!("{STEP_LABEL}={}", step_name(Step::Collect));
    let of = |labels: String| Selector {
        labels,
        ..Selector::default()
    };
    let own = of(format!("{RUN_LABEL}={},{collect}", run.name()));
    let own = cluster
        .list::<Job>(&scope, &own)
        .await
        .map_err(exit::cluster)?;
    if let Some(job) = own.items.into_iter().next() {
        return Ok(job);
    }
    if let Some(schedule) = run.schedule() {
        let siblings = cluster
            .runs_of(&scope, schedule)
            .await
            .map_err(exit::cluster)?;
        let siblings: Vec<_> = siblings.iter().map(Run::name).collect();
        let mut all = cluster
            .list::<Job>(&scope, &of(collect))
            .await
            .map_err(exit::cluster)?
            .items;
        all.sort_by_key(|job| {
            std::cmp::Reverse(job.metadata.creation_timestamp.as_ref().map(|time| time.0))
        });
        let label = |job: &Job| job.metadata.labels.as_ref()?.get(RUN_LABEL).cloned();
        let mut all = all.into_iter();
        if let Some(job) =
            all.find(|job| label(job).is_some_and(|run| siblings.contains(&run.as_str())))
        {
            return Ok(job);
        }
    }
    Err(exit::cannot_tell(format!(
        "no job of run {} or its schedule is left that tells how a pod reaches its storage",
        run.name()
    )))
}

fn name(job: &Job) -> &str {
    job.metadata.name.as_deref().unwrap_or_default()
}

/// The pod: the collect step's, but that it shows a file, soon ends, and is none of the run's own pods.
fn pod(run: &Run, job: &Job, url: &str) -> Option<Value> {
    let template = serde_json::to_value(&job.spec.as_ref()?.template).ok()?;
    let mut spec = template["spec"].clone();
    let containers = spec["containers"].as_array_mut()?;
    let scorer = containers
        .iter_mut()
        .find(|container| container["name"] == CONTAINER)?;
    scorer["args"] = json!(["show", url, "--max-bytes", BYTES.to_string()]);
    spec["restartPolicy"] = json!("Never");
    spec["activeDeadlineSeconds"] = json!(DEADLINE);
    let kept = |field: &str, dropped: &dyn Fn(&str) -> bool| {
        let fields = template["metadata"][field]
            .as_object()
            .cloned()
            .unwrap_or_default();
        fields
            .into_iter()
            .filter(|(name, _)| !dropped(name))
            .collect::<Map<_, _>>()
    };
    // With them the run's Jobs and the operator would take it for one of theirs.
    let of_step = |name: &str| {
        [RUN_LABEL, STEP_LABEL, PART_LABEL, SCHEDULE_LABEL].contains(&name)
            || name.contains("batch.kubernetes.io/")
            || matches!(
                name,
                "job-name" | "controller-uid" | "kueue.x-k8s.io/queue-name"
            )
    };
    let mut labels = kept("labels", &of_step);
    labels.insert("app.kubernetes.io/component".to_owned(), json!("show"));
    Some(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": format!("{}-show-", run.name()),
            "labels": labels,
            "annotations": kept("annotations", &|_| false),
            // It goes with the run, whatever becomes of this program.
            "ownerReferences": [{
                "apiVersion": API_VERSION, "kind": "ScoringRun", "name": run.name(), "uid": run.uid(),
                "controller": false, "blockOwnerDeletion": false,
            }],
        },
        "spec": spec,
    }))
}

/// What the pod shows, once it has ended.
async fn shown(cluster: &Cluster, run: &Run, name: &str) -> Result<String> {
    let scope = Scope::Namespace(run.namespace().to_owned());
    let begun = tokio::time::Instant::now();
    loop {
        let pod: Pod = cluster.get(&scope, name).await.map_err(exit::cluster)?;
        match pod.phase() {
            "Succeeded" => {
                let log = cluster.log(run.namespace(), name, None).await;
                return log.map_err(exit::cluster);
            }
            "Failed" => {
                let log = cluster
                    .log(run.namespace(), name, Some(20))
                    .await
                    .unwrap_or_default();
                let reason = pod.status.reason.unwrap_or_default();
                return Err(exit::cannot_tell(format!(
                    "pod {name} failed {reason}\n{}",
                    log.trim_end()
                )));
            }
            phase if begun.elapsed() > PATIENCE => {
                return Err(CommandError {
                    error: anyhow!("pod {name} is {phase} after {} s", PATIENCE.as_secs()),
                    code: exit::TIMED_OUT,
                });
            }
            _ => tokio::time::sleep(AGAIN).await,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_pod_is_the_collect_steps_with_another_command() {
        let run: Run = serde_json::from_value(json!({
            "metadata": {"name": "pumps-1", "namespace": "plant", "uid": "u"}, "spec": {},
        }))
        .unwrap();
        let job: Job = serde_json::from_value(json!({
            "metadata": {"name": "pumps-1-collect"},
            "spec": {"template": {
                "metadata": {
                    "labels": {
                        "scoring.fleetscore.io/run": "pumps-1", "scoring.fleetscore.io/step": "collect", "team": "a",
                        "azure.workload.identity/use": "true", "batch.kubernetes.io/job-name": "pumps-1-collect",
                    },
                },
                "spec": {
                    "serviceAccountName": "scorer", "restartPolicy": "OnFailure",
                    "containers": [{"name": "scorer", "image": "i", "args": ["collect"], "env": [{"name": "A", "value": "b"}]}],
                },
            }},
        }))
        .unwrap();
        let pod = pod(&run, &job, "az://p/_run/logs/plan.log").unwrap();
        let container = &pod["spec"]["containers"][0];
        assert_eq!(
            container["args"],
            json!([
                "show",
                "az://p/_run/logs/plan.log",
                "--max-bytes",
                "8388608"
            ])
        );
        assert_eq!(
            (&container["image"], &container["env"][0]["value"]),
            (&json!("i"), &json!("b"))
        );
        assert_eq!(pod["spec"]["serviceAccountName"], "scorer");
        assert_eq!(pod["spec"]["restartPolicy"], "Never");
        assert_eq!(pod["spec"]["activeDeadlineSeconds"], 120);
        assert_eq!(
            pod["metadata"]["labels"],
            json!({"team": "a", "azure.workload.identity/use": "true", "app.kubernetes.io/component": "show"})
        );
        let owner = &pod["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["uid"], &owner["controller"]),
            (&json!("u"), &json!(false))
        );
    }
}
