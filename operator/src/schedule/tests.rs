use std::sync::{Arc, LazyLock};

use fleetscore_crds::{API_VERSION, ScoringRun, SettledTicks};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::testing::{snapshot, start};
use super::*;
use crate::children::tick_run;
use crate::controller::Shared;
use crate::metrics::Metrics;
use crate::stored::Stored;
use crate::testing::{Answer, Asked, Server, failure, server};

const CHECK: &str =
    "GET /apis/scoring.fleetscore.io/v1alpha1/namespaces/plant/scoringschedules/pumps";
const RUN: &str = "POST /apis/scoring.fleetscore.io/v1alpha1/namespaces/plant/scoringruns fieldManager=fleetscore-operator fieldValidation=Strict";
const STATUS: &str = "PATCH /apis/scoring.fleetscore.io/v1alpha1/namespaces/plant/scoringschedules/pumps/status fieldManager=fleetscore-operator force=true";
const EVENT: &str = "POST /apis/events.k8s.io/v1/namespaces/plant/events";

/// A schedule, the index of its runs, and an API server that gives the answers it was told to.
struct World {
    context: ScheduleReconciler,
    server: Server,
    schedule: ScheduleSnapshot,
    asked: usize,
}

impl World {
    fn new(schedule: ScheduleSnapshot, answers: impl IntoIterator<Item = Answer>) -> Self {
        let (client, server) = server(answers);
        let context = ScheduleReconciler {
            tools: Tools::new(Shared {
                client,
                metrics: Arc::new(Metrics::new()),
                health: Arc::default(),
                rush: Arc::default(),
                traces: crate::traces::RunTraces::default(),
            }),
            children: Children::new().0,
            runs_listed: watch::channel(true).1,
            overwritten: Overwritten::default(),
        };
        Self {
            context,
            server,
            schedule,
            asked: 0,
        }
    }

    /// One pass, and what it asked. A status that it wrote is the schedule's from then on.
    async fn pass(&mut self) -> (Result<Action, PassError>, Vec<Asked>) {
        let action = self
            .context
            .pass(&stored(&self.schedule), &self.schedule)
            .await;
        let asked = self.server.asked().split_off(self.asked);
        self.asked += asked.len();
        for written in asked.iter().filter(|asked| asked.line == STATUS) {
            self.schedule.status = serde_json::from_value(written.body["status"].clone()).unwrap();
            self.schedule.resource_version = Some("8".to_owned());
        }
        (action, asked)
    }
}

/// The schedule as the API server holds it.
fn stored(schedule: &ScheduleSnapshot) -> ScoringSchedule {
    serde_json::from_value(json!({
        "apiVersion": API_VERSION, "kind": "ScoringSchedule",
        "metadata": {
            "name": schedule.name, "namespace": schedule.namespace, "uid": schedule.uid,
            "resourceVersion": schedule.resource_version, "creationTimestamp": schedule.created,
        },
        "spec": schedule.spec, "status": schedule.status,
    }))
    .unwrap()
}

/// An hourly schedule that has ticked half an hour before the tests began.
static HALF_AN_HOUR_AGO: LazyLock<String> = LazyLock::new(|| {
    let minute = (Timestamp::now().as_second() / 60 + 30) % 60;
    format!("{minute} * * * *")
});

/// A schedule whose last settled tick is some hours ago: one is due, and some have been missed.
fn due() -> ScheduleSnapshot {
    let mut schedule = snapshot();
    let now = Timestamp::now();
    schedule.spec.schedule = HALF_AN_HOUR_AGO.clone();
    schedule.created = start();
    schedule.status.settled = Some(SettledTicks {
        until: now - SignedDuration::from_hours(5),
        schedule: schedule.spec.schedule.clone(),
        time_zone: schedule.spec.time_zone.clone(),
        suspended: false,
    });
    schedule
}

fn version(version: &str) -> Answer {
    let meta = json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {"name": "pumps", "namespace": "plant", "resourceVersion": version},
    });
    (200, meta)
}

/// What the API server says to a new run.
fn created() -> Answer {
    (201, run_of("uid", &newest()))
}

/// The name of the run of the latest tick.
fn newest() -> String {
    let timetable = Timetable::parse(&HALF_AN_HOUR_AGO, "Etc/UTC").unwrap();
    tick_run("pumps", timetable.until(Timestamp::now()).next().unwrap())
}

fn run_of(owner: &str, name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "ScoringRun",
        "metadata": {
            "name": name, "namespace": "plant", "uid": "run-uid", "creationTimestamp": Timestamp::now(),
            "ownerReferences": [{
                "apiVersion": API_VERSION, "kind": "ScoringSchedule", "name": "pumps", "uid": owner, "controller": true,
            }],
        },
        "spec": snapshot().spec.run_template.spec,
    })
}

fn written() -> Answer {
    (200, json!(stored(&snapshot())))
}

fn told() -> Answer {
    let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {}, "eventTime": null});
    (201, event)
}

fn lines(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| asked.line.as_str()).collect()
}

#[tokio::test]
async fn a_tick_is_four_requests_and_then_none() {
    let mut world = World::new(due(), [version("7"), created(), written(), told(), told()]);
    let (action, asked) = world.pass().await;
    assert_ne!(action.unwrap(), Action::await_change());
    // The second event tells of the ticks that were missed.
    assert_eq!(lines(&asked), [CHECK, RUN, STATUS, EVENT, EVENT]);
    let run: ScoringRun = serde_json::from_value(asked[1].body.clone()).unwrap();
    assert_eq!(run.metadata.name, Some(newest()));
    assert_eq!(
        run.metadata.owner_references,
        Some(vec![snapshot().reference()])
    );
    let status = &asked[2];
    assert_eq!(status.media, "application/apply-patch+yaml");
    assert_eq!(
        status.body["metadata"],
        json!({"name": "pumps", "resourceVersion": "7"})
    );
    let events: Vec<_> = asked[3..]
        .iter()
        .map(|asked| &asked.body["reason"])
        .collect();
    assert_eq!(events, ["RunCreated", "Missed"]);
    // Before any watch has told of the run or the status.
    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), Vec::<&str>::new());
    let text = world.context.tools.metrics.encode();
    assert!(
        text.contains(r#"fleetscore_schedule_runs_created_total{cause="tick"} 1"#),
        "{text}"
    );
    assert!(
        text.contains("fleetscore_schedule_lateness_seconds_count 1"),
        "{text}"
    );
}

#[tokio::test]
async fn nothing_is_created_from_a_schedule_that_has_changed() {
    for answer in [version("8"), failure(404, "NotFound", "gone")] {
        let mut world = World::new(due(), [answer]);
        let (action, asked) = world.pass().await;
        assert!(matches!(action, Err(PassError::Outdated)), "{action:?}");
        assert_eq!(lines(&asked), [CHECK]);
    }
}

#[tokio::test]
async fn a_run_that_exists_is_taken_for_created() {
    let taken = failure(409, "AlreadyExists", "exists");
    let present = (200, run_of("uid", &newest()));
    let mut world = World::new(
        due(),
        [version("7"), taken.clone(), present, written(), told()],
    );
    let (_, asked) = world.pass().await;
    let run = format!(
        "GET /apis/scoring.fleetscore.io/v1alpha1/namespaces/plant/scoringruns/{}",
        newest()
    );
    assert_eq!(lines(&asked), [CHECK, RUN, run.as_str(), STATUS, EVENT]);
    assert_eq!(world.schedule.status.active, [newest()]);

    let mut foreign = run_of("uid", &newest());
    foreign["metadata"]["ownerReferences"] = json!([]);
    let mut world = World::new(
        due(),
        [
            version("7"),
            taken,
            (200, foreign),
            written(),
            told(),
            told(),
        ],
    );
    let (action, _) = world.pass().await;
    assert!(action.is_ok());
    let status = &world.schedule.status;
    assert_eq!(status.conditions[0].reason, "NameConflict");
    assert_eq!(status.missed_reasons["NameConflict"], 1);
    assert_eq!(status.last_missed.as_ref().unwrap().reason, "NameConflict");
}

#[tokio::test]
async fn a_refusal_is_written_down_and_an_outage_is_not() {
    let quota = failure(403, "Forbidden", "exceeded quota: q");
    let before = due().status.settled;
    let mut world = World::new(due(), [version("7"), quota, written(), told(), told()]);
    let (action, asked) = world.pass().await;
    assert!(action.is_ok());
    assert_eq!(lines(&asked), [CHECK, RUN, STATUS, EVENT, EVENT]);
    let status = &world.schedule.status;
    assert_eq!(status.conditions[0].reason, "Forbidden");
    assert_eq!(status.last_schedule_time, None);
    assert!(status.settled.as_ref().unwrap().until >= before.unwrap().until);

    let down = failure(503, "ServiceUnavailable", "down");
    let mut world = World::new(due(), [version("7"), down]);
    let (action, asked) = world.pass().await;
    assert!(matches!(action, Err(PassError::Write(_))), "{action:?}");
    assert_eq!(lines(&asked), [CHECK, RUN]);
}

#[tokio::test]
async fn a_cache_that_lacks_ones_own_status_is_waited_for() {
    let mut world = World::new(due(), [version("7"), created(), written(), told(), told()]);
    let before = world.schedule.clone();
    world.pass().await.0.unwrap();
    let after = std::mem::replace(&mut world.schedule, before);
    let (action, asked) = world.pass().await;
    assert_eq!(action.unwrap(), Action::requeue(AFTER_OWN_WRITE));
    assert_eq!(lines(&asked), Vec::<&str>::new());
    world.schedule = after;
    assert_ne!(
        world.pass().await.0.unwrap(),
        Action::requeue(AFTER_OWN_WRITE)
    );
}

#[tokio::test]
async fn nothing_is_told_of_a_status_that_does_not_stand() {
    let conflict = failure(409, "Conflict", "changed");
    let mut world = World::new(due(), [version("7"), created(), conflict]);
    let (action, asked) = world.pass().await;
    assert!(matches!(action, Err(PassError::Outdated)), "{action:?}");
    assert_eq!(lines(&asked), [CHECK, RUN, STATUS]);
}

#[tokio::test]
async fn surplus_runs_go_last() {
    let mut schedule = due();
    schedule.spec.suspend = true;
    schedule.status.settled.as_mut().unwrap().suspended = true;
    schedule.spec.history.succeeded = 0;
    let old: Stored<ScoringRun> = {
        let mut run = run_of("uid", "pumps-1767229200");
        run["metadata"]["creationTimestamp"] = json!("2026-01-01T01:00:00Z");
        run["status"] = json!({"phase": "Succeeded", "completionTime": "2026-01-01T01:05:00Z"});
        serde_json::from_value(run).unwrap()
    };
    let gone = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
    let mut world = World::new(schedule, [written(), (200, gone)]);
    world.context.children.expect(&old);
    let (action, asked) = world.pass().await;
    assert_eq!(action.unwrap(), Action::await_change());
    let delete =
        "DELETE /apis/scoring.fleetscore.io/v1alpha1/namespaces/plant/scoringruns/pumps-1767229200";
    assert_eq!(lines(&asked), [STATUS, delete]);
    assert_eq!(asked[1].body["preconditions"], json!({"uid": "run-uid"}));
    assert_eq!(asked[1].body["propagationPolicy"], "Background");
    assert_eq!(
        world.schedule.status.last_successful_time,
        Some(super::testing::hour(1))
    );
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_is_only_told() {
    let mut schedule = due();
    schedule.spec.time_zone = "Europe/Berlim".to_owned();
    let mut world = World::new(schedule, [written(), told(), told()]);
    let (action, asked) = world.pass().await;
    assert_eq!(action.unwrap(), Action::await_change());
    assert_eq!(lines(&asked), [STATUS, EVENT, EVENT]);
    assert_eq!(asked[2].body["reason"], "InvalidTimeZone");
    let (_, asked) = world.pass().await;
    assert_eq!(lines(&asked), Vec::<&str>::new());
}
