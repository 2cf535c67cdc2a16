use serde_json::{Value, json};

use super::*;
use crate::run::testing::{at, complete, failed, job, snapshot};
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

/// The last page of a list.
fn last(kind: &str, items: &[Value]) -> Answer {
    let (code, mut body) = list(kind, items);
    body["metadata"]["continue"] = json!("");
    (code, body)
}

async fn result(
    job: &JobView,
    answer: Answer,
) -> (Result<Option<PodResult>, kube::Error>, Vec<String>) {
    let (client, server) = server([answer]);
    let run = snapshot();
    let result = Observer::new(&client, &run).result(job).await;
    (result, server.lines())
}

/// What one look finds, two hours after the run's start.
async fn looked(
    jobs: &[JobView],
    moved: Option<Timestamp>,
    answers: impl IntoIterator<Item = Answer>,
) -> (Result<Found, kube::Error>, Vec<String>) {
    let (client, server) = server(answers);
    let run = snapshot();
    let found = Observer::new(&client, &run)
        .waiting(jobs, moved, at(7200))
        .await;
    (found, server.lines())
}

/// The same as trouble.
async fn troubled(
    jobs: &[JobView],
    moved: Option<Timestamp>,
    answers: impl IntoIterator<Item = Answer>,
) -> (Result<Option<Trouble>, kube::Error>, Vec<String>) {
    let (found, lines) = looked(jobs, moved, answers).await;
    let trouble = found.map(|found| {
        let mut looks = crate::run::look::Looks::default();
        looks.note(&found, at(7200));
        looks.trouble(at(7200))
    });
    (trouble, lines)
}

/// Pods of the step that are asked for when a Job does not go on.
fn asked_pending(step: &str) -> String {
    format!(
        "{PODS} fieldSelector=status.phase=Pending labelSelector=scoring.fleetscore.io/run=pumps,scoring.fleetscore.io/step={step} limit=50"
    )
}

#[tokio::test]
async fn the_last_pod_of_a_step_is_asked_for_by_the_jobs_uid() {
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
    let (found, lines) = result(&complete(job(Step::Plan, 0)), last("Pod", &pods)).await;
    assert_eq!(found.unwrap().unwrap().raw, said);
    let expected = format!(
        "{PODS} fieldSelector=status.phase=Succeeded labelSelector=batch.kubernetes.io/controller-uid=uid-pumps-plan limit=500"
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
        let (found, lines) = result(&job, last("Pod", &pods)).await;
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.reason.as_str(), found.message.as_str()),
            (reason, message)
        );
        let expected = format!(
            "{PODS} fieldSelector=status.phase=Failed labelSelector=batch.kubernetes.io/controller-uid=uid-pumps-plan limit=500"
        );
        assert_eq!(lines, [expected]);
    }
}

#[tokio::test]
async fn of_a_job_of_many_pods_the_one_that_failed_it_is_asked_for() {
    let mut job = failed(job(Step::Score, 0), "PodFailurePolicy");
    job.outcome = Some(JobOutcome::Failed {
        reason: "PodFailurePolicy".to_owned(),
        message: "Container scorer for pod plant/pumps-score-0-17-x2b failed with exit code 64 matching FailJob rule at index 0".to_owned(),
    });
    let (found, lines) = result(&job, last("Pod", &[])).await;
    assert_eq!(found.unwrap(), None);
    let expected = format!(
        "{PODS} fieldSelector=metadata.name=pumps-score-0-17-x2b labelSelector=batch.kubernetes.io/controller-uid=uid-pumps-score-0 limit=500"
    );
    assert_eq!(lines, [expected]);
}

#[tokio::test]
async fn a_page_of_pending_pods_tells_the_worst_and_since_when_all_wait() {
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
            9,
        ),
        (
            vec![
                full(1),
                broken(9, "ErrImagePull"),
                broken(8, "ImagePullBackOff"),
            ],
            TroubleKind::Blocked,
            "ImagePullBackOff",
            9,
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

    // Between two tries a Job has no pods; what was told before the last of them is over.
    let stuck = JobView {
        active: 0,
        ready: 0,
        ..job(Step::Score, 0)
    };
    let over = event("exceeded quota: pods", "2026-01-01T00:00:09Z");
    let answers = [list("Pod", &[]), list("Event", &[over])];
    let (found, _) = troubled(&[stuck], Some(at(10)), answers).await;
    assert_eq!(found.unwrap(), None);
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

#[tokio::test]
async fn of_many_failed_pods_the_last_is_found_whatever_its_name() {
    let failed_at = |name: &str, created: &str| {
        let said = json!({"reason": name, "message": "m"}).to_string();
        ended(name, created, &json!({"exitCode": 64, "message": said}))
    };
    let pages = [
        list(
            "Pod",
            &[
                failed_at("a", "2026-01-01T00:00:05Z"),
                failed_at("b", "2026-01-01T00:00:09Z"),
            ],
        ),
        last("Pod", &[failed_at("c", "2026-01-01T00:00:07Z")]),
    ];
    let (client, server) = server(pages);
    let run = snapshot();
    let job = failed(job(Step::Plan, 0), "BackoffLimitExceeded");
    let found = Observer::new(&client, &run).result(&job).await;
    assert_eq!(found.unwrap().unwrap().reason, "b");
    assert_eq!(server.lines().len(), 2);
    assert!(server.lines()[1].contains("continue=more"));
}

/// A pod that waited an hour for its machine has had it for a minute.
#[tokio::test]
async fn a_pod_waits_since_it_has_a_machine() {
    let scheduled = json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": at(3600).to_string()});
    let mut pulling = waiting("ErrImagePull", "try again");
    pulling["conditions"] = json!([scheduled]);
    let creating = json!({"conditions": [scheduled]});
    let mut nominated = unscheduled();
    nominated["nominatedNodeName"] = json!("node-1");
    for (status, kind, since) in [
        (pulling, TroubleKind::Blocked, Some(at(3600))),
        (creating, TroubleKind::Starting, Some(at(3600))),
        (nominated, TroubleKind::Starting, None),
        (unscheduled(), TroubleKind::Unschedulable, Some(at(0))),
    ] {
        let pods = [pending("a", 0, &status)];
        let (found, _) = looked(&[job(Step::Score, 0)], None, [list("Pod", &pods)]).await;
        let found = found.unwrap();
        let pod = &found.waiting[0];
        assert_eq!((pod.kind, pod.since, found.alone), (kind, since, true));
    }
}

/// A container beside the scorer that ends again and again, before the scorer starts and after it has.
#[tokio::test]
async fn a_container_that_comes_and_goes_tells_how_it_ended() {
    let said = "Traceback (most recent call last):\n  File \"worker.py\"\nModuleNotFoundError: No module named 'numpy'\n\n";
    let status = json!({"name": "worker",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=worker"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": said}}});
    let expected = "back-off 10s restarting failed container=worker; worker ended with exit code 1: \
                    ModuleNotFoundError: No module named 'numpy'";
    let pods = [pending(
        "a",
        0,
        &json!({"phase": "Pending", "initContainerStatuses": [status]}),
    )];
    let (found, _) = looked(&[job(Step::Score, 0)], None, [list("Pod", &pods)]).await;
    let pod = &found.unwrap().waiting[0];
    assert_eq!(
        (pod.kind, pod.reason.as_str(), pod.message.as_str()),
        (
            TroubleKind::Blocked,
            "CrashLoopBackOff",
            format!("pod a: {expected}").as_str()
        )
    );
    let mut running = begun("a", None, "False", 0);
    running["status"]["initContainerStatuses"] = json!([status]);
    let running: PodView = serde_json::from_value(running).unwrap();
    let found = running.not_ending(at(7200)).unwrap();
    assert_eq!(found.reason, "PodNotReady");
    assert!(found.message.ends_with(expected), "{}", found.message);
}

#[tokio::test]
async fn a_pod_is_not_alone_while_others_are_on_their_way() {
    let two = JobView {
        active: 2,
        ready: 0,
        ..job(Step::Score, 0)
    };
    let pods = [pending("a", 0, &waiting("ErrImagePull", "no"))];
    let (found, _) = looked(std::slice::from_ref(&two), None, [list("Pod", &pods)]).await;
    assert!(!found.unwrap().alone);
    // One that is being deleted is on nobody's way.
    let mut leaving = pending("b", 0, &waiting("ErrImagePull", "no"));
    leaving["metadata"]["deletionTimestamp"] = json!(at(7199).to_string());
    let pods = [pods[0].clone(), leaving];
    let (found, _) = looked(&[two], None, [list("Pod", &pods)]).await;
    let found = found.unwrap();
    assert_eq!((found.waiting.len(), found.alone), (1, false));
}

fn begun(name: &str, deletion: Option<i64>, ready: &str, since: i64) -> Value {
    json!({
        "metadata": {"name": name, "creationTimestamp": at(0).to_string(), "deletionTimestamp": deletion.map(|time| at(time).to_string())},
        "spec": {"nodeName": "node-7"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": at(since).to_string()}]},
    })
}

#[tokio::test]
async fn a_pod_on_a_machine_that_does_not_answer_is_found_among_those_that_run() {
    let leaving = JobView {
        active: 3,
        ready: 3,
        terminating: 1,
        ..job(Step::Score, 0)
    };
    let unready = JobView {
        active: 3,
        ready: 2,
        ..job(Step::Score, 0)
    };
    for (job, pod, reason, words) in [
        (
            leaving.clone(),
            begun("p", Some(3600), "True", 0),
            "PodStuckTerminating",
            "pod p on node node-7 was to end by 2026-01-01T01:00:00Z",
        ),
        (
            unready,
            begun("p", None, "False", 600),
            "PodNotReady",
            "pod p on node node-7 has not been ready since",
        ),
    ] {
        let pods = [
            begun("fine", None, "True", 0),
            begun("ends", Some(7190), "True", 0),
            pod,
        ];
        let answers = [list("Pod", &[]), list("Pod", &pods)];
        let (found, lines) = troubled(&[job], None, answers).await;
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.kind, found.reason.as_str()),
            (TroubleKind::NotEnding, reason)
        );
        assert!(found.message.starts_with(words), "{}", found.message);
        assert!(
            lines[1].contains("fieldSelector=status.phase=Running")
                && lines[1].ends_with("limit=500"),
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn pods_that_may_still_write_are_counted_once_scoring_was_stopped() {
    let mut run = crate::run::testing::planned(15);
    let stopped = JobView {
        suspended: true,
        active: 0,
        ready: 0,
        ..job(Step::Score, 0)
    };
    let jobs = [complete(job(Step::Plan, 0)), stopped.clone()];
    assert_eq!(questions(&run, &jobs, true, at(60)), []);
    run.status.phase = fleetscore_crds::Phase::Collecting;
    run.status.conditions.push(fleetscore_crds::Condition {
        kind: "Scored".to_owned(),
        ..run.status.conditions[0].clone()
    });
    assert_eq!(questions(&run, &jobs, true, at(60)), [Question::Unended]);
    assert_eq!(
        questions(&run, &jobs[..1], true, at(60)),
        [Question::Unended]
    );
    assert_eq!(questions(&run, &jobs, false, at(60)), []);
    assert!(is_waited_for(&run, &jobs, at(60)));
    // Not where they have all ended by themselves, nor once the report is being made.
    let ended = [complete(job(Step::Plan, 0)), complete(job(Step::Score, 0))];
    assert_eq!(questions(&run, &ended, true, at(60)), []);
    let collecting = [stopped, job(Step::Collect, 0)];
    assert_eq!(questions(&run, &collecting, true, at(1)), []);

    let (client, server) = server([last(
        "Pod",
        &[
            begun("ends", Some(7190), "True", 0),
            begun("stuck", Some(60), "True", 0),
        ],
    )]);
    let (unended, found) = Observer::new(&client, &run)
        .unended(at(7200))
        .await
        .unwrap();
    assert_eq!((unended, found.waiting.len()), (2, 1));
    let expected = format!(
        "{PODS} fieldSelector=status.phase!=Succeeded,status.phase!=Failed labelSelector=scoring.fleetscore.io/run=pumps,scoring.fleetscore.io/step=score limit=500"
    );
    assert_eq!(server.lines(), [expected]);
}
