use fleetscore_cluster::Schedule;
use fleetscore_cluster::act::{Triggered, backfill, trigger_value, triggered};
use fleetscore_crds::{Backfill, BackfillStatus, ScoringSchedule};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::tools::{NAMESPACE, SCHEDULES, cluster, run, typed};

fn schedule() -> Value {
    let mut spec = run(json!({}))["spec"].clone();
    spec.as_object_mut().unwrap().remove("window");
    json!({
        "metadata": {"name": "pumps", "resourceVersion": "7"},
        "spec": {"schedule": "0 * * * *", "runTemplate": {"spec": spec}},
        "status": {},
    })
}

fn read(object: &Value) -> Schedule {
    serde_json::from_value(object.clone()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_trigger_waits_runs_is_taken_or_overwritten() {
    let value = trigger_value(time("2026-11-28T16:50:00.5Z"), 0xab);
    assert_eq!(value, "2026-11-28T16:50:00Z-000000ab");
    let annotation = "scoring.fleetscore.io/trigger";
    let mut object = schedule();
    object["metadata"]["annotations"] = json!({annotation: value});
    assert_eq!(triggered(&read(&object), [], &value), Triggered::Waits);
    object["status"]["lastTrigger"] = json!({"id": "m1", "value": "before", "run": "pumps-m1"});
    assert_eq!(triggered(&read(&object), [], &value), Triggered::Waits);
    object["status"]["lastTrigger"] = json!({"id": "m2", "value": value, "run": "pumps-m2"});
    assert_eq!(
        triggered(&read(&object), [], &value),
        Triggered::Run("pumps-m2".to_owned())
    );
    object["status"]["lastTrigger"] = json!({"id": "m2", "value": value});
    assert_eq!(triggered(&read(&object), [], &value), Triggered::Taken);
    // Somebody else was quicker than the operator, or came right after it.
    object["metadata"]["annotations"] = json!({annotation: "later"});
    object["status"]["lastTrigger"] = json!({"id": "m3", "value": "later", "run": "pumps-m3"});
    assert_eq!(
        triggered(&read(&object), [], &value),
        Triggered::Overwritten
    );
    let mut own = run(json!({}));
    own["metadata"]["name"] = json!("pumps-m2");
    own["metadata"]["annotations"] = json!({annotation: value});
    let own = typed(&own);
    assert_eq!(
        triggered(&read(&object), [&own], &value),
        Triggered::Run("pumps-m2".to_owned())
    );
}

#[tokio::test]
async fn a_backfill_tells_its_ticks_and_changes_nothing_that_changed_meanwhile() {
    let (api, cluster) = cluster().await;
    api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
    let object = cluster
        .raw::<ScoringSchedule>(NAMESPACE, "pumps")
        .await
        .unwrap();
    let spec = read(&object).spec.unwrap();
    let version = object["metadata"]["resourceVersion"].as_str().unwrap();
    let asked = |from: &str, to: &str| Backfill {
        from: time(from),
        to: time(to),
        max_concurrent: 4,
    };
    let now = time("2026-01-02T12:30:00Z");
    let range = asked("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
    let found = backfill(&spec, None, range, version, now).unwrap();
    assert_eq!((found.ticks, found.to_come), (48, 11));
    assert_eq!(found.first[0], range.from);
    assert_eq!(found.first.len() + found.last.len(), 6);
    assert_eq!(found.last[2], time("2026-01-02T23:00:00Z"));
    let few = backfill(
        &spec,
        None,
        asked("2026-01-01T00:30:00Z", "2026-01-01T03:00:00Z"),
        version,
        now,
    )
    .unwrap();
    assert_eq!(
        (few.first, few.last.len()),
        (
            vec![time("2026-01-01T01:00:00Z"), time("2026-01-01T02:00:00Z")],
            0
        )
    );

    for (from, to, words) in [
        (
            "2026-01-02T00:00:00Z",
            "2026-01-02T00:00:00Z",
            "is not before",
        ),
        ("2026-01-02T00:10:00Z", "2026-01-02T00:20:00Z", "no tick"),
        ("2001-01-02T00:00:00Z", "2026-01-02T00:20:00Z", "years"),
    ] {
        let refused = backfill(&spec, None, asked(from, to), version, now).unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    let going = |done| BackfillStatus {
        from: time("2025-01-01T00:00:00Z"),
        until: None,
        done,
        total: 10,
    };
    assert_eq!(
        backfill(&spec, Some(going(10)), range, version, now)
            .unwrap()
            .replaces,
        None
    );
    assert!(
        backfill(&spec, Some(going(9)), range, version, now)
            .unwrap()
            .replaces
            .is_some()
    );

    cluster
        .merge::<ScoringSchedule>(NAMESPACE, "pumps", &found.patch)
        .await
        .unwrap();
    let changed = api.get(SCHEDULES, NAMESPACE, "pumps").unwrap();
    assert_eq!(
        changed["spec"]["backfill"],
        json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z", "maxConcurrent": 4})
    );
    let late = cluster
        .merge::<ScoringSchedule>(NAMESPACE, "pumps", &found.patch)
        .await
        .unwrap_err();
    assert!(late.is_conflict(), "{late}");
}
