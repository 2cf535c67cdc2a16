//! What the commands print, held against files: in a pipe, on 80 and on 120 columns. UPDATE=1 writes the files again.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::doctor::healthy;
use crate::tools::{Done, NAMESPACE, Person, RUN, RUNS, SCHEDULES, done, ended, run, schedule};

const WIDTHS: [(&str, Option<&str>); 3] =
    [("pipe", None), ("80", Some("80")), ("120", Some("120"))];

/// What a command prints on a screen so wide, and after it what it says on standard error.
async fn printed(person: &Person, args: &[&str], columns: Option<&str>) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command
        .arg("kubectl")
        .args(args)
        .env_remove("COLUMNS")
        .env("KUBECONFIG", person.kubeconfig())
        .current_dir(person.folder.path())
        .stdin(std::process::Stdio::null());
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    done(command).await
}

fn held(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/kubectl/{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text,
        expected,
        "{}; UPDATE=1 writes it again",
        path.display()
    );
}

/// The text without what another run of the test has otherwise: the folder, sizes, and pods' names.
fn settled(person: &Person, text: &str) -> String {
    let folder = person.folder.path().display().to_string();
    let text = text.replace(&folder, "/FOLDER");
    let lines = text.lines().map(|line| {
        let size = line.trim_start().split(' ').next().unwrap_or_default();
        let is_size = line.starts_with("   ")
            && !size.is_empty()
            && size.bytes().all(|byte| byte.is_ascii_digit());
        if is_size {
            line.replacen(size, "N", 1)
        } else {
            line.to_owned()
        }
    });
    lines.map(|line| line + "\n").collect()
}

/// Holds a command against its three files. Each time it finds the cluster anew.
async fn golden<F: Future<Output = Person>>(name: &str, args: &[&str], cluster: impl Fn() -> F) {
    for (end, columns) in WIDTHS {
        let person = cluster().await;
        let found = printed(&person, args, columns).await;
        let text = format!(
            "{}--- standard error, code {}\n{}",
            found.out, found.code, found.err
        );
        held(&format!("{name}.{end}"), &settled(&person, &text));
        let width = columns.map_or(usize::MAX, |columns| columns.parse().unwrap());
        // A command to copy stays on one line.
        let out = found
            .out
            .lines()
            .filter(|line| line.chars().count() > width && !line.contains("://"));
        let sticks_out: Vec<_> = out.collect();
        assert!(sticks_out.is_empty(), "{name} at {width}: {sticks_out:#?}");
    }
}

/// A schedule, and its run that ended so.
async fn plant(phase: &str, failed: u64) -> Person {
    let person = Person::new().await;
    let mut pumps = schedule();
    pumps["status"] = json!({"backfill": {"from": "2025-12-31T23:00:00Z", "done": 5, "total": 24}});
    person.api.create(SCHEDULES, NAMESPACE, "pumps", pumps);
    person
        .api
        .create(RUNS, NAMESPACE, RUN, ended(phase, failed));
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_act_print_what_they_did() {
    golden("retry", &["retry", RUN], || plant("PartiallySucceeded", 2)).await;
    golden("retry-refused", &["retry", RUN], || plant("Succeeded", 0)).await;
    let range = [
        "backfill",
        "pumps",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-02",
        "--max-concurrent",
        "4",
        "--yes",
    ];
    golden("backfill", &range, || plant("Succeeded", 0)).await;
    golden("suspend", &["suspend", "schedule/pumps"], || {
        plant("Succeeded", 0)
    })
    .await;
    golden("resume", &["resume", "schedule/pumps"], || {
        plant("Succeeded", 0)
    })
    .await;
    golden("wait", &["wait", RUN], || plant("PartiallySucceeded", 2)).await;
    golden("cost", &["cost"], || plant("Succeeded", 0)).await;
    golden("bundle", &["bundle", RUN, "-o", "b.tar.gz"], || async {
        let person = plant("Failed", 3).await;
        let location = format!("file://{}/none/", person.folder.path().display());
        person.api.merge(
            RUNS,
            NAMESPACE,
            RUN,
            json!({"spec": {"output": {"location": location}}}),
        );
        person
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_tells_how_far_it_is() {
    let asked =
        json!({"from": "2025-12-31T23:00:00Z", "to": "2026-01-01T23:00:00Z", "maxConcurrent": 4});
    golden(
        "backfill-status",
        &["backfill", "pumps", "--status"],
        || async {
            let person = plant("Succeeded", 0).await;
            person.api.merge(
                SCHEDULES,
                NAMESPACE,
                "pumps",
                json!({"spec": {"backfill": asked.clone()}}),
            );
            person
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_prints_its_run() {
    for (end, columns) in WIDTHS {
        let person = Person::new().await;
        person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
        let args = ["trigger", "pumps"];
        let (found, ()) = tokio::join!(
            printed(&person, &args, columns),
            crate::acts::operator(&person)
        );
        held(&format!("trigger.{end}"), &found.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_commands_print_what_they_found() {
    golden("version", &["version"], healthy).await;
    golden("doctor", &["doctor", "--local-files"], healthy).await;
    golden("doctor-broken", &["doctor", "--local-files"], || async {
        let person = healthy().await;
        person.api.merge(
            "v1/nodes",
            "",
            "node-0",
            json!({"metadata": {"labels": {"pool": "other"}}}),
        );
        person.api.merge(
            "v1/serviceaccounts",
            NAMESPACE,
            "scorer",
            json!({"metadata": {"annotations": null}}),
        );
        person.api.refuse("create", "scoringruns");
        person
    })
    .await;
    golden("logs", &["logs", RUN, "--step", "plan"], || async {
        let person = plant("Failed", 3).await;
        let labels = json!({
            "scoring.fleetscore.io/run": RUN, "scoring.fleetscore.io/step": "plan",
            "batch.kubernetes.io/job-name": format!("{RUN}-plan"), "batch.kubernetes.io/job-completion-index": "0",
        });
        let pod: Value = json!({
            "metadata": {"labels": labels, "annotations": {"log": "INFO planning\nERROR az://models/ is denied (403)\n"}},
            "spec": {"containers": []}, "status": {"phase": "Failed"},
        });
        person.api.create("v1/pods", NAMESPACE, "pumps-1764324000-plan-x", pod);
        person
    })
    .await;
    golden("failed", &["failed", RUN], || async {
        let person = plant("PartiallySucceeded", 2).await;
        let volume = json!({"spec": {"output": {"location": "file:///data/predictions/"}}});
        person.api.merge(RUNS, NAMESPACE, RUN, volume);
        person
    })
    .await;
    golden("logs-denied", &["logs", RUN, "--step", "plan"], || async {
        let person = plant("Failed", 3).await;
        let mut other = run(json!({"phase": "Failed"}));
        other["spec"]["output"]["location"] = json!("file:///data/predictions/");
        remove_run(&person);
        person.api.create(RUNS, NAMESPACE, RUN, other);
        person
    })
    .await;
}

fn remove_run(person: &Person) {
    let key = crate::api::key(RUNS, NAMESPACE, RUN);
    person
        .api
        .with(|objects| objects.delete(&key, &Value::Null))
        .unwrap();
}
