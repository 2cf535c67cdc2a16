//! The Python beside a score pod's scorer: a container of the run's own image that sees a model's file and the readings of a sensor, and
//! nothing else.
//!
//! It is an init container that goes on (`restartPolicy: Always`): it listens before the scorer starts, and the pod has ended when the
//! scorer has. No secret, no token, no file server and none of the run's own files are in it.

use fleetscore_crds::WorkerSpec;
use fleetscore_crds::contract::run_pod;
use fleetscore_crds::contract::worker_pod::{
    CONTAINER, DIR, FILE, FOLDER, MODELS, PROGRAM_FILE, SOCKET, SOCKET_FILE, SPEC, THREADS,
};
use serde_json::{Map, Value, json};

use crate::volumes::append;

/// What the worker runs. One file, so that any image with Python can run it as it is.
pub const PROGRAM: &str = include_str!("../../../../scorer/src/worker/worker.py");

/// The folder that scorer and worker share.
const VOLUME: &str = "fleetscore-worker";
/// What the worker may write otherwise: its root is read-only.
const TEMPORARY: &str = "fleetscore-worker-tmp";
/// Where Kubernetes puts a service account's token, unless something else is there.
const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Space for the models that are being scored, and for what the worker writes. A pod that takes more is evicted.
const SPACE: &str = "4Gi";
/// The containers that workload identity gives no token to.
const SKIPPED: &str = "azure.workload.identity/skip-containers";

/// Puts a worker beside the scorer of a pod template.
pub fn put(worker: &WorkerSpec, template: &mut Value) {
    let spec = &mut template["spec"];
    let volume = |name: &&str| json!({"name": name, "emptyDir": {"sizeLimit": SPACE}});
    append(spec, "volumes", [VOLUME, TEMPORARY].iter().map(volume));
    spec["initContainers"] = json!([container(worker)]);
    let scorer = &mut spec["containers"][0];
    scorer["resources"]["requests"]["cpu"] = json!(worker.scorer_cpu());
}

fn container(worker: &WorkerSpec) -> Value {
    let memory = format!("{}Mi", worker.container_memory_mib());
    json!({
        "name": CONTAINER,
        "image": worker.image.as_deref().unwrap_or_default(),
        // What it wrote last explains why it ended.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "env": [
            {"name": "HOME", "value": "/tmp"},
            {"name": THREADS, "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu"}}},
        ],
        "volumeMounts": [{"name": TEMPORARY, "mountPath": "/tmp"}],
        "resources": {
            "requests": {"cpu": worker.processes.to_string(), "memory": memory},
            "limits": {"memory": memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
    })
}

/// What no template can change: how scorer and worker find each other, and that the worker gets no token. `template` is the pod's, with all
/// templates in it; `map` is the volume with the program.
pub fn reserved(
    worker: &WorkerSpec,
    template: &Map<String, Value>,
    map: &str,
) -> Map<String, Value> {
    let find = [
        json!({"name": SOCKET, "value": SOCKET_FILE}),
        json!({"name": DIR, "value": MODELS}),
    ];
    let shared = json!({"name": VOLUME, "mountPath": FOLDER});
    let told = [json!({"name": SPEC, "value": json!(worker).to_string()})];
    let told: Vec<_> = find.iter().chain(&told).collect();
    let program = [PROGRAM_FILE.to_owned()];
    let is_there = "import os, sys; sys.exit(not os.path.exists(sys.argv[1]))";
    let is_there = ["-c", is_there, SOCKET_FILE].map(str::to_owned);
    let command = |rest: &[String]| [worker.command.as_slice(), rest].concat();
    let skipped = template
        .get("metadata")
        .map(|found| &found["annotations"][SKIPPED]);
    let fields = json!({
        "metadata": {"annotations": {SKIPPED: with_worker(skipped.and_then(Value::as_str))}},
        "spec": {
            // What a process is handed, another one of its user could read.
            "shareProcessNamespace": false,
            "initContainers": [{
                "name": CONTAINER,
                "restartPolicy": "Always",
                "command": command(&program),
                "args": null,
                "env": told,
                "volumeMounts": [
                    {"name": map, "mountPath": PROGRAM_FILE, "subPath": FILE, "readOnly": true},
                    shared,
                    {"name": TEMPORARY, "mountPath": TOKEN_FOLDER, "subPath": "no-token", "readOnly": true},
                ],
                // The scorer starts once this has succeeded, and a worker that cannot start is told of as what keeps its pod waiting.
                "startupProbe": {
                    "exec": {"command": command(&is_there)},
                    "periodSeconds": 1,
                    "timeoutSeconds": 20,
                    "failureThreshold": 120,
                },
            }],
            "containers": [{"name": run_pod::CONTAINER, "env": find, "volumeMounts": [shared]}],
        },
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Whether nothing names the image of the worker in a pod template that has one.
pub fn lacks_image(template: &Value) -> bool {
    let containers = template["spec"]["initContainers"].as_array();
    let mut containers = containers.into_iter().flatten();
    let worker = containers.find(|found| found["name"] == CONTAINER);
    worker.is_some_and(|worker| worker["image"].as_str().unwrap_or_default().is_empty())
}

/// The list of containers without a token, as a template has it, with the worker in it.
fn with_worker(skipped: Option<&str>) -> String {
    let skipped = skipped.unwrap_or_default();
    let names = skipped.split(';').map(str::trim);
    let mut names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    if !names.contains(&CONTAINER) {
        names.push(CONTAINER);
    }
    names.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::build::{config_map, pod};
    use crate::run::snapshot::RunSnapshot;
    use crate::run::testing::{PART, config, snapshot};
    use fleetscore_crds::{AzureAuth, Step};

    fn with_worker(worker: Value) -> RunSnapshot {
        let mut run = snapshot();
        run.spec.model.worker = Some(serde_json::from_value(worker).unwrap());
        run
    }

    fn score_pod(run: &RunSnapshot) -> Value {
        pod(&config(), run, Step::Score, Some(&PART))
    }

    fn template(spec: &Value) -> Map<String, Value> {
        spec.as_object().unwrap().clone()
    }

    #[test]
    fn the_whole_container() {
        let run = with_worker(json!({
            "image": "plant/predict:3", "module": "plant.predict", "command": ["/opt/python", "-X", "utf8"],
            "processes": 2, "memoryMiB": 2048,
        }));
        let template = score_pod(&run);
        let told = json!({
            "image": "plant/predict:3", "module": "plant.predict", "command": ["/opt/python", "-X", "utf8"],
            "processes": 2, "timeoutSeconds": 120, "memoryMiB": 2048, "miniBatch": "Frame", "use": "Always",
        });
        let mut worker = template["spec"]["initContainers"][0].clone();
        let env = worker["env"].as_array_mut().unwrap();
        let spec = env
            .iter_mut()
            .find(|one| one["name"] == "FLEETSCORE_WORKER");
        let spec = spec.unwrap()["value"].take();
        let spec: Value = serde_json::from_str(spec.as_str().unwrap()).unwrap();
        assert_eq!(spec, told);
        let expected = json!({
            "name": "worker",
            "image": "plant/predict:3",
            "restartPolicy": "Always",
            "command": ["/opt/python", "-X", "utf8", "/etc/fleetscore/worker.py"],
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "env": [
                {"name": "HOME", "value": "/tmp"},
                {"name": "FLEETSCORE_THREADS", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu"}}},
                {"name": "FLEETSCORE_WORKER_SOCKET", "value": "/run/fleetscore/socket"},
                {"name": "FLEETSCORE_WORKER_DIR", "value": "/run/fleetscore/models"},
                {"name": "FLEETSCORE_WORKER", "value": null},
            ],
            "volumeMounts": [
                {"name": "fleetscore-worker-tmp", "mountPath": "/tmp"},
                {"name": "fleetscore-run", "mountPath": "/etc/fleetscore/worker.py", "subPath": "worker.py", "readOnly": true},
                {"name": "fleetscore-worker", "mountPath": "/run/fleetscore"},
                {"name": "fleetscore-worker-tmp", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "subPath": "no-token", "readOnly": true},
            ],
            "resources": {"requests": {"cpu": "2", "memory": "4224Mi"}, "limits": {"memory": "4224Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "startupProbe": {
                "exec": {"command": [
                    "/opt/python", "-X", "utf8",
                    "-c", "import os, sys; sys.exit(not os.path.exists(sys.argv[1]))", "/run/fleetscore/socket",
                ]},
                "periodSeconds": 1,
                "timeoutSeconds": 20,
                "failureThreshold": 120,
            },
        });
        assert_eq!(worker, expected, "{worker:#}");
        let scorer = &template["spec"]["containers"][0];
        let has = |list: &Value, item: Value| list.as_array().unwrap().contains(&item);
        assert!(has(
            &scorer["env"],
            json!({"name": "FLEETSCORE_WORKER_SOCKET", "value": "/run/fleetscore/socket"})
        ));
        assert!(has(
            &scorer["env"],
            json!({"name": "FLEETSCORE_WORKER_DIR", "value": "/run/fleetscore/models"})
        ));
        assert!(has(
            &scorer["volumeMounts"],
            json!({"name": "fleetscore-worker", "mountPath": "/run/fleetscore"})
        ));
        assert_eq!(scorer["resources"]["requests"]["cpu"], "250m");
    }

    #[test]
    fn only_score_pods_have_it_and_only_where_the_run_does() {
        let run = with_worker(json!({"image": "plant/predict:3"}));
        for step in [Step::Plan, Step::Collect] {
            let text = pod(&config(), &run, step, None).to_string();
            assert!(
                !text.contains("predict") && !text.contains("WORKER"),
                "{text}"
            );
        }
        let map = config_map(&run);
        assert_eq!(map["data"]["worker.py"], PROGRAM);
        // The API server takes a MiB, and the spec may have much of it.
        assert!(PROGRAM.len() < 64 << 10, "{}", PROGRAM.len());
        let without = snapshot();
        assert!(config_map(&without)["data"]["worker.py"].is_null());
        assert!(score_pod(&without)["spec"]["initContainers"].is_null());
        assert_eq!(
            score_pod(&without)["spec"]["shareProcessNamespace"],
            Value::Null
        );
    }

    #[test]
    fn it_sees_neither_credentials_nor_files_of_the_run() {
        let mut run = with_worker(json!({"image": "plant/predict:3"}));
        run.spec.storage = serde_json::from_value(json!({
            "azure": {"account": "plant", "auth": "Secret", "secretRef": {"name": "keys"}},
            "volumes": [{"name": "plant", "mountPath": "/data", "claim": "files"}],
        }))
        .unwrap();
        let found = score_pod(&run);
        let worker = &found["spec"]["initContainers"][0];
        assert!(worker["envFrom"].is_null());
        let mounts = worker["volumeMounts"].as_array().unwrap();
        let named: Vec<_> = mounts
            .iter()
            .map(|mount| mount["name"].as_str().unwrap())
            .collect();
        assert!(!named.contains(&"storage-plant"), "{named:?}");
        // Of the run's ConfigMap it has the program alone.
        let of_map = mounts
            .iter()
            .filter(|mount| mount["name"] == "fleetscore-run");
        assert!(
            of_map.clone().count() == 1
                && of_map.clone().all(|mount| mount["subPath"] == "worker.py")
        );
        let env = worker["env"].to_string();
        assert!(!env.contains("AZURE") && !env.contains("keys"), "{env}");

        run.spec.storage.azure.as_mut().unwrap().auth = AzureAuth::WorkloadIdentity;
        let annotations =
            |run: &RunSnapshot| score_pod(run)["metadata"]["annotations"][SKIPPED].clone();
        assert_eq!(annotations(&run), "worker");
        for (given, expected) in [
            ("side", "side;worker"),
            ("worker", "worker"),
            ("a; worker ;b", "a;worker;b"),
            (" ; ", "worker"),
        ] {
            run.spec.pod_template.metadata = template(&json!({"annotations": {SKIPPED: given}}));
            assert_eq!(annotations(&run), expected, "{given}");
        }
    }

    #[test]
    fn a_template_sizes_it_and_brings_code_but_no_token() {
        let mut run =
            with_worker(json!({"image": "plant/predict:3", "module": "predict", "use": "Refused"}));
        run.spec.pod_template.spec = template(&json!({
            "automountServiceAccountToken": true,
            "shareProcessNamespace": true,
            "volumes": [{"name": "code", "configMap": {"name": "pumps-code"}}],
            "initContainers": [
                {
                    "name": "worker",
                    "restartPolicy": "OnFailure",
                    "command": ["sh"], "args": ["-c", "env"],
                    "resources": {"requests": {"cpu": "500m"}, "limits": {"nvidia.com/gpu": 1}},
                    "env": [{"name": "PYTHONPATH", "value": "/code"}, {"name": "FLEETSCORE_WORKER_SOCKET", "value": "/x"}],
                    "volumeMounts": [
                        {"name": "code", "mountPath": "/code"},
                        {"name": "code", "mountPath": TOKEN_FOLDER},
                    ],
                },
                {"name": "fetch", "image": "fetch:1"},
            ],
        }));
        let found = score_pod(&run);
        let spec = &found["spec"];
        assert_eq!(spec["shareProcessNamespace"], false);
        let names = spec["initContainers"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["worker", "fetch"]);
        let worker = &spec["initContainers"][0];
        assert_eq!(worker["restartPolicy"], "Always");
        assert_eq!(
            worker["command"],
            json!(["python3", "/etc/fleetscore/worker.py"])
        );
        assert!(worker["args"].is_null());
        assert_eq!(
            worker["resources"],
            json!({"requests": {"cpu": "500m", "memory": "1152Mi"}, "limits": {"memory": "1152Mi", "nvidia.com/gpu": 1}})
        );
        let env = worker["env"].as_array().unwrap();
        assert!(env.contains(&json!({"name": "PYTHONPATH", "value": "/code"})));
        let sockets = env.iter().filter(|one| one["name"] == SOCKET);
        assert_eq!(
            sockets.map(|one| &one["value"]).collect::<Vec<_>>(),
            [SOCKET_FILE]
        );
        let mounts = worker["volumeMounts"].as_array().unwrap();
        assert!(mounts.contains(&json!({"name": "code", "mountPath": "/code"})));
        // Kubernetes mounts no token where something is mounted already.
        let token = mounts
            .iter()
            .filter(|mount| mount["mountPath"] == TOKEN_FOLDER);
        assert_eq!(
            token.map(|mount| &mount["name"]).collect::<Vec<_>>(),
            [TEMPORARY]
        );
        // What Fleetscore reads itself takes the scorer's CPU.
        assert_eq!(spec["containers"][0]["resources"]["requests"]["cpu"], "1");
    }

    #[test]
    fn it_needs_an_image() {
        let mut run = with_worker(json!({}));
        assert!(lacks_image(&score_pod(&run)));
        let side = json!({"initContainers": [{"name": "worker", "image": "plant/predict:3"}]});
        run.spec.pod_template.spec = template(&side);
        assert!(!lacks_image(&score_pod(&run)));
        assert!(!lacks_image(&score_pod(&snapshot())));
    }
}
