use serde_json::{Value, json};

use crate::tools::{NAMESPACE, Person, RUN, RUNS, SCHEDULES, ended, run, schedule};

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_created_told_and_waited_for() {
    let person = Person::new().await;
    person
        .api
        .create(RUNS, NAMESPACE, RUN, ended("PartiallySucceeded", 2));
    let dry = person
        .does(&["retry", RUN, "--dry-run", "-o", "json"])
        .await;
    assert_eq!(
        (dry.code, &dry.json()["spec"]["sensors"]),
        (0, &json!({"failedIn": {"run": RUN}}))
    );
    let done = person
        .does(&["retry", RUN, "--reason", "ModelNotFound"])
        .await;
    assert_eq!(
        (done.code, done.out.as_str()),
        (
            0,
            "run/pumps-1764324000-r1 created: it scores 2 sensors of pumps-1764324000 again\npredictions land in az://predictions/pumps/2025/11/28/09/, beside those of pumps-1764324000; its report in _run/retry/pumps-1764324000-r1/\n"
        )
    );
    let made = person
        .api
        .get(RUNS, NAMESPACE, "pumps-1764324000-r1")
        .unwrap();
    assert_eq!(
        made["spec"]["sensors"]["failedIn"]["reasons"],
        json!(["ModelNotFound"])
    );

    let again = person.does(&["retry", RUN]).await;
    assert_eq!(again.code, 1, "{again:?}");
    assert!(
        again
            .err
            .contains("there is a run pumps-1764324000-r1 already"),
        "{again:?}"
    );
    for (args, code, words) in [
        (
            &["retry", RUN, "--reason", "NoReadings"][..],
            1,
            "there were ModelNotFound",
        ),
        (
            &["retry", RUN, "--name", "Bad"],
            2,
            "is not the name of a run",
        ),
        (&["retry", "nothing"], 4, "not found"),
        (&["retry", "pumps-1764324000-r1"], 1, "goes on (Pending)"),
        (&["retry", "schedule/x"], 4, "not found"),
    ] {
        let done = person.does(args).await;
        assert_eq!(done.code, code, "{args:?} {done:?}");
        assert!(done.err.contains(words), "{args:?} {done:?}");
    }
    person.api.close(&[NAMESPACE]);
    assert_eq!(person.does(&["retry", RUN]).await.code, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_the_run_and_tells_how_by_its_code() {
    for (phase, failed, code) in [
        ("Succeeded", 0, 0),
        ("Failed", 9, 1),
        ("PartiallySucceeded", 2, 3),
    ] {
        let person = Person::new().await;
        person
            .api
            .create(RUNS, NAMESPACE, RUN, ended(phase, failed));
        let done = person.does(&["wait", RUN]).await;
        assert_eq!(done.code, code);
        let scored = 15 - failed;
        let next = match code {
            0 => "",
            _ => "  -> kubectl fleetscore failed run/pumps-1764324000 -n plant-a\n",
        };
        assert_eq!(
            done.out,
            format!(
                "run/{RUN}  {phase}, {scored} of 15 sensors scored, {failed} failed, took 4m10s\n{next}"
            )
        );
        let done = person
            .does(&["wait", RUN, "--for", "planned", "-o", "json"])
            .await;
        assert_eq!(
            (done.code, &done.json()["run"]["phase"]),
            (code, &json!(phase))
        );
    }
    let person = Person::new().await;
    assert_eq!(person.does(&["wait", RUN]).await.code, 4);
    person
        .api
        .create(RUNS, NAMESPACE, RUN, run(json!({"phase": "Scoring"})));
    let done = person.does(&["wait", RUN, "--for", "scoring"]).await;
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "run/pumps-1764324000  Scoring\n")
    );
    let done = person.does(&["wait", RUN, "--timeout", "1s"]).await;
    assert_eq!(done.code, 124, "{done:?}");
    assert_eq!(
        person.does(&["wait", RUN, "--timeout", "soon"]).await.code,
        2
    );
}

/// What the operator does with a schedule and its trigger. One that stands there when it first sees the schedule makes no run.
pub async fn operator(person: &Person) {
    let mut changes = person.api.changes();
    loop {
        let object = person.api.get(SCHEDULES, NAMESPACE, "pumps").unwrap();
        let value = object["metadata"]["annotations"]["scoring.fleetscore.io/trigger"].clone();
        if object["status"]["settled"].is_null() {
            // It comes when the command waits for it, or has not waited.
            let asked = person.api.asked();
            let looks = asked
                .iter()
                .filter(|asked| asked.verb == "get" && asked.resource == SCHEDULES);
            if looks.count() < 3 && !value.is_string() {
                tokio::task::yield_now().await;
                continue;
            }
            let settled = json!({"until": "2026-11-28T16:00:00Z", "schedule": "0 * * * *", "timeZone": "Europe/Berlin"});
            let last = value
                .is_string()
                .then(|| json!({"id": "m1", "value": value}));
            let status = json!({"status": {"settled": settled, "lastTrigger": last}});
            person.api.merge(SCHEDULES, NAMESPACE, "pumps", status);
            if last.is_some() {
                return;
            }
            continue;
        }
        if value.is_string() {
            let mut run = ended("Failed", 3);
            run["metadata"]["annotations"] = json!({"scoring.fleetscore.io/trigger": value});
            person.api.create(RUNS, NAMESPACE, "pumps-m123456789", run);
            let last = json!({"status": {"lastTrigger": {"id": "m123456789", "value": value, "run": "pumps-m123456789"}}});
            person.api.merge(SCHEDULES, NAMESPACE, "pumps", last);
            return;
        }
        changes.changed().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_prints_the_run_that_the_operator_made() {
    for (args, code, out) in [
        (
            &["trigger", "pumps"][..],
            0,
            "run/pumps-m123456789 created\n",
        ),
        (
            &["trigger", "pumps", "-o", "name"],
            0,
            "run/pumps-m123456789\n",
        ),
        (
            &["trigger", "pumps", "--wait"],
            1,
            "run/pumps-m123456789 created\nrun/pumps-m123456789  Failed, 12 of 15 sensors scored, 3 failed, took 4m10s\n  -> kubectl fleetscore failed run/pumps-m123456789 -n plant-a\n",
        ),
    ] {
        let person = Person::new().await;
        person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
        let (done, ()) = tokio::join!(person.does(args), operator(&person));
        assert_eq!((done.code, done.out.as_str()), (code, out), "{done:?}");
    }
    let person = Person::new().await;
    assert_eq!(person.does(&["trigger", "pumps"]).await.code, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_is_shown_asked_for_and_ended() {
    let person = Person::new().await;
    person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
    let range = [
        "backfill",
        "pumps",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-02",
    ];
    let asked = person.does(&range).await;
    assert_eq!(asked.code, 2);
    assert!(asked.err.contains("add --yes"), "{asked:?}");
    // A day begins at midnight in Berlin.
    assert_eq!(
        asked.out,
        "schedule/pumps: 24 ticks from 2025-12-31T23:00:00Z to before 2026-01-01T23:00:00Z, 1 at a time
  2025-12-31T23:00:00Z
  2026-01-01T00:00:00Z
  2026-01-01T01:00:00Z
  ... 18 more
  2026-01-01T20:00:00Z
  2026-01-01T21:00:00Z
  2026-01-01T22:00:00Z
"
    );
    let backfill = |person: &Person| {
        person.api.get(SCHEDULES, NAMESPACE, "pumps").unwrap()["spec"]["backfill"].clone()
    };
    assert_eq!(backfill(&person), Value::Null);
    let done = person
        .does(&[&range[..], &["--yes", "--max-concurrent", "4"]].concat())
        .await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        backfill(&person),
        json!({"from": "2025-12-31T23:00:00Z", "to": "2026-01-01T23:00:00Z", "maxConcurrent": 4})
    );
    person.api.merge(
        SCHEDULES,
        NAMESPACE,
        "pumps",
        json!({"status": {"backfill": {"from": "2025-12-31T23:00:00Z", "done": 5, "total": 24}}}),
    );
    let done = person.does(&["backfill", "pumps", "--status"]).await;
    assert_eq!(
        done.out,
        "schedule/pumps  from 2025-12-31T23:00:00Z to before 2026-01-01T23:00:00Z: 5 of 24 ticks done, goes on\n"
    );
    let done = person.does(&["backfill", "pumps", "--cancel"]).await;
    assert_eq!((done.code, backfill(&person)), (0, Value::Null), "{done:?}");
    for (from, to) in [("2026-01-02", "2026-01-01"), ("yesterday", "2026-01-01")] {
        assert_eq!(
            person
                .does(&["backfill", "pumps", "--from", from, "--to", to, "--yes"])
                .await
                .code,
            2
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suspending_warns_where_git_wins() {
    let person = Person::new().await;
    let mut object = schedule();
    object["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "ap\u{1b}[2Jps"});
    person.api.create(SCHEDULES, NAMESPACE, "pumps", object);
    let done = person.does(&["suspend", "schedule/pumps"]).await;
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "schedule/pumps suspended\n")
    );
    assert_eq!(
        done.err,
        "warning: Flux (ap\\u{1b}[2Jps) keeps this object as git has it, and may undo this at any time. For it to stay, commit to the manifest:\n  spec:\n    suspend: true\n"
    );
    assert_eq!(
        person.api.get(SCHEDULES, NAMESPACE, "pumps").unwrap()["spec"]["suspend"],
        true
    );
    let done = person.does(&["suspend", "pumps", "-o", "json"]).await;
    let view = done.json();
    assert_eq!(
        (&view["already"], &view["git"]["tool"]),
        (&json!(true), &json!("Flux"))
    );
    let done = person.does(&["resume", "pumps"]).await;
    assert_eq!(done.out, "schedule/pumps resumed\n");
    person.api.create(RUNS, NAMESPACE, RUN, ended("Failed", 3));
    let done = person.does(&["suspend", RUN]).await;
    assert_eq!(done.code, 1);
    assert!(done.err.contains("has ended"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_is_told_by_schedule() {
    let person = Person::new().await;
    person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
    person
        .api
        .create(RUNS, NAMESPACE, RUN, ended("Succeeded", 0));
    let done = person.does(&["cost"]).await;
    assert_eq!(
        done.out,
        "NAMESPACE  SCHEDULE  RUNS  NODES  NODE TIME A RUN  COST A RUN  COST OF 30 DAYS\nplant-a    pumps     1     4      50m00s           0.25 EUR    180.00 EUR\n"
    );
    let view = person.does(&["cost", "pumps", "-o", "json"]).await.json();
    assert_eq!(
        (&view["version"], &view["lines"][0]["monthTicks"]),
        (&json!(1), &json!(720))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_api_server_is_code_five() {
    let person = Person::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    person.log_in(&url);
    for args in [
        &["retry", RUN][..],
        &["trigger", "pumps"],
        &["suspend", RUN],
        &["resume", RUN],
        &["wait", RUN],
        &["cost"],
        &["backfill", "pumps", "--status"],
        &["bundle", RUN, "-o", "x.tar.gz"],
    ] {
        let done = person.does(args).await;
        assert_eq!(done.code, 5, "{args:?} {done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn top_counts_the_runs_of_all_namespaces_and_shows_what_waits_in_one() {
    let person = Person::new().await;
    for (namespace, name, node, phase) in [
        ("plant-a", "done", Some("n"), "Succeeded"),
        ("plant-b", "busy", Some("n"), "Running"),
        ("plant-b", "queued", None, "Pending"),
    ] {
        let labels = json!({"scoring.fleetscore.io/run": name});
        let pod = json!({
            "metadata": {"labels": labels}, "spec": {"nodeName": node, "containers": []}, "status": {"phase": phase},
        });
        person.api.create("v1/pods", namespace, name, pod);
    }
    let view = person
        .does(&["top", "-n", "plant-a", "-o", "json"])
        .await
        .json();
    assert_eq!(
        (
            &view["everywhere"],
            &view["nodes"][0]["runs"],
            &view["pending"]
        ),
        (&json!(true), &json!({"plant-b/busy": 1}), &json!([]))
    );
    assert!(view["nodes"][0]["idleSince"].is_null());
    let view = person
        .does(&["top", "-n", "plant-b", "-o", "json"])
        .await
        .json();
    assert_eq!(view["pending"][0]["run"], "queued");
}
