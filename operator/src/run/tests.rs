use std::sync::Arc;

use kube::runtime::reflector::store::Writer;
use kube::runtime::{reflector, watcher};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::job_view::JobView;
use super::testing::{at, complete, config, job, planned, snapshot, start, stored_job, stored_run};
use super::*;
use crate::controller::{Shared, error_policy, reconcile};
use crate::metrics::Metrics;
use crate::stored::Stored;
use crate::testing::{Answer, Asked, Server, failure, list, server};

const MAP: &str = "POST /api/v1/namespaces/plant/configmaps fieldManager=fleetscore-operator fieldValidation=Strict";
const REHEARSAL: &str = "POST /apis/batch/v1/namespaces/plant/jobs dryRun=All fieldManager=fleetscore-operator fieldValidation=Strict";
const JOB: &str = "POST /apis/batch/v1/namespaces/plant/jobs fieldManager=fleetscore-operator fieldValidation=Strict";
const STATUS: &str = "PATCH /apis/scoring.fleetscore.io/v1alpha1/namespaces/plant/scoringruns/pumps/status fieldManager=fleetscore-operator force=true";
const EVENT: &str = "POST /apis/events.k8s.io/v1/namespaces/plant/events";

/// A run, its Jobs in the cache, and an API server that gives the answers it was told to.
struct World {
    context: RunReconciler,
    jobs: Writer<Job>,
    server: Server,
    run: RunSnapshot,
    asked: usize,
}

impl World {
    fn new(run: RunSnapshot, jobs: &[JobView], answers: impl IntoIterator<Item = Answer>) -> Self {
        let (client, server) = server(answers);
        let (store, mut writer) = reflector::store();
        writer.apply_watcher_event(&watcher::Event::Init);
        for job in jobs {
            writer.apply_watcher_event(&watcher::Event::InitApply(stored_job(job)));
        }
        writer.apply_watcher_event(&watcher::Event::InitDone);
        let context = RunReconciler {
            tools: Tools::new(Shared {
                client,
                metrics: Arc::new(Metrics::new()),
                health: Arc::default(),
                rush: Arc::default(),
                traces: crate::traces::RunTraces::default(),
            }),
            config: config(),
            jobs: store,
            jobs_filled: watch::channel(true).1,
            memories: Memories::default(),
            places: Places::default(),
            published: Published::default(),
        };
        Self {
            context,
            jobs: writer,
            server,
            run,
            asked: 0,
        }
    }

    fn show(&mut self, job: &JobView) {
        self.jobs
            .apply_watcher_event(&watcher::Event::Apply(stored_job(job)));
    }

    /// One pass, and what it asked. A status that it wrote is the run's from then on.
    async fn pass(&mut self) -> (Result<Action, PassError>, Vec<Asked>) {
        let action = self.context.pass(&stored_run(&self.run), &self.run).await;
        let asked = self.server.asked().split_off(self.asked);
        self.asked += asked.len();
        for written in asked.iter().filter(|asked| asked.line == STATUS) {
            self.run.status = serde_json::from_value(written.body["status"].clone()).unwrap();
        }
        (action, asked)
    }
}

fn lines(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| asked.line.as_str()).collect()
}

fn created() -> Answer {
    (
        201,
        json!({"metadata": {"name": "new"}, "spec": {"template": {}}}),
    )
}

fn written() -> Answer {
    (200, json!(stored_run(&snapshot())))
}

fn told() -> Answer {
    let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {}, "eventTime": null});
    (201, event)
}

/// The reason and the message of a condition that holds, or of `Ready`.
fn word<'a>(status: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let conditions = status["conditions"].as_array().unwrap();
    let found = conditions
        .iter()
        .find(|found| found["type"] == kind)
        .unwrap();
    (
        found["reason"].as_str().unwrap(),
        found["message"].as_str().unwrap_or_default(),
    )
}

fn scoring(pods: u32, succeeded: u32) -> JobView {
    JobView {
        active: pods.min(100),
        ready: pods.min(100),
        succeeded,
        ..job(Step::Score, 0)
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_with_a_run_while_others_are_still_created() {
    let answers = [created(), created(), created(), written(), told()];
    let mut world = World::new(snapshot(), &[], answers);
    let rush = world.context.tools.rush.clone();
    let creating = rush.create(std::future::pending::<()>());
    let begun = tokio::time::timeout(Duration::from_secs(5), world.pass());
    tokio::select! {
        biased;
        () = creating => unreachable!(),
        pass = begun => assert!(pass.is_err(), "{pass:?}"),
    }
    assert_eq!(world.server.lines(), Vec::<String>::new());
    // That pass was given up, and so was the creation.
    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), [REHEARSAL, MAP, JOB, STATUS, EVENT]);
}

#[tokio::test]
async fn a_new_run_is_planned_then_its_status_written_then_told() {
    let answers = [created(), created(), created(), written(), told()];
    let mut world = World::new(snapshot(), &[], answers);
    let (action, asked) = world.pass().await;
    assert_ne!(action.unwrap(), Action::await_change());
    assert_eq!(lines(&asked), [REHEARSAL, MAP, JOB, STATUS, EVENT]);
    let (status, event) = (&asked[3], &asked[4].body);
    assert_eq!(status.media, "application/apply-patch+yaml");
    assert_eq!(
        status.body["metadata"],
        json!({"name": "pumps", "resourceVersion": "7"})
    );
    assert_eq!(status.body["status"]["phase"], "Planning");
    assert_eq!(event["reason"], "Planning");
    assert_eq!(event["type"], "Normal");
    assert_eq!(event["regarding"]["uid"], "run-uid");
}

#[tokio::test]
async fn a_plan_is_written_down_and_then_scored() {
    let pod = json!({
        "metadata": {"name": "pumps-plan-x", "creationTimestamp": start()},
        "status": {"containerStatuses": [{
            "name": "scorer", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "message": r#"{"sensors": 15000, "shards": 15000}"#}},
        }]},
    });
    let mut run = snapshot();
    run.status.phase = Phase::Planning;
    run.spec.sharding.max_pods = 15_000;
    let mut page = list("Pod", &[pod]);
    page.1["metadata"]["continue"] = json!("");
    let answers = [page, written()];
    let answers = answers
        .into_iter()
        .chain([created(), created(), created(), written(), told()]);
    let mut world = World::new(run, &[complete(job(Step::Plan, 0))], answers);
    let (_, asked) = world.pass().await;
    assert_eq!(asked.len(), 2);
    assert!(asked[0].line.contains("controller-uid=uid-pumps-plan"));
    let status = &asked[1].body["status"];
    assert_eq!(status["sensors"]["total"], 15_000);
    assert_eq!(status["pods"]["total"], 15_000);
    assert_eq!(word(status, "Planned").0, "Planned");

    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), [MAP, JOB, JOB, STATUS, EVENT]);
    assert_eq!(asked[1].body["metadata"]["name"], "pumps-score-0");
    assert_eq!(asked[2].body["metadata"]["name"], "pumps-score-1");
    assert_eq!(asked[3].body["status"]["phase"], "Scoring");
}

#[tokio::test]
async fn a_run_that_has_ended_asks_nothing() {
    let mut run = planned(15);
    run.status.phase = Phase::Succeeded;
    run.status.completion_time = Some(at(60));
    let jobs = [
        complete(job(Step::Plan, 0)),
        complete(scoring(15, 15)),
        complete(job(Step::Collect, 0)),
    ];
    let mut world = World::new(run.clone(), &jobs, []);
    let (action, asked) = world.pass().await;
    assert_eq!((action.unwrap(), asked.len()), (Action::await_change(), 0));

    run.deleting = true;
    run.status.phase = Phase::Scoring;
    let mut world = World::new(run, &[scoring(15, 1)], []);
    let (action, asked) = world.pass().await;
    assert_eq!((action.unwrap(), asked.len()), (Action::await_change(), 0));
}

#[tokio::test]
async fn mere_progress_is_written_when_it_is_much_or_old() {
    let jobs = [complete(job(Step::Plan, 0)), scoring(1000, 100)];
    let mut world = World::new(planned(1000), &jobs, [written(), written(), written()]);
    assert_eq!(lines(&world.pass().await.1), [STATUS]);

    // Nothing has changed, then a little: looked at again when it may be written.
    for succeeded in [100, 149] {
        world.show(&scoring(1000, succeeded));
        let (action, asked) = world.pass().await;
        assert_ne!(action.unwrap(), Action::await_change());
        assert_eq!(lines(&asked), [] as [&str; 0], "{succeeded}");
    }
    world.show(&scoring(1000, 150));
    assert_eq!(lines(&world.pass().await.1), [STATUS]);
    assert_eq!(world.run.status.pods.unwrap().succeeded, 150);

    world.show(&scoring(1000, 151));
    assert_eq!(lines(&world.pass().await.1), [] as [&str; 0]);
    let mut memory = world.context.memories.get("run-uid");
    memory.written = memory
        .written
        .map(|written| written - status::PROGRESS_EVERY);
    world.context.memories.put("run-uid", memory);
    assert_eq!(lines(&world.pass().await.1), [STATUS]);
}

#[tokio::test]
async fn a_pass_asks_as_much_of_a_large_run_as_of_a_small_one() {
    let mut all = Vec::new();
    for pods in [10, 10_000] {
        let waiting: Vec<_> = (0..pods.min(50))
            .map(|index| json!({
                "metadata": {"name": format!("p{index}"), "creationTimestamp": Timestamp::now().to_string()},
                "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}]},
            }))
            .collect();
        let stuck = JobView {
            ready: 0,
            ..scoring(pods, 0)
        };
        let jobs = [complete(job(Step::Plan, 0)), stuck];
        let answers = [list("Pod", &waiting), written(), told(), told()];
        let mut world = World::new(planned(pods), &jobs, answers);
        let (_, asked) = world.pass().await;
        assert_eq!(world.run.status.phase, Phase::WaitingForNodes);
        all.push(
            asked
                .into_iter()
                .map(|asked| asked.line)
                .collect::<Vec<_>>(),
        );
        // It is too early for another look.
        assert_eq!(lines(&world.pass().await.1), [] as [&str; 0]);
    }
    assert!(all[0][0].ends_with(" limit=50"), "{:?}", all[0]);
    assert_eq!(all[0][1..], [STATUS, EVENT, EVENT]);
    assert_eq!(all[0], all[1]);
}

#[tokio::test]
async fn a_refused_creation_is_told_until_it_succeeds() {
    let quota = "jobs.batch \"pumps-plan\" is forbidden: exceeded quota";
    let refused = || [created(), created(), failure(403, "Forbidden", quota)];
    let answers = refused()
        .into_iter()
        .chain([written(), told(), told()])
        .chain(refused())
        .chain([created(), created(), created(), written()]);
    let mut world = World::new(snapshot(), &[], answers);
    let (action, asked) = world.pass().await;
    assert_eq!(lines(&asked), [REHEARSAL, MAP, JOB, STATUS, EVENT, EVENT]);
    assert_eq!(
        word(&asked[3].body["status"], "Ready"),
        ("Forbidden", quota)
    );
    assert_eq!(asked[4].body["type"], "Warning");
    assert_eq!(asked[4].body["note"], quota);
    assert_ne!(action.unwrap(), Action::await_change());
    // Tried again, refused again: nothing new to say.
    assert_eq!(lines(&world.pass().await.1), [REHEARSAL, MAP, JOB]);
    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), [REHEARSAL, MAP, JOB, STATUS]);
    assert_eq!(word(&asked[3].body["status"], "Ready").0, "Planning");
}

#[tokio::test]
async fn a_template_that_can_never_be_created_fails_the_run_at_once() {
    let invalid = "Job.batch \"pumps-score-0\" is invalid: spec.template.spec.containers[0].image: Required value";
    let answers = [failure(422, "Invalid", invalid), written(), told()];
    let mut world = World::new(snapshot(), &[], answers);
    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), [REHEARSAL, STATUS, EVENT]);
    let status = &asked[1].body["status"];
    assert_eq!(status["phase"], "Failed");
    assert_eq!(word(status, "Failed"), ("InvalidPodTemplate", invalid));
}

#[tokio::test]
async fn what_is_not_written_is_not_told() {
    for (answer, expected) in [
        (
            failure(409, "Conflict", "the object has been modified"),
            "Outdated",
        ),
        (failure(403, "Forbidden", "no"), "Status"),
        (failure(500, "InternalError", "no"), "Status"),
        (failure(404, "NotFound", "gone"), ""),
    ] {
        let answers = [created(), created(), created(), answer];
        let mut world = World::new(snapshot(), &[], answers);
        let (action, asked) = world.pass().await;
        let found = action.err().map_or("", |error| error.kind());
        assert_eq!(found, expected);
        assert_eq!(lines(&asked), [REHEARSAL, MAP, JOB, STATUS]);
    }
}

#[tokio::test]
async fn what_cannot_be_read_or_written_ends_the_pass() {
    let busy = || failure(429, "TooManyRequests", "slow down");
    let mut world = World::new(snapshot(), &[], [busy()]);
    let (action, asked) = world.pass().await;
    assert_eq!(
        (action.unwrap_err().kind(), lines(&asked)),
        ("Write", vec![REHEARSAL])
    );

    let mut world = World::new(snapshot(), &[complete(job(Step::Plan, 0))], [busy()]);
    let (action, asked) = world.pass().await;
    assert_eq!((action.unwrap_err().kind(), asked.len()), ("Read", 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_before_the_jobs_are_listed() {
    let answers = [created(), created(), created(), written(), told()];
    let mut world = World::new(snapshot(), &[], answers);
    let (listed, filled) = watch::channel(false);
    world.context.jobs_filled = filled;
    let waited = tokio::time::timeout(Duration::from_secs(50), world.pass()).await;
    assert!(waited.is_err() && world.server.lines().is_empty());
    listed.send(true).unwrap();
    assert_eq!(world.pass().await.1.len(), 5);

    let (listed, filled) = watch::channel(false);
    world.context.jobs_filled = filled;
    drop(listed);
    assert_eq!(world.pass().await.0.unwrap_err().kind(), "Stopping");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_an_error_that_is_tried_ever_more_rarely() {
    let World {
        context,
        run,
        jobs: _jobs,
        ..
    } = World::new(snapshot(), &[], [(0, Value::Null)]);
    let context = Arc::new(context);
    let object = Arc::new(Stored(Ok(stored_run(&run))));
    let begun = tokio::time::Instant::now();
    let error = reconcile(object.clone(), context.clone())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), begun.elapsed().as_secs()), ("Timeout", 60));
    for seconds in [1, 2, 4] {
        let again = error_policy(object.clone(), &error, context.clone());
        assert_eq!(again, Action::requeue(Duration::from_secs(seconds)));
    }
    let soon = error_policy(object, &PassError::Outdated, context.clone());
    assert_eq!(soon, Action::requeue(Duration::from_millis(500)));
    let text = context.tools.metrics.encode();
    assert!(
        text.contains(r#"reconcile_errors_total{error="Timeout"} 3"#),
        "{text}"
    );
}

#[tokio::test]
async fn an_object_that_cannot_be_read_waits_for_another_version_of_itself() {
    let mut object = json!(stored_run(&snapshot()));
    object["spec"]["model"] = json!("not a model");
    let object: Stored<ScoringRun> = serde_json::from_value(object).unwrap();
    let World {
        context, server, ..
    } = World::new(snapshot(), &[], [written(), told()]);
    let (object, context) = (Arc::new(object), Arc::new(context));
    let error = reconcile(object.clone(), context.clone())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "InvalidObject");
    assert_eq!(
        error_policy(object, &error, context),
        Action::await_change()
    );
    // It is told so: a condition, and an event.
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let conditions = asked[0].body["status"]["conditions"].as_array().unwrap();
    let stalled = conditions.iter().find(|found| found["type"] == "Stalled");
    assert_eq!(stalled.unwrap()["reason"], "Unreadable");
    assert_eq!(asked[1].line, EVENT);
}

/// What a newer definition adds to what the API server answers is no error.
#[tokio::test]
async fn an_answer_of_a_newer_api_server_is_read() {
    let mut answer = json!(stored_run(&snapshot()));
    answer["spec"]["sharding"]["shape"] = json!("Even");
    let answers = [created(), created(), created(), (200, answer), told()];
    let mut world = World::new(snapshot(), &[], answers);
    let (result, asked) = world.pass().await;
    result.unwrap();
    assert_eq!(lines(&asked), [REHEARSAL, MAP, JOB, STATUS, EVENT]);
}

#[tokio::test]
async fn a_run_that_could_not_be_read_goes_on_once_it_can() {
    let mut run = snapshot();
    let mut unreadable = planned(1).status.conditions.remove(0);
    (unreadable.kind, unreadable.reason) = ("Stalled".to_owned(), "Unreadable".to_owned());
    run.status.conditions = vec![unreadable];
    let run = RunSnapshot::of(&stored_run(&run)).unwrap();
    assert!(run.status.conditions.is_empty());
}

#[tokio::test]
async fn an_object_without_a_uid_is_an_error() {
    let World { context, .. } = World::new(snapshot(), &[], []);
    let mut stored = stored_run(&snapshot());
    stored.metadata.uid = None;
    let object = Arc::new(Stored(Ok(stored)));
    let error = reconcile(object, Arc::new(context)).await.unwrap_err();
    assert_eq!(error.kind(), "Unnamed");
}

#[tokio::test]
async fn an_ended_runs_children_go_when_their_time_has_come() {
    let mut run = planned(15);
    run.status.phase = Phase::Succeeded;
    run.status.completion_time = Some(at(60));
    run.spec.ttl_seconds_after_finished = Some(60);
    let map = json!({"metadata": {"name": "pumps-scoringrun", "uid": "map-uid", "ownerReferences": [run.owner()]}});
    let gone = || (200, json!({"kind": "Status", "status": "Success"}));
    let jobs = [complete(job(Step::Plan, 0)), complete(scoring(15, 15))];
    let mut world = World::new(run, &jobs, [(200, map), gone(), gone(), gone()]);
    let (_, asked) = world.pass().await;
    let expected = [
        "GET /api/v1/namespaces/plant/configmaps/pumps-scoringrun",
        "DELETE /api/v1/namespaces/plant/configmaps/pumps-scoringrun",
        "DELETE /apis/batch/v1/namespaces/plant/jobs/pumps-plan",
        "DELETE /apis/batch/v1/namespaces/plant/jobs/pumps-score-0",
    ];
    assert_eq!(lines(&asked), expected);
}

/// What a namespace may not name is refused before any pod runs.
#[tokio::test]
async fn a_run_that_names_storage_of_others_is_not_planned() {
    let mut run = snapshot();
    run.spec.model.location = "az://models/{device}".to_owned();
    run.spec.storage =
        serde_json::from_value(json!({"azure": {"account": "plantbstore"}})).unwrap();
    let mut world = World::new(run, &[], [written(), told()]);
    world.context.config.storage = serde_json::from_value(json!({
        "allowed": [{"namespaces": ["plant"], "accounts": ["plantastore"]}],
    }))
    .unwrap();
    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), [STATUS, EVENT]);
    let status = &asked[0].body["status"];
    assert_eq!(status["phase"], "Failed");
    let (reason, message) = word(status, "Failed");
    assert_eq!(reason, "StorageNotAllowed");
    assert!(
        message.contains("plantbstore") && message.contains("storage.allowed"),
        "{message}"
    );
}

/// A pod has no Python of its own.
#[tokio::test]
async fn a_run_whose_worker_has_no_image_is_not_planned() {
    let mut run = snapshot();
    run.spec.model.worker = Some(serde_json::from_value(json!({"module": "predict"})).unwrap());
    let mut world = World::new(run, &[], [written(), told()]);
    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), [STATUS, EVENT]);
    let status = &asked[0].body["status"];
    assert_eq!(status["phase"], "Failed");
    let (reason, message) = word(status, "Failed");
    assert_eq!(reason, "WorkerWithoutImage");
    assert!(message.contains("spec.model.worker.image"), "{message}");
}

/// A run of the same place in another namespace goes first; this one says so, and is planned when that one has ended.
#[tokio::test]
async fn a_run_whose_place_is_anothers_waits_for_it_and_asks_nothing() {
    let mut run = snapshot();
    run.spec.storage.azure = serde_json::from_value(json!({"account": "plantstore"})).unwrap();
    run.spec.output.location = "az://predictions/latest/".to_owned();
    let mut owner = planned(3);
    (owner.namespace, owner.uid) = ("other".to_owned(), "other-uid".to_owned());
    owner.spec = run.spec.clone();
    let answers = [
        written(),
        told(),
        created(),
        created(),
        created(),
        written(),
        told(),
    ];
    let mut world = World::new(run, &[], answers);
    let mut scope = world.context.places.scope(config());
    scope.note(&watcher::Event::Apply(Stored(Ok(stored_run(&owner)))));
    let (_, asked) = world.pass().await;
    assert_eq!(asked.len(), 0, "not all runs are listed: {asked:?}");
    scope.unreadable()();
    let (action, asked) = world.pass().await;
    assert_eq!(lines(&asked), [STATUS, EVENT]);
    assert_ne!(action.unwrap(), Action::await_change());
    let status = &asked[0].body["status"];
    assert_eq!(
        (&status["phase"], &status["startTime"]),
        (&json!("Pending"), &Value::Null)
    );
    let (reason, message) = word(status, "Ready");
    assert_eq!(reason, "OutputInUse");
    assert!(
        message
            .starts_with("the ScoringRun other/pumps has been writing to az://predictions/latest/"),
        "{message}"
    );
    assert_eq!(
        (&asked[1].body["type"], &asked[1].body["reason"]),
        (&json!("Warning"), &json!("OutputInUse"))
    );
    // Nothing new to say.
    assert_eq!(lines(&world.pass().await.1), [] as [&str; 0]);
    owner.status.phase = Phase::Succeeded;
    scope.note(&watcher::Event::Apply(Stored(Ok(stored_run(&owner)))));
    assert_eq!(
        lines(&world.pass().await.1),
        [REHEARSAL, MAP, JOB, STATUS, EVENT]
    );
}

/// The operator is upgraded between the plan and the score step.
#[tokio::test]
async fn a_run_keeps_its_scorer_when_the_operator_is_another_one() {
    let pod = json!({
        "metadata": {"name": "pumps-plan-x", "creationTimestamp": start()},
        "status": {"containerStatuses": [{
            "name": "scorer", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "message": r#"{"sensors": 3, "shards": 3}"#}},
        }]},
    });
    let planned_with = fleetscore_crds::ScorerVersion {
        image: "scorer:before".to_owned(),
        coordinator_image: None,
        operator: "0.0.9".to_owned(),
    };
    let plan = JobView {
        scorer: Some(planned_with.clone()),
        ..complete(job(Step::Plan, 0))
    };
    let mut page = list("Pod", &[pod]);
    page.1["metadata"]["continue"] = json!("");
    let answers = [page, written(), created(), created(), written(), told()];
    let mut run = snapshot();
    run.status.phase = Phase::Planning;
    let mut world = World::new(run, &[plan], answers);
    world.pass().await.0.unwrap();
    assert_eq!(world.run.status.scorer, Some(planned_with));
    let (_, asked) = world.pass().await;
    let job = &asked[1].body;
    assert_eq!(job["metadata"]["name"], "pumps-score-0");
    assert_eq!(
        job["spec"]["template"]["spec"]["containers"][0]["image"],
        "scorer:before"
    );
    assert_eq!(world.run.status.phase, Phase::Scoring);
}
