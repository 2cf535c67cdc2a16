use serde_json::json;

use super::{golden, merged, on_files, plant};
use crate::doctor::healthy;
use crate::tools::{NAMESPACE, Person, RUN, RUNS};

/// A pod of the run, which wrote this.
fn pod(person: &Person, step: &str, shard: u32, phase: &str, log: &str) {
    let job = if step == "score" { "score-0" } else { step };
    let labels = json!({
        "scoring.fleetscore.io/run": RUN, "scoring.fleetscore.io/step": step, "scoring.fleetscore.io/part": "0",
        "batch.kubernetes.io/job-name": format!("{RUN}-{job}"), "batch.kubernetes.io/job-completion-index": shard.to_string(),
    });
    let name = format!("{RUN}-{job}-{shard}-x");
    let pod = json!({
        "metadata": {"labels": labels, "annotations": {"log": log}, "creationTimestamp": "2025-11-28T10:00:00Z"},
        "spec": {"containers": []}, "status": {"phase": phase},
    });
    person.api.create("v1/pods", NAMESPACE, &name, pod);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_tell_where_they_are_from() {
    golden("logs", &["logs", RUN, "--local-files"], || async {
        let person = plant("Failed", 3).await;
        on_files(&person);
        let jobs = json!([
            {"name": format!("{RUN}-plan"), "step": "Plan", "state": "Succeeded"},
            {"name": format!("{RUN}-score-0"), "step": "Score", "state": "Failed"},
        ]);
        merged(&person, json!({"status": {"jobs": jobs}}));
        pod(&person, "plan", 0, "Succeeded", "2025-11-28T10:00:01Z  INFO 15 sensors in 3 shards\n");
        let lines = "2025-11-28T10:00:09Z  INFO shard 2 begins\n2025-11-28T10:00:12Z ERROR az://models/model_3: access is denied (403)\n";
        pod(&person, "score", 2, "Failed", lines);
        person
    })
    .await;
    let plan = ["logs", RUN, "--step", "plan"];
    golden("logs-denied", &plan, || async {
        let person = plant("Failed", 3).await;
        let place = json!({"spec": {"output": {"location": "file:///data/predictions/"}}});
        merged(&person, place);
        person
    })
    .await;
    let stored = [
        "logs",
        RUN,
        "--step",
        "plan",
        "--local-files",
        "--tail",
        "1",
    ];
    golden("logs-stored", &stored, || async {
        let person = plant("Succeeded", 0).await;
        let logs = on_files(&person).join("logs");
        std::fs::create_dir_all(&logs).unwrap();
        std::fs::write(logs.join("plan.log"), "first\n15 sensors in 3 shards\n").unwrap();
        person
    })
    .await;
    golden(
        "logs-none",
        &["logs", RUN, "--shard", "7", "--local-files"],
        || async {
            let person = plant("Succeeded", 0).await;
            on_files(&person);
            person
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_both_sides_are_told() {
    golden("version", &["version"], healthy).await;
    golden("version-unread", &["version"], Person::new).await;
    golden("version-client", &["version", "--client"], Person::new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_what_is_right_and_what_is_wrong() {
    let doctor = ["doctor", "--local-files"];
    golden("doctor", &doctor, healthy).await;
    golden("doctor-broken", &doctor, || async {
        let person = healthy().await;
        let other = json!({"metadata": {"labels": {"pool": "other"}}});
        person.api.merge("v1/nodes", "", "node-0", other);
        let none = json!({"metadata": {"annotations": null}});
        person
            .api
            .merge("v1/serviceaccounts", NAMESPACE, "scorer", none);
        person.api.refuse("create", "scoringruns");
        person.api.refuse("list", "resourcequotas");
        person.api.merge(
            RUNS,
            NAMESPACE,
            RUN,
            json!({"spec": {"output": {"location": "file:///data/predictions/"}}}),
        );
        person
    })
    .await;
}
