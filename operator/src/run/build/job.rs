use fleetscore_crds::Step;
use fleetscore_crds::contract::run_pod;
use serde_json::{Value, json};

use super::pod::{pod, scorer};
use super::{
    CONTAINER, GENERATION_ANNOTATION, PART_LABEL, Part, QUEUE_LABEL, SCORER_ANNOTATION, job_name,
    labels,
};
use crate::config::Config;
use crate::run::snapshot::{Plan, RunSnapshot};

/// How long the report may take. It is the run's last step, and may begin when the run's own deadline has passed.
const COLLECT_SECONDS: u32 = 3600;

/// A score Job as the run's first one will be, but for its numbers: what to ask with whether it would be let in.
pub fn sample(config: &Config, run: &RunSnapshot) -> Value {
    let part = Part {
        index: 0,
        offset: 0,
        shards: 1,
        parallelism: 1,
    };
    let plan = Plan {
        sensors: 1,
        pods: 1,
    };
    job(config, run, Step::Score, Some((&part, plan)))
}

/// The Job of a step. `part` and `plan` are those of a score Job.
pub fn job(config: &Config, run: &RunSnapshot, step: Step, score: Option<(&Part, Plan)>) -> Value {
    let part = score.map(|(part, _)| part);
    let mut labels = labels(run, step);
    let mut spec = json!({
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": failure_policy(step),
        "template": pod(config, run, step, part),
    });
    match score {
        Some((part, plan)) => {
            labels[PART_LABEL] = json!(part.index.to_string());
            indexed(&mut spec, run, part, plan);
        }
        None => {
            spec["backoffLimit"] = json!(run.spec.failure_policy.retries_per_pod);
        }
    }
    if step == Step::Collect {
        spec["activeDeadlineSeconds"] = json!(COLLECT_SECONDS);
    }
    if run.is_queued() {
        labels[QUEUE_LABEL] = json!(run.spec.queue_name);
        spec["suspend"] = json!(true);
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(&run.name, step, part.map_or(0, |part| part.index)),
            "namespace": run.namespace,
            "labels": labels,
            "annotations": {
                GENERATION_ANNOTATION: run.generation.to_string(),
                SCORER_ANNOTATION: json!(scorer(config, run, step)).to_string(),
            },
            "ownerReferences": [run.owner()],
        },
        "spec": spec,
    })
}

fn indexed(spec: &mut Value, run: &RunSnapshot, part: &Part, plan: Plan) {
    let policy = &run.spec.failure_policy;
    spec["completionMode"] = json!("Indexed");
    spec["completions"] = json!(part.shards);
    spec["parallelism"] = json!(part.parallelism);
    spec["backoffLimitPerIndex"] = json!(policy.retries_per_pod);
    if policy.fail_fast {
        // A failed index holds at least one failed sensor.
        let limit = policy.max_failed_sensors.of(plan.sensors);
        spec["maxFailedIndexes"] = json!(limit.min(part.shards.into()));
    }
}

/// The first rule that fits a pod counts. What fits none counts against the limit of retries.
fn failure_policy(step: Step) -> Value {
    let exit = |action: &str, code: u8| json!({"action": action, "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [code]}});
    let fail_sensors = if step == Step::Score {
        "FailIndex"
    } else {
        "FailJob"
    };
    json!({"rules": [
        exit("FailJob", run_pod::REFUSED),
        exit(fail_sensors, run_pod::SENSORS_FAILED),
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{PART, config, snapshot};
    use fleetscore_crds::Limit;
    use k8s_openapi::api::batch::v1::Job;

    const PLAN: Plan = Plan {
        sensors: 200,
        pods: 10_005,
    };

    fn typed(run: &RunSnapshot, step: Step) -> Job {
        let score = (step == Step::Score).then_some((&PART, PLAN));
        serde_json::from_value(job(&config(), run, step, score)).unwrap()
    }

    #[test]
    fn a_score_job_is_indexed_and_retries_each_index() {
        let mut run = snapshot();
        let job = typed(&run, Step::Score);
        assert_eq!(job.metadata.name.as_deref(), Some("pumps-score-1"));
        let spec = job.spec.unwrap();
        assert_eq!((spec.completions, spec.parallelism), (Some(5), Some(2)));
        assert_eq!(spec.completion_mode.as_deref(), Some("Indexed"));
        assert_eq!(
            (spec.backoff_limit_per_index, spec.max_failed_indexes),
            (Some(3), None)
        );
        let actions: Vec<_> = spec
            .pod_failure_policy
            .unwrap()
            .rules
            .into_iter()
            .map(|rule| rule.action)
            .collect();
        assert_eq!(actions, ["FailJob", "FailIndex", "Ignore"]);
        assert_eq!(spec.ttl_seconds_after_finished, None);

        run.spec.failure_policy.fail_fast = true;
        run.spec.failure_policy.max_failed_sensors = Limit::Percent(1);
        assert_eq!(
            typed(&run, Step::Score).spec.unwrap().max_failed_indexes,
            Some(2)
        );
        run.spec.failure_policy.max_failed_sensors = Limit::Count(1000);
        assert_eq!(
            typed(&run, Step::Score).spec.unwrap().max_failed_indexes,
            Some(5)
        );
    }

    #[test]
    fn plan_and_collect_are_single_pods_of_which_collect_must_end() {
        for (step, deadline) in [(Step::Plan, None), (Step::Collect, Some(3600))] {
            let spec = typed(&snapshot(), step).spec.unwrap();
            assert_eq!((spec.completions, spec.completion_mode), (None, None));
            assert_eq!(
                (spec.backoff_limit, spec.active_deadline_seconds),
                (Some(3), deadline)
            );
        }
    }

    #[test]
    fn a_queued_job_waits_for_kueue() {
        let mut run = snapshot();
        run.spec.queue_name = "nightly".to_owned();
        for step in [Step::Plan, Step::Score, Step::Collect] {
            let job = typed(&run, step);
            assert_eq!(job.spec.unwrap().suspend, Some(true));
            assert_eq!(
                job.metadata.labels.unwrap()["kueue.x-k8s.io/queue-name"],
                "nightly"
            );
        }
    }

    #[test]
    fn a_job_belongs_to_its_run() {
        let job = typed(&snapshot(), Step::Collect);
        let owner = &job.metadata.owner_references.unwrap()[0];
        assert_eq!(
            (owner.kind.as_str(), owner.uid.as_str()),
            ("ScoringRun", "run-uid")
        );
        assert_eq!(
            (owner.controller, owner.block_owner_deletion),
            (Some(true), Some(true))
        );
        assert_eq!(
            job.metadata.annotations.unwrap()[GENERATION_ANNOTATION],
            "1"
        );
    }
}
