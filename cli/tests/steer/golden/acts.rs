use serde_json::{Value, json};

use super::{golden, kept, merged, on_files, plant, printed};
use crate::held::WIDTHS;
use crate::tools::{NAMESPACE, Person, RUN, SCHEDULES, schedule};

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_tells_its_run_and_where_predictions_land() {
    golden("retry", &["retry", RUN], || plant("PartiallySucceeded", 2)).await;
    golden("retry-dry", &["retry", RUN, "--dry-run"], || async {
        let person = plant("PartiallySucceeded", 2).await;
        merged(
            &person,
            json!({"spec": {"output": {"location": "az://predictions/{schedule}/{run}/"}}}),
        );
        person
    })
    .await;
    golden("retry-nothing", &["retry", RUN], || plant("Succeeded", 0)).await;
    golden("retry-goes-on", &["retry", RUN], || plant("Scoring", 0)).await;
    let reason = ["retry", RUN, "--reason", "NoReadings"];
    golden("retry-reason", &reason, || plant("PartiallySucceeded", 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_tells_its_run_and_how_that_ended() {
    for (name, args) in [
        ("trigger", &["trigger", "pumps"][..]),
        ("trigger-wait", &["trigger", "pumps", "--wait"]),
    ] {
        for at in WIDTHS {
            let person = Person::new().await;
            person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
            let (found, ()) =
                tokio::join!(printed(&person, args, at.1), crate::acts::operator(&person));
            kept(name, at, &person, &found);
        }
    }
}

const RANGE: [&str; 8] = [
    "backfill",
    "pumps",
    "--from",
    "2026-01-01",
    "--to",
    "2026-01-02",
    "--max-concurrent",
    "4",
];

/// A schedule with a backfill of which so many ticks are done; none: it has not begun.
async fn backfilled(done: Option<u64>) -> Person {
    let person = plant("Succeeded", 0).await;
    let from = "2025-12-31T23:00:00Z";
    let asked = json!({"from": from, "to": "2026-01-01T23:00:00Z", "maxConcurrent": 4});
    let status = done.map(|done| json!({"from": from, "done": done, "total": 24}));
    let patch = json!({"spec": {"backfill": asked}, "status": {"backfill": status}});
    person.api.merge(SCHEDULES, NAMESPACE, "pumps", patch);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_tells_its_ticks_and_how_far_it_is() {
    golden("backfill", &[&RANGE[..], &["--yes"]].concat(), || {
        plant("Succeeded", 0)
    })
    .await;
    golden("backfill-asks", &RANGE, || async {
        let person = backfilled(Some(5)).await;
        let patch = json!({"spec": {"suspend": true}});
        person.api.merge(SCHEDULES, NAMESPACE, "pumps", patch);
        person
    })
    .await;
    let status = ["backfill", "pumps", "--status"];
    golden("backfill-none", &status, || plant("Succeeded", 0)).await;
    golden("backfill-new", &status, || backfilled(None)).await;
    golden("backfill-status", &status, || backfilled(Some(5))).await;
    golden("backfill-over", &status, || backfilled(Some(24))).await;
    let cancel = ["backfill", "pumps", "--cancel"];
    golden("backfill-cancel", &cancel, || backfilled(Some(5))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suspend_and_resume_tell_what_they_did_and_that_git_wins() {
    for (name, args) in [
        ("suspend", ["suspend", "schedule/pumps"]),
        ("suspend-ended", ["suspend", RUN]),
        ("resume", ["resume", "schedule/pumps"]),
    ] {
        golden(name, &args, || plant("Succeeded", 0)).await;
    }
    golden("suspend-git", &["suspend", "pumps"], || async {
        let person = plant("Succeeded", 0).await;
        let labels = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
        let patch = json!({"metadata": {"labels": labels}});
        person.api.merge(SCHEDULES, NAMESPACE, "pumps", patch);
        person
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_tells_how_the_run_ended_or_what_it_waits_for() {
    golden("wait", &["wait", RUN], || plant("PartiallySucceeded", 2)).await;
    golden("wait-failed", &["wait", RUN], || async {
        let person = plant("Failed", 0).await;
        denied(&person);
        person
    })
    .await;
    let scoring = ["wait", RUN, "--for", "scoring"];
    golden("wait-scoring", &scoring, || async {
        let person = plant("Scoring", 0).await;
        merged(&person, json!({"status": {"completionTime": null, "startTime": null, "sensors": {"succeeded": 0}}}));
        person
    })
    .await;
    golden("wait-late", &["wait", RUN, "--timeout", "1s"], || async {
        let person = plant("Pending", 0).await;
        merged(&person, json!({"status": null}));
        person
    })
    .await;
}

/// Has the run have failed because storage gave no access.
fn denied(person: &Person) {
    let message = "az://models/: access is denied (403 AuthenticationFailed)";
    let failed = json!({
        "type": "Failed", "status": "True", "reason": "AccessDenied", "message": message,
        "lastTransitionTime": "2025-11-28T10:00:10Z",
    });
    let status =
        json!({"sensors": null, "topFailures": null, "report": null, "conditions": [failed]});
    merged(person, json!({"status": status}));
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_told_by_schedule() {
    golden("cost", &["cost"], || plant("Succeeded", 0)).await;
    golden("cost-unknown", &["cost"], || async {
        let person = plant("Succeeded", 0).await;
        merged(&person, json!({"status": {"usage": null}}));
        person
    })
    .await;
    golden("cost-none", &["cost"], Person::new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_tells_what_is_in_it_and_what_is_not() {
    golden(
        "bundle",
        &["bundle", RUN, "-o", "b.tar.gz", "--local-files"],
        || async {
            let person = plant("Failed", 3).await;
            let own = on_files(&person);
            std::fs::write(own.join("report.json"), "{}").unwrap();
            // Their sizes are on the page.
            merged(
                &person,
                json!({"metadata": {"creationTimestamp": Value::Null}}),
            );
            person
        },
    )
    .await;
}
