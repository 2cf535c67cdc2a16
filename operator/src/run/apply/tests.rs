use super::*;
use crate::run::build::Part;
use crate::run::snapshot::Plan;
use crate::run::testing::{PART, config, job, snapshot};
use crate::testing::{Answer, Asked, failure, server};

const PLAN: Plan = Plan {
    sensors: 10_005,
    pods: 10_005,
};
const MAPS: &str = "/api/v1/namespaces/plant/configmaps";
const JOBS: &str = "/apis/batch/v1/namespaces/plant/jobs";
const CREATED: &str = "fieldManager=fleetscore-operator fieldValidation=Strict";

type Applied = Result<Option<Refusal>, kube::Error>;

/// Does it against a server that answers so, and tells what the server was asked.
async fn applied(
    changes: &[Change],
    answers: impl IntoIterator<Item = Answer>,
) -> (Applied, Vec<Asked>) {
    let (client, server) = server(answers);
    let (config, run) = (config(), snapshot());
    let applied = ChildWriter::new(&client, &config, &run)
        .apply(changes)
        .await;
    (applied, server.asked())
}

fn lines(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| asked.line.as_str()).collect()
}

fn posted(path: &str) -> String {
    format!("POST {path} {CREATED}")
}

/// A child of the API server's own, with this owner.
fn child(kind: &str, name: &str, owner: &Value) -> Answer {
    let api = if kind == "Job" { "batch/v1" } else { "v1" };
    let body = json!({"apiVersion": api, "kind": kind, "metadata": {
        "name": name, "namespace": "plant", "uid": "child-uid",
        "annotations": {GENERATION_ANNOTATION: "1"}, "ownerReferences": [owner],
    }});
    (200, body)
}

fn map(owner: &Value) -> Answer {
    child("ConfigMap", "pumps-scoringrun", owner)
}

/// The answer to the question whether a score Job would be let in.
fn let_in() -> Answer {
    child("Job", "pumps-score-0", &ours())
}

/// That question.
fn rehearsed() -> String {
    format!("POST {JOBS} dryRun=All {CREATED}")
}

fn plan(owner: &Value) -> Answer {
    child("Job", "pumps-plan", owner)
}

fn ours() -> Value {
    json!(snapshot().owner())
}

/// Of a run of the same name that was there before.
fn anothers() -> Value {
    let mut owner = ours();
    owner["uid"] = json!("older-uid");
    owner
}

fn exists(name: &str) -> Answer {
    failure(409, "AlreadyExists", &format!("\"{name}\" already exists"))
}

fn not_found() -> Answer {
    failure(404, "NotFound", "not found")
}

#[tokio::test]
async fn a_child_is_created_with_strict_checks_after_what_its_pods_read() {
    let (applied, asked) = applied(
        &[Change::Create(Step::Plan)],
        [let_in(), map(&ours()), plan(&ours())],
    )
    .await;
    assert_eq!(applied.unwrap(), None);
    assert_eq!(lines(&asked), [rehearsed(), posted(MAPS), posted(JOBS)]);
    assert_eq!(asked[0].body, build::sample(&config(), &snapshot()));
    let (map, job) = (&asked[1].body, &asked[2].body);
    assert_eq!(map, &build::config_map(&snapshot()));
    assert_eq!(job, &build::job(&config(), &snapshot(), Step::Plan, None));
    for child in [map, job] {
        assert_eq!(child["metadata"]["ownerReferences"], json!([ours()]));
    }
}

#[tokio::test]
async fn a_child_that_is_there_already_is_adopted_if_it_is_the_runs_own() {
    let (applied, asked) = applied(
        &[Change::CreatePart(PART, PLAN)],
        [
            exists("pumps-scoringrun"),
            map(&ours()),
            exists("pumps-score-1"),
            child("Job", "pumps-score-1", &ours()),
        ],
    )
    .await;
    assert_eq!(applied.unwrap(), None);
    let expected = [
        posted(MAPS),
        format!("GET {MAPS}/pumps-scoringrun"),
        posted(JOBS),
        format!("GET {JOBS}/pumps-score-1"),
    ];
    assert_eq!(lines(&asked), expected);
}

#[tokio::test]
async fn a_child_of_another_owner_is_left_alone_and_told() {
    let mut no_controller = ours();
    no_controller["controller"] = json!(false);
    for owner in [anothers(), no_controller] {
        let create = [Change::Create(Step::Plan)];
        let answers = [let_in(), exists("pumps-scoringrun"), map(&owner)];
        let (refused, asked) = applied(&create, answers).await;
        let refusal = refused.unwrap().unwrap();
        assert_eq!(
            (refusal.invalid, refusal.reason.as_str()),
            (false, "NameConflict")
        );
        let words = "a ConfigMap pumps-scoringrun exists";
        assert!(refusal.message.starts_with(words));
        // What comes after a refusal is not tried.
        let get = format!("GET {MAPS}/pumps-scoringrun");
        assert_eq!(lines(&asked), [rehearsed(), posted(MAPS), get]);

        let answers = [let_in(), map(&ours()), exists("pumps-plan"), plan(&owner)];
        let (refused, asked) = applied(&create, answers).await;
        let refusal = refused.unwrap().unwrap();
        assert_eq!(refusal.reason, "NameConflict");
        assert!(refusal.message.starts_with("a Job pumps-plan exists"));
        assert_eq!(asked.len(), 4);
    }
}

#[tokio::test]
async fn what_an_earlier_spec_was_planned_with_is_made_anew_for_the_plan_alone() {
    let old = || {
        let mut map = map(&ours());
        map.1["metadata"]["annotations"][GENERATION_ANNOTATION] = json!("0");
        map
    };
    let (replaced, asked) = applied(
        &[Change::Create(Step::Plan)],
        [
            let_in(),
            exists("pumps-scoringrun"),
            old(),
            old(),
            (200, json!({"kind": "Status", "status": "Success"})),
            map(&ours()),
            plan(&ours()),
        ],
    )
    .await;
    assert_eq!(replaced.unwrap(), None);
    let name = format!("{MAPS}/pumps-scoringrun");
    let (get, delete) = (format!("GET {name}"), format!("DELETE {name}"));
    let expected = [
        &rehearsed(),
        &posted(MAPS),
        &get,
        &get,
        &delete,
        &posted(MAPS),
        &posted(JOBS),
    ];
    assert_eq!(lines(&asked), expected);
    assert_eq!(asked[4].body["preconditions"]["uid"], "child-uid");

    // Pods that score read what was planned.
    let (kept, asked) = applied(
        &[Change::CreatePart(PART, PLAN)],
        [exists("pumps-scoringrun"), old(), plan(&ours())],
    )
    .await;
    assert_eq!(kept.unwrap(), None);
    assert_eq!(lines(&asked), [&posted(MAPS), &get, &posted(JOBS)]);
}

#[tokio::test]
async fn what_goes_away_in_between_is_an_error_to_try_again() {
    let answers = [let_in(), exists("pumps-scoringrun"), not_found()];
    let (applied, _) = applied(&[Change::Create(Step::Plan)], answers).await;
    assert_eq!(status_of(&applied.unwrap_err()).unwrap().code, 409);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words_and_a_busy_server_is_an_error() {
    let denied = "admission webhook \"policy.example.com\" denied the request: no team label";
    let quota = "jobs.batch \"pumps-plan\" is forbidden: exceeded quota: few, requested: count/jobs.batch=1, used: 1, limited: 1";
    let table = [
        (403, "Forbidden", quota, Some(false), "Forbidden"),
        (403, "Forbidden", denied, Some(false), "Forbidden"),
        (400, "BadRequest", denied, Some(false), "BadRequest"),
        (
            404,
            "NotFound",
            "namespaces \"plant\" not found",
            Some(false),
            "NotFound",
        ),
        (
            422,
            "Invalid",
            "Job.batch is invalid: spec.template.spec.containers[0].image: Required value",
            Some(true),
            "InvalidPodTemplate",
        ),
        (
            400,
            "BadRequest",
            "strict decoding error: unknown field \"spec.template.spec.nodeSelektor\"",
            Some(true),
            "InvalidPodTemplate",
        ),
        (
            500,
            "InternalError",
            "failed calling webhook \"w\": no endpoints available",
            Some(false),
            "InternalError",
        ),
        (500, "InternalError", "etcdserver: leader changed", None, ""),
        (429, "TooManyRequests", "slow down", None, ""),
        (503, "ServiceUnavailable", "etcd is away", None, ""),
        (
            504,
            "Timeout",
            "request did not complete within 30s",
            None,
            "",
        ),
    ];
    for (code, reason, message, invalid, word) in table {
        let next = Part { index: 2, ..PART };
        let changes = [
            Change::CreatePart(PART, PLAN),
            Change::CreatePart(next, PLAN),
        ];
        let answers = [map(&ours()), failure(code, reason, message)];
        let (applied, asked) = applied(&changes, answers).await;
        assert_eq!(asked.len(), 2, "{message}");
        match invalid {
            Some(invalid) => {
                let expected = Refusal {
                    invalid,
                    reason: word.to_owned(),
                    message: message.to_owned(),
                };
                assert_eq!(applied.unwrap(), Some(expected));
            }
            None => assert_eq!(status_of(&applied.unwrap_err()).unwrap().code, code),
        }
    }
}

#[tokio::test]
async fn a_config_map_that_is_refused_says_nothing_about_the_pod_template() {
    let refused = failure(
        422,
        "Invalid",
        "ConfigMap \"pumps\" is invalid: data: Too long",
    );
    let (applied, asked) = applied(&[Change::Create(Step::Plan)], [let_in(), refused]).await;
    let refusal = applied.unwrap().unwrap();
    assert_eq!(
        (refusal.invalid, refusal.reason.as_str()),
        (false, "Invalid")
    );
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_pod_template_that_is_refused_is_told_before_anything_is_made() {
    let create = [Change::Create(Step::Plan)];
    let invalid = "Job.batch \"pumps-score-0\" is invalid: spec.template.spec.tolerations[0].effect: Unsupported value";
    let policy = "jobs.batch \"pumps-score-0\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no";
    for (answer, is_invalid, reason) in [
        (failure(422, "Invalid", invalid), true, "InvalidPodTemplate"),
        (failure(422, "Invalid", policy), false, "Invalid"),
        (
            failure(403, "Forbidden", "exceeded quota: q"),
            false,
            "Forbidden",
        ),
    ] {
        let (refused, asked) = applied(&create, [answer]).await;
        let refusal = refused.unwrap().unwrap();
        assert_eq!(
            (refusal.invalid, refusal.reason.as_str()),
            (is_invalid, reason)
        );
        assert_eq!(lines(&asked), [rehearsed()]);
    }
    // A score Job that is there already: the run's own, or another's.
    let theirs = child("Job", "pumps-score-0", &anothers());
    let (refused, asked) = applied(&create, [exists("pumps-score-0"), theirs]).await;
    assert_eq!(
        (refused.unwrap().unwrap().reason.as_str(), asked.len()),
        ("NameConflict", 2)
    );
    // A webhook that takes no part in dry runs says nothing about the template.
    let webhook = failure(
        400,
        "BadRequest",
        "admission webhook \"w\" does not support dry run",
    );
    let (made, asked) = applied(&create, [webhook, map(&ours()), plan(&ours())]).await;
    assert_eq!((made.unwrap(), asked.len()), (None, 3));
    let (busy, _) = applied(&create, [failure(500, "InternalError", "etcd is away")]).await;
    assert_eq!(status_of(&busy.unwrap_err()).unwrap().code, 500);
}

#[tokio::test]
async fn a_job_is_stopped_and_let_go_on_by_one_field_and_only_the_one_that_was_seen() {
    let score = job(Step::Score, 0);
    for (action, suspended) in [
        (Change::Suspend(score.clone()), true),
        (Change::Resume(score.clone()), false),
    ] {
        let (applied, asked) = applied(&[action], [plan(&ours())]).await;
        assert_eq!(applied.unwrap(), None);
        let line = format!("PATCH {JOBS}/pumps-score-0 fieldManager=fleetscore-operator");
        assert_eq!(lines(&asked), [line]);
        assert_eq!(asked[0].media, "application/merge-patch+json");
        let expected =
            json!({"metadata": {"uid": "uid-pumps-score-0"}, "spec": {"suspend": suspended}});
        assert_eq!(asked[0].body, expected);
    }
}

#[tokio::test]
async fn a_job_gets_more_pods_and_remembers_what_was_over_by_then() {
    let held_up = JobView {
        succeeded: 3,
        failed_indexes: 1,
        ..job(Step::Score, 0)
    };
    let (applied, asked) = applied(&[Change::Widen(held_up, 2)], [plan(&ours())]).await;
    assert_eq!(applied.unwrap(), None);
    let line = format!("PATCH {JOBS}/pumps-score-0 fieldManager=fleetscore-operator");
    assert_eq!(lines(&asked), [line]);
    let expected = json!({
        "metadata": {"uid": "uid-pumps-score-0", "annotations": {"scoring.fleetscore.io/widened": "4"}},
        "spec": {"parallelism": 2},
    });
    assert_eq!(asked[0].body, expected);
}

#[tokio::test]
async fn a_job_is_deleted_with_its_pods_and_only_the_one_that_was_seen() {
    let (applied, asked) = applied(&[Change::Delete(job(Step::Score, 0))], [plan(&ours())]).await;
    assert_eq!(applied.unwrap(), None);
    assert_eq!(lines(&asked), [format!("DELETE {JOBS}/pumps-score-0")]);
    let body = &asked[0].body;
    assert_eq!(body["propagationPolicy"], "Background");
    assert_eq!(body["preconditions"], json!({"uid": "uid-pumps-score-0"}));
}

#[tokio::test]
async fn a_job_of_kueues_is_gone_only_once_its_workload_is() {
    let queued = JobView {
        queued: true,
        ..job(Step::Score, 0)
    };
    let (applied, asked) = applied(&[Change::Delete(queued)], [plan(&ours())]).await;
    assert_eq!(applied.unwrap(), None);
    assert_eq!(asked[0].body["propagationPolicy"], "Foreground");
}

#[tokio::test]
async fn a_job_that_is_gone_or_another_one_by_now_is_no_error_but_a_denial_is() {
    let score = || job(Step::Score, 0);
    let changes = [
        Change::Suspend(score()),
        Change::Resume(score()),
        Change::Widen(score(), 2),
        Change::Delete(score()),
    ];
    for change in changes {
        let conflict = failure(409, "Conflict", "Precondition failed: UID in precondition");
        for gone in [not_found(), conflict] {
            let (applied, asked) = applied(std::slice::from_ref(&change), [gone]).await;
            assert_eq!((applied.unwrap(), asked.len()), (None, 1));
        }
        for (code, reason) in [(403, "Forbidden"), (422, "Invalid"), (500, "InternalError")] {
            let (applied, _) =
                applied(std::slice::from_ref(&change), [failure(code, reason, "no")]).await;
            assert_eq!(status_of(&applied.unwrap_err()).unwrap().code, code);
        }
    }
}

#[tokio::test]
async fn a_config_map_is_deleted_only_if_it_is_the_runs_own() {
    let get = format!("GET {MAPS}/pumps-scoringrun");
    for (answers, expected) in [
        (vec![not_found()], 1),
        (vec![map(&anothers())], 1),
        (vec![map(&ours()), not_found()], 2),
    ] {
        let (applied, asked) = applied(&[Change::DeleteConfigMap], answers).await;
        assert_eq!(applied.unwrap(), None);
        assert_eq!(
            (asked[0].line.as_str(), asked.len()),
            (get.as_str(), expected)
        );
    }
}

#[tokio::test]
async fn nothing_to_do_asks_nothing() {
    let (applied, asked) = applied(&[], []).await;
    assert_eq!((applied.unwrap(), asked.len()), (None, 0));
}
