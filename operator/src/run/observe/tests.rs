use serde_json::{Value, json};

use super::*;
use crate::run::testing::{at, complete, failed, job, subject};
use crate::testing::{Answer, failure, list, server};

const PODS: &str = "GET /api/v1/namespaces/plant/pods";

/// A pod whose scorer has ended.
fn ended(name: &str, created: &str, terminated: &Value) -> Value {
    json!({
        "metadata": {"name": name, "creationTimestamp": created},
        "status": {"containerStatuses": [
            status("sidecar", &json!({"terminated": {"exitCode": 0, "message": "not this one"}})),
            status("scorer", &json!({"terminated": terminated})),
        ]},
    })
}

fn status(container: &str, state: &Value) -> Value {
    json!({"name": container, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
}

/// A pod that does not run.
fn pending(name: &str, created: i64, status: &Value) -> Value {
    json!({
        "metadata": {"name": name, "creationTimestamp": at(created).to_string()},
        "status": status,
    })
}

fn waiting(reason: &str, message: &str) -> Value {
    let state = json!({"waiting": {"reason": reason, "message": message}});
    json!({"containerStatuses": [status("scorer", &state)]})
}

fn unscheduled() -> Value {
    json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]})
}

async fn result(
    job: &JobView,
    answer: Answer,
) -> (Result<Option<PodResult>, kube::Error>, Vec<String>) {
    let (client, server) = server([answer]);
    let run = subject();
    let result = Observer::new(&client, &run).result(job).await;
    (result, server.lines())
}

async fn troubled(
    jobs: &[JobView],
    moved: Option<Timestamp>,
    answers: impl IntoIterator<Item = Answer>,
) -> (Result<Option<Trouble>, kube::Error>, Vec<String>) {
    let (client, server) = server(answers);
    let run = subject();
    let found = Observer::new(&client, &run).pending(jobs, moved).await;
    (found, server.lines())
}

/// Pods of the step that are asked for when a Job does not go on.
fn asked_pending(step: &str) -> String {
    format!(
        "{PODS} fieldSelector=status.phase=Pending labelSelector=scoring.fleetscore.io/run=pumps,scoring.fleetscore.io/step={step} limit=50"
    )
}

#[tokio::test]
async fn the_last_pod_of_a_step_is_asked_for_among_few() {
    let said = r#"{"sensors": 15, "shards": 15}"#;
    let pods = [
        ended(
            "one",
            "2026-01-01T00:00:05Z",
            &json!({"exitCode": 0, "message": "earlier"}),
        ),
        ended(
            "two",
            "2026-01-01T00:00:07Z",
            &json!({"exitCode": 0, "message": said}),
        ),
        json!({"metadata": {"name": "three", "creationTimestamp": "2026-01-01T00:00:09Z"}, "status": {"phase": "Failed"}}),
    ];
    let (found, lines) = result(&complete(job(Step::Plan, 0)), list("Pod", &pods)).await;
    assert_eq!(found.unwrap().unwrap().raw, said);
    // That there are more makes no further request.
    let expected = format!(
        "{PODS} fieldSelector=status.phase=Succeeded labelSelector=batch.kubernetes.io/job-name=pumps-plan limit=5"
    );
    assert_eq!(lines, [expected]);
}

#[tokio::test]
async fn a_failed_step_is_told_in_the_words_of_its_pod() {
    let scorer = json!({"exitCode": 64, "reason": "Error", "message": r#"{"reason": "AccessDenied", "message": "az://m: 403"}"#});
    let killed = json!({"exitCode": 137, "reason": "OOMKilled", "message": ""});
    let crashed = json!({"exitCode": 101, "reason": "Error", "message": "thread panicked\n"});
    for (said, reason, message) in [
        (scorer, "AccessDenied", "az://m: 403"),
        (killed, "OOMKilled", "exit code 137"),
        (crashed, "PodFailed", "exit code 101: thread panicked"),
    ] {
        let pods = [ended("one", "2026-01-01T00:00:05Z", &said)];
        let job = failed(job(Step::Plan, 0), "BackoffLimitExceeded");
        let (found, lines) = result(&job, list("Pod", &pods)).await;
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.reason.as_str(), found.message.as_str()),
            (reason, message)
        );
        let expected = format!(
            "{PODS} fieldSelector=status.phase=Failed labelSelector=batch.kubernetes.io/job-name=pumps-plan limit=5"
        );
        assert_eq!(lines, [expected]);
    }
}

#[tokio::test]
async fn of_a_job_of_many_pods_the_one_that_failed_it_is_asked_for() {
    let mut job = failed(job(Step::Score, 0), "PodFailurePolicy");
    job.outcome = Some(Outcome::Failed {
        reason: "PodFailurePolicy".to_owned(),
        message: "Container scorer for pod plant/pumps-score-0-17-x2b failed with exit code 64 matching FailJob rule at index 0".to_owned(),
    });
    let (found, lines) = result(&job, list("Pod", &[])).await;
    assert_eq!(found.unwrap(), None);
    let expected = format!(
        "{PODS} fieldSelector=metadata.name=pumps-score-0-17-x2b labelSelector=batch.kubernetes.io/job-name=pumps-score-0 limit=5"
    );
    assert_eq!(lines, [expected]);
}

#[tokio::test]
async fn a_page_of_pending_pods_tells_the_worst_that_has_lasted_longest() {
    let starting = || pending("a", 0, &json!({"phase": "Pending"}));
    let full = |created| pending("b", created, &unscheduled());
    let broken = |created, reason| pending("c", created, &waiting(reason, "no such image"));
    let creating = || pending("d", 0, &waiting("ContainerCreating", ""));
    for (pods, kind, reason, since) in [
        (
            vec![starting()],
            TroubleKind::Starting,
            "ContainerCreating",
            0,
        ),
        (
            vec![creating()],
            TroubleKind::Starting,
            "ContainerCreating",
            0,
        ),
        (
            vec![starting(), full(9), full(7)],
            TroubleKind::Unschedulable,
            "Unschedulable",
            7,
        ),
        (
            vec![
                full(1),
                broken(9, "ErrImagePull"),
                broken(8, "ImagePullBackOff"),
            ],
            TroubleKind::Blocked,
            "ImagePullBackOff",
            8,
        ),
    ] {
        let (found, lines) = troubled(&[job(Step::Score, 0)], None, [list("Pod", &pods)]).await;
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.kind, found.reason.as_str(), found.since),
            (kind, reason, at(since))
        );
        assert_eq!(lines, [asked_pending("score")]);
    }
}

#[tokio::test]
async fn what_waits_for_room_waits_since_pods_moved_last() {
    let pods = [pending("b", 7, &unscheduled())];
    let moved = Some(at(40));
    let (found, _) = troubled(&[job(Step::Score, 0)], moved, [list("Pod", &pods)]).await;
    assert_eq!(found.unwrap().unwrap().since, at(40));
}

#[tokio::test]
async fn a_job_without_pods_is_explained_by_its_events() {
    let stuck = JobView {
        active: 0,
        ready: 0,
        ..job(Step::Plan, 0)
    };
    let event = |message: &str, last: &str| json!({"metadata": {}, "involvedObject": {}, "reason": "FailedCreate", "message": message, "lastTimestamp": last});
    let events = [
        event("exceeded quota: pods", "2026-01-01T00:00:09Z"),
        event("older", "2026-01-01T00:00:05Z"),
    ];
    let answers = [list("Pod", &[]), list("Event", &events)];
    let (found, lines) = troubled(std::slice::from_ref(&stuck), None, answers).await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.kind, found.reason.as_str()),
        (TroubleKind::Blocked, "FailedCreate")
    );
    assert_eq!(
        (found.message.as_str(), found.since),
        ("exceeded quota: pods", at(0))
    );
    let events = "GET /api/v1/namespaces/plant/events fieldSelector=involvedObject.uid=uid-pumps-plan,reason=FailedCreate limit=5";
    assert_eq!(lines, [asked_pending("plan"), events.to_owned()]);

    // Where there are pods, or the Job controller says so, no events are asked for.
    let starting = pending("a", 0, &json!({"phase": "Pending"}));
    let (_, lines) = troubled(&[stuck], None, [list("Pod", &[starting])]).await;
    assert_eq!(lines.len(), 1);
    let (found, lines) = troubled(&[job(Step::Plan, 0)], None, [list("Pod", &[])]).await;
    assert_eq!((found.unwrap(), lines.len()), (None, 1));
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_asked_once() {
    for (code, reason) in [
        (403, "Forbidden"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
    ] {
        let (found, lines) =
            troubled(&[job(Step::Score, 0)], None, [failure(code, reason, "no")]).await;
        assert!(found.is_err());
        assert_eq!(lines.len(), 1);
        let (found, lines) =
            result(&complete(job(Step::Plan, 0)), failure(code, reason, "no")).await;
        assert!(found.is_err());
        assert_eq!(lines.len(), 1);
    }
}

#[tokio::test]
async fn no_jobs_ask_nothing() {
    let (found, lines) = troubled(&[], None, []).await;
    assert_eq!((found.unwrap(), lines.len()), (None, 0));
}

#[test]
fn a_run_that_has_ended_or_is_being_deleted_asks_nothing() {
    let stuck = JobView {
        ready: 0,
        ..job(Step::Score, 0)
    };
    let jobs = [complete(job(Step::Plan, 0)), stuck];
    let mut run = crate::run::testing::planned(15);
    assert_eq!(questions(&run, &jobs, true, at(60)).len(), 1);
    assert_eq!(questions(&run, &jobs, false, at(60)), []);
    run.deleting = true;
    assert_eq!(questions(&run, &jobs, true, at(60)), []);
    run.deleting = false;
    run.status.phase = fleetscore_crds::Phase::Succeeded;
    assert_eq!(questions(&run, &jobs, true, at(60)), []);
}
