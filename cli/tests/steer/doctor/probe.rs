//! Pods that are started for a question.

use std::time::Duration;

use serde_json::{Value, json};

use super::{PODS, checks, examined, healthy};
use crate::tools::{Done, NAMESPACE, Person, RUN, RUNS, done};

/// The run's collect Job, whose template pods are made of.
fn collect(person: &Person) {
    person.api.create(
        "batch/v1/jobs",
        NAMESPACE,
        "pumps-1764324000-collect",
        json!({
            "metadata": {"labels": {"scoring.fleetscore.io/run": RUN, "scoring.fleetscore.io/step": "collect"}},
            "spec": {"template": {
                "metadata": {"labels": {"azure.workload.identity/use": "true", "scoring.fleetscore.io/run": RUN}},
                "spec": {"serviceAccountName": "scorer", "containers": [{"name": "scorer", "image": "i", "args": ["collect"]}]},
            }},
        }),
    );
}

/// Waits for the pod, and returns it.
async fn pod(person: &Person) -> Value {
    let mut changes = person.api.changes();
    loop {
        let found = person
            .api
            .with(|objects| objects.list(PODS, Some(NAMESPACE)));
        if let Some(pod) = found.into_iter().next() {
            return pod;
        }
        changes.changed().await.unwrap();
    }
}

/// Does as a kubelet: has the pod end so, and print this.
async fn kubelet(person: &Person, phase: &str, log: &str) -> Value {
    let pod = pod(person).await;
    let name = pod["metadata"]["name"].as_str().unwrap();
    let ended = json!({"metadata": {"annotations": {"log": log}}, "status": {"phase": phase}});
    person.api.merge(PODS, NAMESPACE, name, ended);
    pod
}

fn no_pod(person: &Person) -> bool {
    person
        .api
        .with(|objects| objects.list(PODS, None))
        .is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_a_pod_of_the_runs_that_is_gone_afterwards() {
    for (probe, args, phase, log, code, told) in [
        (
            "read",
            json!(["probe"]),
            "Succeeded",
            "models az://models/: read\n",
            0,
            "models az://models/: read",
        ),
        (
            "write",
            json!(["probe", "--write"]),
            "Succeeded",
            "x: written, read and deleted\n",
            0,
            "written, read and deleted",
        ),
        (
            "read",
            json!(["probe"]),
            "Failed",
            "scorer probe: az://models/: access is denied\n",
            1,
            "access is denied",
        ),
    ] {
        let person = healthy().await;
        collect(&person);
        let probing = ["--probe", probe];
        let (done, pod) = tokio::join!(examined(&person, &probing), kubelet(&person, phase, log));
        assert_eq!(done.code, code, "{done:?}");
        let found = checks(&done);
        let state = if code == 0 { "Ok" } else { "Fail" };
        let is_told = found.iter().any(|(found, message, _)| {
            found == state
                && message.starts_with("a pod as those of run pumps-1764324000: ")
                && message.contains(told)
        });
        assert!(is_told, "{found:#?}");
        assert_eq!(pod["spec"]["containers"][0]["args"], args);
        assert_eq!(
            (
                &pod["spec"]["serviceAccountName"],
                &pod["spec"]["activeDeadlineSeconds"]
            ),
            (&json!("scorer"), &json!(120))
        );
        assert_eq!(pod["metadata"]["ownerReferences"][0]["name"], RUN);
        assert_eq!(
            pod["metadata"]["labels"]["azure.workload.identity/use"],
            "true"
        );
        assert!(pod["metadata"]["labels"]["scoring.fleetscore.io/run"].is_null());
        assert!(no_pod(&person));
    }
    let person = healthy().await;
    let found = checks(&examined(&person, &["--probe", "read"]).await);
    assert!(
        found.iter().any(|(state, told, way)| state == "Warn"
            && told.contains("no pod was started: no job of run")
            && way.contains("trigger")),
        "{found:#?}"
    );
}

/// Runs the command, and stops it with Ctrl-C once `when` resolves.
async fn stopped(person: &Person, args: &[&str], when: impl Future<Output = ()>) -> Done {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command
        .arg("kubectl")
        .args(args)
        .env("KUBECONFIG", person.kubeconfig())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let stop = async {
        when.await;
        let mut kill = std::process::Command::new("kill");
        kill.args(["-INT", &pid]);
        assert_eq!(done(kill).await.code, 0);
    };
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let (output, ()) = tokio::join!(ended, stop);
    let output = output.unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_is_code_130_and_leaves_no_pod() {
    for args in [
        &["doctor", "--local-files", "--probe", "read"][..],
        &["logs", RUN, "--step", "plan", "--via", "pod"],
    ] {
        let person = healthy().await;
        collect(&person);
        let done = stopped(&person, args, async {
            pod(&person).await;
        })
        .await;
        assert_eq!(done.code, 130, "{done:?}");
        assert!(no_pod(&person), "{args:?}");
    }
    for args in [
        &["wait", RUN][..],
        &["logs", RUN, "-f"],
        &["status", RUN, "-w"],
    ] {
        let person = healthy().await;
        person.api.merge(
            RUNS,
            NAMESPACE,
            RUN,
            json!({"status": {"phase": "Scoring", "completionTime": null}}),
        );
        // It looks again and again: by the second time it listens.
        let looked = async {
            let looks = |asked: &crate::api::Asked| {
                asked.verb == "get" && asked.name.as_deref() == Some(RUN)
            };
            while person
                .api
                .asked()
                .iter()
                .filter(|asked| looks(asked))
                .count()
                < 3
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let done = stopped(&person, args, looked).await;
        assert_eq!(done.code, 130, "{args:?} {done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_by_a_pod_is_shown_and_the_pod_is_gone() {
    let person = healthy().await;
    collect(&person);
    let args = ["logs", RUN, "--shard", "3", "--via", "pod", "--tail", "1"];
    let (done, pod) = tokio::join!(
        person.does(&args),
        kubelet(&person, "Succeeded", "one\ntwo\u{1b}[2J\n")
    );
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "two\\u{1b}[2J\n"),
        "{done:?}"
    );
    let args = pod["spec"]["containers"][0]["args"].to_string();
    assert!(
        args.contains("\"show\"") && args.contains("_run/logs/000003.log"),
        "{args}"
    );
    assert!(no_pod(&person));
    let args = ["logs", RUN, "--step", "plan", "--via", "pod"];
    let (done, _) = tokio::join!(
        person.does(&args),
        kubelet(&person, "Failed", "scorer show: not found\n")
    );
    assert_eq!(done.code, 5);
    assert!(
        done.err.contains("scorer show: not found") && no_pod(&person),
        "{done:?}"
    );
    let several = person.does(&["logs", RUN, "--via", "pod"]).await;
    assert_eq!(several.code, 2, "{several:?}");
}
