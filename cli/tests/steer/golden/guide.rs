//! docs/cluster/troubleshooting.md shows what the commands print where these things are broken.

use std::path::Path;

use serde_json::{Value, json};

use super::{merged, printed};
use crate::doctor::{ago, healthy, node_gone, waiting_pod};
use crate::tools::{NAMESPACE, Person, RUN, RUNS, SCHEDULES};

/// Columns of the terminal in the guide.
const COLUMNS: usize = 110;

/// What the guide says under a heading: each command, and what it prints.
fn shown(heading: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cluster/troubleshooting.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let (_, part) = guide.split_once(&format!("\n## {heading}\n")).unwrap();
    let part = part.split("\n## ").next().unwrap();
    let mut commands: Vec<(String, String)> = Vec::new();
    // Every second piece lies between fences.
    for block in part.split("```").skip(1).step_by(2) {
        for line in block.lines().skip(1) {
            match (
                line.strip_prefix("$ kubectl fleetscore "),
                commands.last_mut(),
            ) {
                (Some(command), _) => commands.push((command.to_owned(), String::new())),
                (None, Some((_, text))) => {
                    text.push_str(line);
                    text.push('\n');
                }
                (None, None) => {}
            }
        }
    }
    commands.retain(|(_, text)| !text.is_empty());
    commands
}

/// The text with every time and age as zeros, in the same number of columns.
fn timeless(text: &str) -> String {
    let is_time = |word: &str| {
        let digits = |letter: char| letter.is_ascii_digit();
        word.starts_with(digits) && word.ends_with(['s', 'm', 'h', 'd']) && word.contains('m')
            || word.len() > 1 && word.ends_with('s') && word[..word.len() - 1].chars().all(digits)
    };
    let zeros = |word: &str| word.replace(|letter: char| letter.is_ascii_digit(), "0");
    let words = text.split_inclusive([' ', '\n', ':']);
    words
        .map(|word| {
            let bare = word.trim_end_matches([' ', '\n', ':']);
            if is_time(bare) {
                zeros(word)
            } else {
                word.to_owned()
            }
        })
        .collect()
}

/// Holds each excerpt of the guide against what is printed: `[...]` stands for lines that are left out.
async fn holds(heading: &str, person: &Person) {
    let shown = shown(heading);
    assert!(!shown.is_empty(), "{heading} shows no command");
    for (command, text) in shown {
        let args: Vec<&str> = command.split(' ').collect();
        let found = printed(person, &args, Some(COLUMNS)).await;
        let out = timeless(&found.out);
        let mut rest = out.as_str();
        let parts: Vec<_> = text.split("[...]\n").collect();
        for part in &parts {
            let part = timeless(part);
            let at = rest.find(&part);
            assert!(
                at.is_some(),
                "{command} prints\n{out}{}and not\n{part}",
                found.err
            );
            rest = &rest[at.unwrap() + part.len()..];
        }
        let whole = parts.len() > 1 || rest.is_empty();
        assert!(whole, "{command} prints more:\n{rest}");
    }
}

/// A cluster whose schedule ticks in three quarters of an hour, and whose run stands so.
async fn plant(status: Value) -> Person {
    let person = healthy().await;
    person.api.merge(
        SCHEDULES,
        NAMESPACE,
        "pumps",
        json!({"status": {"nextScheduleTime": ago(-2879)}}),
    );
    let mut status = status;
    for field in [
        "usage",
        "report",
        "rows",
        "anomalies",
        "topFailures",
        "sensors",
        "completionTime",
    ] {
        if status[field].is_null() {
            status[field] = Value::Null;
        }
    }
    merged(&person, json!({"status": status}));
    person
}

fn condition(kind: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": ago(190)})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_broken() {
    let person = plant(json!({
        "phase": "PartiallySucceeded", "startTime": ago(700), "completionTime": ago(450),
        "sensors": {"total": 15_000, "succeeded": 14_998, "failed": 2}, "rows": 900_000, "anomalies": 10_800,
        "topFailures": [{
            "reason": "ModelUnreadable", "count": 2, "example": "device=3",
            "message": "az://models/model_3.fsm: not a model: it begins with \"<html>\"",
        }],
    }))
    .await;
    holds("A model is broken", &person).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_broken() {
    let message = "az://models/: access is denied (403 AuthenticationFailed)";
    let person = plant(json!({
        "phase": "Failed", "startTime": ago(110), "completionTime": ago(100),
        "conditions": [condition("Failed", "AccessDenied", message)],
    }))
    .await;
    let azure =
        json!({"account": "plantstore", "auth": "Secret", "secretRef": {"name": "storage"}});
    let storage = json!({"storage": {"azure": azure}});
    merged(&person, json!({"spec": storage}));
    person.api.merge(
        SCHEDULES,
        NAMESPACE,
        "pumps",
        json!({"spec": {"runTemplate": {"spec": storage}}}),
    );
    holds("A secret or an identity is broken", &person).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_pool_is_broken() {
    let message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
    let mut waits = condition("WaitingForNodes", "Unschedulable", message);
    let mut ready = condition("Ready", "Unschedulable", message);
    ready["status"] = json!("False");
    waits["lastTransitionTime"] = json!(ago(190));
    let person = plant(json!({
        "phase": "WaitingForNodes", "startTime": ago(200), "sensors": {"total": 15_000, "succeeded": 0, "failed": 0},
        "pods": {"total": 300, "active": 40, "succeeded": 0, "failed": 0}, "conditions": [waits, ready],
        "jobs": [{"name": "j", "step": "Score", "state": "Running"}],
    }))
    .await;
    let selector = json!({"spec": {"nodeSelector": {"kubernetes.azure.com/agentpool": "scoring"}}});
    person.api.merge(
        SCHEDULES,
        NAMESPACE,
        "pumps",
        json!({"spec": {"runTemplate": {"spec": {"podTemplate": selector}}}}),
    );
    let config = json!({"data": {"config.yaml": "podTemplate: {}"}});
    person.api.merge(
        "v1/configmaps",
        "fleetscore-system",
        "fleetscore-operator",
        config,
    );
    node_gone(&person);
    for number in 0..40 {
        waiting_pod(&person.api, number, message);
    }
    holds("A node pool is broken", &person).await;
    assert_eq!(
        person.api.get(RUNS, NAMESPACE, RUN).unwrap()["status"]["phase"],
        "WaitingForNodes"
    );
}
