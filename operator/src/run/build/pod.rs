use fleetscore_crds::contract::run_pod::{self, CONTAINER};
use fleetscore_crds::{AzureAuth, PodTemplate, ScorerVersion, Step, WorkerSpec};
use serde_json::{Map, Value, json};

use super::{Part, config_map_name, labels, step_name, worker};
use crate::config::Config;
use crate::merge::merge;
use crate::run::snapshot::RunSnapshot;
use crate::volumes;

const VOLUME: &str = "fleetscore-run";
/// Where a score pod puts predictions that do not fit into memory: its root is read-only.
const SCRATCH: &str = "scratch";
const SCRATCH_FOLDER: &str = "/scratch";
const WORKLOAD_IDENTITY: &str = "azure.workload.identity/use";

/// Labels of nodes that images depend on.
const OS: &str = "kubernetes.io/os";
const ARCHITECTURE: &str = "kubernetes.io/arch";

/// The pod template of a step: the defaults, then the operator's template, then the run's, then what is not theirs to change.
pub fn pod(config: &Config, run: &RunSnapshot, step: Step, part: Option<&Part>) -> Value {
    let [operators, runs] = layers(config, run, step);
    let mut template = defaults(config, run, step);
    merge(&mut template, &operators);
    if let Some(image) = planned_image(run, step) {
        merge(&mut template, &with_image(image));
    }
    merge(&mut template, &runs);
    merge(&mut template, &reserved(run, step, part));
    if let Some(worker) = worker_of(run, step) {
        let fields = worker::reserved(worker, &template, VOLUME);
        merge(&mut template, &fields);
    }
    Value::Object(template)
}

/// What the pods of a step run, under the run's own templates: what the run was planned with, and for the plan what this operator has.
pub fn scorer(config: &Config, run: &RunSnapshot, step: Step) -> ScorerVersion {
    if let Some(planned) = run.status.scorer.as_ref().filter(|_| step != Step::Plan) {
        return planned.clone();
    }
    let image = |template: &PodTemplate| {
        let containers = template.spec.get("containers").and_then(Value::as_array);
        let mut containers = containers.into_iter().flatten();
        let found = containers.find(|found| found["name"] == CONTAINER);
        let named = found.and_then(|found| found["image"].as_str());
        named.unwrap_or(&config.scorer.image).to_owned()
    };
    let (score, coordinator) = (
        image(&config.pod_template),
        image(&config.coordinator_template),
    );
    ScorerVersion {
        coordinator_image: Some(coordinator).filter(|coordinator| *coordinator != score),
        image: score,
        operator: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The image that a later step has because the run was planned with it: two versions of the scorer do not share a run.
fn planned_image(run: &RunSnapshot, step: Step) -> Option<&str> {
    let scorer = run.status.scorer.as_ref()?;
    match step {
        Step::Plan => None,
        Step::Score => Some(&scorer.image),
        Step::Collect => Some(scorer.coordinator_image.as_ref().unwrap_or(&scorer.image)),
    }
}

fn with_image(image: &str) -> Map<String, Value> {
    object(json!({"spec": {"containers": [{"name": CONTAINER, "image": image}]}}))
}

fn layers(config: &Config, run: &RunSnapshot, step: Step) -> [Map<String, Value>; 2] {
    let templates = match step {
        Step::Score => [&config.pod_template, &run.spec.pod_template],
        Step::Plan | Step::Collect => {
            [&config.coordinator_template, &run.spec.coordinator_template]
        }
    };
    templates
        .map(|PodTemplate { metadata, spec }| object(json!({ "metadata": metadata, "spec": spec })))
}

fn defaults(config: &Config, run: &RunSnapshot, step: Step) -> Map<String, Value> {
    let mut template = json!({
        "metadata": {"labels": {}, "annotations": annotations(step)},
        "spec": {
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 60,
            "nodeSelector": platform(config),
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container(config, run, step)],
        },
    });
    if step == Step::Score {
        template["spec"]["volumes"] = json!([{"name": SCRATCH, "emptyDir": {}}]);
        let container = &mut template["spec"]["containers"][0];
        container["volumeMounts"] = json!([{"name": SCRATCH, "mountPath": SCRATCH_FOLDER}]);
        if let Some(env) = container["env"].as_array_mut() {
            env.push(json!({"name": "TMPDIR", "value": SCRATCH_FOLDER}));
        }
    }
    let mut container = template["spec"]["containers"][0].take();
    volumes::mount(&run.spec.storage, &mut template["spec"], &mut container);
    template["spec"]["containers"][0] = container;
    if let Some(worker) = worker_of(run, step) {
        worker::put(worker, &mut template);
    }
    if auth(run) == Some(AzureAuth::WorkloadIdentity) {
        template["metadata"]["labels"][WORKLOAD_IDENTITY] = json!("true");
    }
    object(template)
}

/// The nodes that can run the image: Linux, and the architecture that the coordinators ask for, where they do.
fn platform(config: &Config) -> Value {
    let mut selector = json!({OS: "linux"});
    let coordinators = config.coordinator_template.spec.get("nodeSelector");
    for label in [OS, ARCHITECTURE] {
        if let Some(wanted) = coordinators.and_then(|labels| labels.get(label)) {
            selector[label] = wanted.clone();
        }
    }
    selector
}

/// A score pod that is moved begins again, so autoscalers are asked to leave it where it is.
fn annotations(step: Step) -> Value {
    match step {
        Step::Score => json!({
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            "karpenter.sh/do-not-disrupt": "true",
        }),
        Step::Plan | Step::Collect => json!({}),
    }
}

fn container(config: &Config, run: &RunSnapshot, step: Step) -> Value {
    let (cpu, memory) = match step {
        Step::Score => (run_pod::SCORE_CPU, run_pod::SCORE_MEMORY),
        Step::Plan | Step::Collect => ("100m", "256Mi"),
    };
    let mut container = json!({
        "name": CONTAINER,
        "image": config.scorer.image,
        // A pod that dies without a word is explained by the end of its log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        // Half of the memory is for readings in flight; a template that changes the limit sets the variable as well.
        "env": [
            {"name": run_pod::MEMORY_MIB, "value": run_pod::DEFAULT_MEMORY_MIB.to_string()},
            {"name": run_pod::THREADS, "valueFrom": {"resourceFieldRef": {"containerName": CONTAINER, "resource": "requests.cpu"}}},
        ],
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
    });
    if let Some(policy) = &config.scorer.image_pull_policy {
        container["imagePullPolicy"] = json!(policy);
    }
    if let Some(name) = secret(run) {
        // The secret's keys become FLEETSCORE_AZURE_accountKey and FLEETSCORE_AZURE_sasToken. A secret that does not exist keeps
        // the container from starting, with a message that names it.
        container["envFrom"] =
            json!([{"prefix": run_pod::AZURE_SECRET, "secretRef": {"name": name}}]);
    }
    container
}

/// What no template can change: which step runs, on which run, and how its Job sees it.
fn reserved(run: &RunSnapshot, step: Step, part: Option<&Part>) -> Map<String, Value> {
    let mut env = vec![json!({"name": run_pod::MANIFEST, "value": run_pod::MANIFEST_FILE})];
    if let Some(part) = part {
        env.push(json!({"name": run_pod::SHARD_OFFSET, "value": part.offset.to_string()}));
    }
    object(json!({
        "metadata": {"labels": labels(run, step)},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": CONTAINER,
                "args": [step_name(step)],
                "env": env,
                "volumeMounts": [{"name": VOLUME, "mountPath": run_pod::FOLDER, "readOnly": true}],
            }],
            "volumes": [{"name": VOLUME, "configMap": {"name": config_map_name(&run.name)}}],
        },
    }))
}

/// The Python beside the scorer: models are read in the score step alone.
fn worker_of(run: &RunSnapshot, step: Step) -> Option<&WorkerSpec> {
    let worker = run.spec.model.worker.as_ref();
    worker.filter(|_| step == Step::Score)
}

fn auth(run: &RunSnapshot) -> Option<AzureAuth> {
    run.spec.storage.azure.as_ref().map(|azure| azure.auth)
}

fn secret(run: &RunSnapshot) -> Option<&str> {
    let azure = run.spec.storage.azure.as_ref()?;
    let secret = azure.secret_ref.as_ref()?;
    (azure.auth == AzureAuth::Secret).then_some(secret.name.as_str())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{PART, config, snapshot};
    use k8s_openapi::api::core::v1::PodTemplateSpec;

    fn typed(value: &Value) -> PodTemplateSpec {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn a_score_pod_runs_its_step_under_the_restricted_standard() {
        let template = pod(&config(), &snapshot(), Step::Score, Some(&PART));
        let container = &template["spec"]["containers"][0];
        assert_eq!(container["args"], json!(["score"]));
        let env = container["env"].as_array().unwrap();
        assert!(env.contains(&json!({"name": "FLEETSCORE_SHARD_OFFSET", "value": "10000"})));
        assert_eq!(template["spec"]["restartPolicy"], "Never");
        assert_eq!(
            template["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"],
            "true"
        );
        let spec = typed(&template).spec.unwrap();
        let context = spec.containers[0].security_context.clone().unwrap();
        assert_eq!(context.allow_privilege_escalation, Some(false));
        assert_eq!(
            context.capabilities.unwrap().drop,
            Some(vec!["ALL".to_owned()])
        );
        assert_eq!(spec.security_context.unwrap().run_as_non_root, Some(true));
        assert_eq!(spec.automount_service_account_token, Some(false));
    }

    #[test]
    fn a_score_pod_has_room_on_disk_for_what_does_not_fit_into_memory() {
        let score = pod(&config(), &snapshot(), Step::Score, Some(&PART));
        let container = &score["spec"]["containers"][0];
        let has = |list: &Value, item: Value| list.as_array().unwrap().contains(&item);
        assert!(has(
            &score["spec"]["volumes"],
            json!({"name": "scratch", "emptyDir": {}})
        ));
        assert!(has(
            &container["volumeMounts"],
            json!({"name": "scratch", "mountPath": "/scratch"})
        ));
        assert!(has(
            &container["env"],
            json!({"name": "TMPDIR", "value": "/scratch"})
        ));
        let plan = pod(&config(), &snapshot(), Step::Plan, None).to_string();
        assert!(!plan.contains("scratch"));
    }

    #[test]
    fn every_step_mounts_the_file_servers() {
        let mut run = snapshot();
        run.spec.storage = serde_json::from_value(json!({"volumes": [
            {"name": "plant", "mountPath": "/data", "claim": "files"},
            {"name": "models", "mountPath": "/models", "nfs": {"server": "nfs.plant", "path": "/m"}, "readOnly": true},
            {"name": "share", "mountPath": "/share", "csi": {"driver": "file.csi.azure.com",
                "volumeAttributes": {"shareName": "s"}, "secretRef": {"name": "keys"}}},
        ]}))
        .unwrap();
        for (step, part) in [
            (Step::Plan, None),
            (Step::Score, Some(&PART)),
            (Step::Collect, None),
        ] {
            let template = pod(&config(), &run, step, part);
            let spec = typed(&template).spec.unwrap();
            let mounts = spec.containers[0].volume_mounts.clone().unwrap();
            let at = |path: &str| mounts.iter().find(|mount| mount.mount_path == path);
            assert_eq!(at("/data").unwrap().name, "storage-plant");
            assert_eq!(at("/models").unwrap().read_only, Some(true));
            assert!(at("/share").is_some() && at("/etc/fleetscore").is_some());
            assert_eq!(at("/scratch").is_some(), step == Step::Score);
            let volumes = spec.volumes.unwrap();
            let named = |name: &str| volumes.iter().find(|volume| volume.name == name).unwrap();
            let claim = named("storage-plant").persistent_volume_claim.clone();
            assert_eq!(claim.unwrap().claim_name, "files");
            let nfs = named("storage-models").nfs.clone().unwrap();
            assert_eq!(
                (nfs.server.as_str(), nfs.path.as_str()),
                ("nfs.plant", "/m")
            );
            let csi = named("storage-share").csi.clone().unwrap();
            assert_eq!(csi.node_publish_secret_ref.unwrap().name, "keys");
            assert_eq!(csi.volume_attributes.unwrap()["shareName"], "s");
        }
    }

    #[test]
    fn the_runs_template_is_over_the_operators() {
        let mut config = config();
        let spec = json!({"nodeSelector": {"pool": "a", "os": "linux"}, "containers": [{"name": "scorer", "resources": {"requests": {"cpu": "2"}}}]});
        config.pod_template.spec = object(spec);
        let mut run = snapshot();
        run.spec.pod_template.spec = object(
            json!({"nodeSelector": {"pool": "b"}, "containers": [{"name": "scorer", "image": "mine:1"}]}),
        );
        run.spec.coordinator_template.spec = object(json!({"serviceAccountName": "reader"}));
        let score = pod(&config, &run, Step::Score, Some(&PART));
        assert_eq!(
            score["spec"]["nodeSelector"],
            json!({"pool": "b", "os": "linux", "kubernetes.io/os": "linux"})
        );
        let container = &score["spec"]["containers"][0];
        assert_eq!(container["image"], "mine:1");
        assert_eq!(
            container["resources"]["requests"],
            json!({"cpu": "2", "memory": "384Mi"})
        );
        assert!(score["spec"]["serviceAccountName"].is_null());
        let plan = pod(&config, &run, Step::Plan, None);
        assert_eq!(plan["spec"]["serviceAccountName"], "reader");
        assert_eq!(
            plan["spec"]["nodeSelector"],
            json!({"kubernetes.io/os": "linux"})
        );
    }

    #[test]
    fn score_pods_ask_for_the_platform_that_the_coordinators_have() {
        let mut config = config();
        let selector = json!({"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64", "kubernetes.azure.com/mode": "system"});
        config.coordinator_template.spec = object(json!({"nodeSelector": selector}));
        let mut run = snapshot();
        let selector =
            |run: &RunSnapshot, step| pod(&config, run, step, None)["spec"]["nodeSelector"].clone();
        let platform = json!({"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"});
        assert_eq!(selector(&run, Step::Score), platform);
        run.spec.pod_template.spec = object(json!({"nodeSelector": {"kubernetes.io/arch": null}}));
        assert_eq!(
            selector(&run, Step::Score),
            json!({"kubernetes.io/os": "linux"})
        );
    }

    #[test]
    fn a_run_keeps_the_scorer_that_it_was_planned_with() {
        let (mut config, mut run) = (config(), snapshot());
        let side = json!({"containers": [{"name": "scorer", "image": "plan:1"}]});
        config.coordinator_template.spec = object(side);
        let planned = scorer(&config, &run, Step::Plan);
        assert_eq!(
            (planned.image.as_str(), planned.coordinator_image.as_deref()),
            ("scorer:test", Some("plan:1"))
        );
        run.status.scorer = Some(planned.clone());
        // The operator is another one by now.
        config.scorer.image = "scorer:next".to_owned();
        config.coordinator_template.spec = Map::new();
        let image = |run: &RunSnapshot, step| {
            pod(&config, run, step, None)["spec"]["containers"][0]["image"].clone()
        };
        assert_eq!(image(&run, Step::Score), "scorer:test");
        assert_eq!(image(&run, Step::Collect), "plan:1");
        assert_eq!(scorer(&config, &run, Step::Collect), planned);
        // A plan that is made anew is made with what there is.
        assert_eq!(image(&run, Step::Plan), "scorer:next");
        assert_eq!(scorer(&config, &run, Step::Plan).image, "scorer:next");
        // The run's own template goes before all.
        run.spec.pod_template.spec =
            object(json!({"containers": [{"name": "scorer", "image": "mine:1"}]}));
        assert_eq!(image(&run, Step::Score), "mine:1");
    }

    #[test]
    fn no_template_changes_what_the_job_relies_on() {
        let mut run = snapshot();
        run.spec.pod_template.metadata =
            object(json!({"labels": {"scoring.fleetscore.io/run": "other", "team": "a"}}));
        run.spec.pod_template.spec = object(json!({
            "restartPolicy": "Always",
            "volumes": [{"name": "fleetscore-run", "emptyDir": {}}],
            "containers": [{
                "name": "scorer", "args": ["plan"],
                "env": [{"name": "FLEETSCORE_SHARD_OFFSET", "value": "7"}, {"name": "A", "value": "1"}],
                "volumeMounts": [{"name": "x", "mountPath": "/etc/fleetscore"}],
            }],
        }));
        let template = pod(&config(), &run, Step::Score, Some(&PART));
        assert_eq!(
            template["metadata"]["labels"]["scoring.fleetscore.io/run"],
            json!(run.name)
        );
        assert_eq!(template["metadata"]["labels"]["team"], "a");
        assert_eq!(template["spec"]["restartPolicy"], "Never");
        assert_eq!(
            template["spec"]["volumes"],
            json!([
                {"name": "scratch", "emptyDir": {}},
                {"name": "fleetscore-run", "configMap": {"name": "pumps-scoringrun"}},
            ])
        );
        let container = &template["spec"]["containers"][0];
        assert_eq!(container["args"], json!(["score"]));
        let mounts = container["volumeMounts"].as_array().unwrap();
        assert_eq!(mounts.len(), 2);
        assert!(mounts.contains(
            &json!({"name": "fleetscore-run", "mountPath": "/etc/fleetscore", "readOnly": true})
        ));
        let env = container["env"].as_array().unwrap();
        assert!(env.contains(&json!({"name": "FLEETSCORE_SHARD_OFFSET", "value": "10000"})));
        assert!(env.contains(&json!({"name": "A", "value": "1"})));
    }

    #[test]
    fn credentials_come_the_way_the_run_says() {
        let mut run = snapshot();
        let azure = |auth: &str| {
            serde_json::from_value(
                json!({"account": "plant", "auth": auth, "secretRef": {"name": "keys"}}),
            )
            .unwrap()
        };
        run.spec.storage.azure = Some(azure("Secret"));
        let template = pod(&config(), &run, Step::Plan, None);
        let source = &template["spec"]["containers"][0]["envFrom"][0];
        assert_eq!(
            source,
            &json!({"prefix": "FLEETSCORE_AZURE_", "secretRef": {"name": "keys"}})
        );
        assert!(template["metadata"]["labels"][WORKLOAD_IDENTITY].is_null());
        run.spec.storage.azure = Some(azure("WorkloadIdentity"));
        let template = pod(&config(), &run, Step::Score, Some(&PART));
        assert_eq!(template["metadata"]["labels"][WORKLOAD_IDENTITY], "true");
        assert!(template["spec"]["containers"][0]["envFrom"].is_null());
    }
}
