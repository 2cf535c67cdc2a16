//! The scorer in a pod that is started for a question: it has a run's identity, secrets, volumes and network.

use std::time::Duration;

use anyhow::anyhow;
use fleetscore_cluster::{Cluster, Pod, Run, Scope, Selector};
use fleetscore_crds::contract::run_pod::{CONTAINER, PART_LABEL, RUN_LABEL, STEP_LABEL, step_name};
use fleetscore_crds::{API_VERSION, SCHEDULE_LABEL, Step};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod as CorePod;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Map, Value, json};

use super::exit;
use crate::commands::{CommandError, Result, failure, output};

/// How long the pod may take, from its start on; then the cluster ends it.
const DEADLINE: u32 = 120;
/// How long is waited for it, with the time that a node takes.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often is looked at it.
const AGAIN: Duration = Duration::from_secs(1);

/// What the scorer is asked in the pod.
pub struct Question<'a> {
    /// The command, which is also in the pod's name and labels.
    pub command: &'a str,
    /// Its arguments.
    pub args: Vec<String>,
    /// What it does, in words.
    pub words: String,
}

/// What the scorer answers, in a pod made from the template of `job`, which is deleted again in any case.
///
/// # Errors
///
/// A pod that cannot be started or that fails, with its last lines; code 124 where it does not come to its end, code 130 on Ctrl-C.
pub async fn ask(
    cluster: &Cluster,
    run: &Run,
    job: &Job,
    question: &Question<'_>,
) -> Result<String> {
    // It is known before the pod is there, so that it can be deleted whenever Ctrl-C comes.
    let name = format!(
        "{}-{}-{:05x}",
        run.name(),
        question.command,
        rand::random::<u32>() & 0xf_ffff
    );
    let pod = pod(run, job, &name, question).ok_or_else(|| {
        let job = job.metadata.name.as_deref().unwrap_or_default();
        exit::cannot_tell(format!(
            "the template of job {job} has no container {CONTAINER}"
        ))
    })?;
    let pod: CorePod = serde_json::from_value(pod).map_err(failure)?;
    let api: Api<CorePod> = Api::namespaced(cluster.client().clone(), run.namespace());
    let answered = async {
        let created = api.create(&PostParams::default(), &pod).await;
        created.map_err(|error| exit::cannot_tell(format!("no pod can be started: {error}")))?;
        output::note(&format!("note: pod {name} {}", question.words));
        answer(cluster, run, &name).await
    };
    let answered = tokio::select! {
        answered = answered => answered,
        _ = tokio::signal::ctrl_c() => Err(CommandError {
            error: anyhow!("stopped"),
            code: exit::INTERRUPTED,
        }),
    };
    match api
        .delete(&name, &DeleteParams::default().grace_period(0))
        .await
    {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => output::note(&format!(
            "note: pod {name} could not be deleted ({error}); it ends after {DEADLINE} s and goes with the run"
        )),
    }
    answered
}

/// The run's collect Job, else that of another run of its schedule.
///
/// # Errors
///
/// Code 5 where none is left.
pub async fn template(cluster: &Cluster, run: &Run) -> Result<Job> {
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

/// The pod: the collect step's, but that it answers, soon ends, and is none of the run's own pods.
fn pod(run: &Run, job: &Job, name: &str, question: &Question<'_>) -> Option<Value> {
    let template = serde_json::to_value(&job.spec.as_ref()?.template).ok()?;
    let mut spec = template["spec"].clone();
    let containers = spec["containers"].as_array_mut()?;
    let scorer = containers
        .iter_mut()
        .find(|container| container["name"] == CONTAINER)?;
    let command = std::iter::once(question.command);
    let args = command.chain(question.args.iter().map(String::as_str));
    scorer["args"] = args.collect();
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
    labels.insert(
        "app.kubernetes.io/component".to_owned(),
        json!(question.command),
    );
    Some(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
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

/// What the pod prints, once it has ended.
async fn answer(cluster: &Cluster, run: &Run, name: &str) -> Result<String> {
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
                let text = format!("pod {name} failed {reason}");
                return Err(exit::cannot_tell(format!(
                    "{}\n{}",
                    text.trim_end(),
                    log.trim_end()
                )));
            }
            phase if begun.elapsed() > PATIENCE => {
                return Err(CommandError {
                    error: anyhow!(
                        "pod {name} is {phase} after {} s{}",
                        PATIENCE.as_secs(),
                        waits(&pod)
                    ),
                    code: exit::TIMED_OUT,
                });
            }
            _ => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// Why a pod has not started, if that is known.
fn waits(pod: &Pod) -> String {
    let states = pod.states().filter_map(|state| state.waiting.as_ref());
    let waiting = states.filter_map(|waiting| waiting.message.clone().or(waiting.reason.clone()));
    let scheduled = pod
        .condition("PodScheduled")
        .filter(|found| found.status == "False");
    let scheduled = scheduled.and_then(|found| found.message.clone());
    let why = scheduled.into_iter().chain(waiting).next();
    why.map_or_else(String::new, |why| format!(": {why}"))
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
        let question = Question {
            command: "show",
            args: ["az://p/_run/logs/plan.log", "--max-bytes", "8388608"]
                .map(str::to_owned)
                .to_vec(),
            words: String::new(),
        };
        let pod = pod(&run, &job, "pumps-1-show-1", &question).unwrap();
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
