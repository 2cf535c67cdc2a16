//! Schedules: one run a tick, whoever creates it, and what that asks of the API server.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::Api;
use super::program::Program;
use super::run::scoring_run;
use super::{until, until_true};

const SCHEDULES: &str = "scoring.fleetscore.io/v1alpha1/scoringschedules";
const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";
const MAPS: &str = "v1/configmaps";
const MANY: usize = 40;

/// A schedule of which the tick at the beginning of this year is due.
fn due(suspend: bool) -> Value {
    json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringSchedule",
        "metadata": {},
        "spec": {
            "schedule": "0 0 1 1 *", "suspend": suspend,
            "runTemplate": {"metadata": {"labels": {"team": "pumps"}}, "spec": scoring_run(&json!({}))["spec"]},
        },
        "status": {"settled": {
            "until": "2020-06-01T00:00:00Z", "schedule": "0 0 1 1 *", "timeZone": "Etc/UTC", "suspended": suspend,
        }},
    })
}

fn runs(api: &Api) -> Vec<Value> {
    api.with(|objects| objects.list(RUNS, None))
}

fn status(api: &Api, name: &str) -> Value {
    api.get(SCHEDULES, "plant", name).unwrap()["status"].clone()
}

fn this_year() -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    format!("{}-01-01T00:00:00Z", now.year())
}

#[tokio::test]
async fn a_tick_is_one_run_although_two_operators_are_at_work() {
    let api = Api::new();
    let names: Vec<_> = (0..MANY).map(|number| format!("pumps-{number}")).collect();
    for name in &names {
        api.create(SCHEDULES, "plant", name, due(false));
    }
    let (one, two) = (api.listen("one").await, api.listen("two").await);
    let args = ["--no-leader-election"];
    let _operators = [
        Program::start(&one, "one", &args, &[]),
        Program::start(&two, "two", &args, &[]),
    ];
    let tick = json!(this_year());
    until_true("status of all", || {
        names
            .iter()
            .all(|name| status(&api, name)["settled"]["until"] == tick)
    })
    .await;
    let runs = runs(&api);
    let of: BTreeSet<_> = runs
        .iter()
        .map(|run| run["metadata"]["labels"]["scoring.fleetscore.io/schedule"].as_str())
        .collect();
    assert_eq!((runs.len(), of.len()), (MANY, MANY));
    for name in &names {
        let status = status(&api, name);
        assert_eq!(status["lastScheduleTime"], tick);
        assert_eq!(status["missedReasons"]["Missed"], status["missedRuns"]);
        let run = status["active"][0].as_str().unwrap();
        let run = api.get(RUNS, "plant", run).unwrap();
        let owner = &api.get(SCHEDULES, "plant", name).unwrap()["metadata"]["uid"];
        assert_eq!(run["metadata"]["ownerReferences"][0]["uid"], *owner);
        assert_eq!(run["metadata"]["labels"]["team"], "pumps");
        assert_eq!(run["spec"]["window"]["end"], tick);
    }
    // Nothing is listed for a single schedule or run.
    for by in ["one", "two"] {
        let lists = api.asked_by(by);
        let lists = lists.iter().filter(|asked| {
            asked.verb == "list" && [SCHEDULES, RUNS].contains(&asked.resource.as_str())
        });
        assert!(lists.count() <= 4);
    }
    // The pods read whose run it is.
    let map = until("ConfigMap", || {
        api.with(|objects| objects.list(MAPS, None).pop())
    })
    .await;
    let run: Value = serde_json::from_str(map["data"]["run.json"].as_str().unwrap()).unwrap();
    let schedule = &run["metadata"]["labels"]["scoring.fleetscore.io/schedule"];
    assert!(names.iter().any(|name| schedule == name), "{run}");
}

#[tokio::test]
async fn a_trigger_makes_a_run_of_a_suspended_schedule() {
    let api = Api::new();
    api.create(SCHEDULES, "plant", "pumps", due(true));
    let url = api.listen("operator").await;
    let _operator = Program::start(&url, "operator", &["--no-leader-election"], &[]);
    until_true("status", || {
        status(&api, "pumps")["conditions"][0]["reason"] == "Suspended"
    })
    .await;
    assert_eq!(runs(&api), Vec::<Value>::new());
    let annotation = json!({"metadata": {"annotations": {"scoring.fleetscore.io/trigger": "now"}}});
    api.merge(SCHEDULES, "plant", "pumps", annotation);
    until_true("trigger", || {
        status(&api, "pumps")["lastTrigger"]["run"].is_string()
    })
    .await;
    let runs = runs(&api);
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["spec"]["window"]["end"], this_year());
    let annotations = &runs[0]["metadata"]["annotations"];
    assert_eq!(annotations["scoring.fleetscore.io/trigger"], "now");
    // The operator has written nothing but the status.
    let schedule = api.get(SCHEDULES, "plant", "pumps").unwrap();
    assert_eq!(schedule["metadata"]["generation"], 1);
    let mut written = api.asked().into_iter().filter(|asked| {
        asked.resource == SCHEDULES && !["get", "list", "watch"].contains(&asked.verb)
    });
    assert!(written.all(|asked| asked.verb == "patch"));
}
