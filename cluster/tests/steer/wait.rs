use std::time::Duration;

use fleetscore_cluster::act::{Goal, Waited, wait};
use fleetscore_cluster::{ClusterError, Run};
use fleetscore_crds::Phase;
use serde_json::json;

use crate::tools::{NAMESPACE, PACE, RUNS, cluster, here, login, run, typed};

const NAME: &str = "pumps-1764324000";
const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn any_end_is_an_end() {
    let (api, cluster) = cluster().await;
    api.create(RUNS, NAMESPACE, NAME, run(json!({"phase": "Scoring"})));
    let seen: Run = cluster.get(&here(), NAME).await.unwrap();
    for phase in [Phase::Succeeded, Phase::PartiallySucceeded, Phase::Failed] {
        api.merge(
            RUNS,
            NAMESPACE,
            NAME,
            json!({"status": {"phase": "Scoring"}}),
        );
        let mut told = 0;
        // What is waited for happens while it is told.
        let waited = wait(&cluster, &seen, Goal::Ended, LONG, PACE, |run| {
            assert_eq!(run.phase(), Some(Phase::Scoring));
            told += 1;
            api.merge(RUNS, NAMESPACE, NAME, json!({"status": {"phase": phase}}));
        });
        let Waited::Reached(run) = waited.await.unwrap() else {
            panic!("not reached");
        };
        assert_eq!((run.phase(), told), (Some(phase), 1));
    }
}

#[tokio::test]
async fn a_run_that_is_deleted_or_replaced_is_gone() {
    for replaced in [false, true] {
        let (api, cluster) = cluster().await;
        api.create(RUNS, NAMESPACE, NAME, run(json!({"phase": "Scoring"})));
        let seen: Run = cluster.get(&here(), NAME).await.unwrap();
        let waited = wait(&cluster, &seen, Goal::Ended, LONG, PACE, |_| {
            let key = crate::api::key(RUNS, NAMESPACE, NAME);
            api.with(|objects| objects.delete(&key, &serde_json::Value::Null))
                .unwrap();
            if replaced {
                api.create(RUNS, NAMESPACE, NAME, run(json!({"phase": "Succeeded"})));
            }
        });
        assert!(matches!(waited.await.unwrap(), Waited::Gone));
    }
}

#[tokio::test]
async fn time_runs_out_and_the_last_look_is_told() {
    let (api, cluster) = cluster().await;
    api.create(
        RUNS,
        NAMESPACE,
        NAME,
        run(json!({"phase": "WaitingForNodes"})),
    );
    let seen: Run = cluster.get(&here(), NAME).await.unwrap();
    let waited = wait(&cluster, &seen, Goal::Scoring, Duration::ZERO, PACE, |_| {})
        .await
        .unwrap();
    let Waited::TimedOut(run) = waited else {
        panic!("not timed out");
    };
    assert_eq!(run.phase(), Some(Phase::WaitingForNodes));
}

#[tokio::test]
async fn what_will_not_pass_ends_it_at_once_and_an_absence_in_a_while() {
    let (api, cluster) = cluster().await;
    api.create(RUNS, NAMESPACE, NAME, run(json!({"phase": "Scoring"})));
    let seen: Run = cluster.get(&here(), NAME).await.unwrap();
    api.close(&[NAMESPACE]);
    let waited = wait(&cluster, &seen, Goal::Ended, LONG, PACE, |_| {}).await;
    assert!(waited.unwrap_err().is_forbidden());

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let away = login(&nobody).await;
    let waited = wait(&away, &seen, Goal::Ended, LONG, PACE, |_| {}).await;
    assert!(
        matches!(waited, Err(ClusterError::Unreachable(_))),
        "{waited:?}"
    );
}

#[test]
fn goals_are_reached_in_their_phases() {
    let planned = json!([{
        "type": "Planned", "status": "True", "reason": "Planned", "message": "", "lastTransitionTime": "2025-11-28T10:00:00Z",
    }]);
    for (phase, conditions, goals) in [
        ("Pending", json!([]), &[][..]),
        ("Planning", json!([]), &[]),
        ("Suspended", planned, &[Goal::Planned]),
        ("WaitingForReadings", json!([]), &[]),
        ("WaitingForNodes", json!([]), &[Goal::Planned]),
        ("Scoring", json!([]), &[Goal::Planned, Goal::Scoring]),
        ("Collecting", json!([]), &[Goal::Planned, Goal::Scoring]),
        (
            "Failed",
            json!([]),
            &[Goal::Planned, Goal::Scoring, Goal::Ended],
        ),
        ("Unheard", json!([]), &[]),
    ] {
        let run = typed(&run(json!({"phase": phase, "conditions": conditions})));
        for goal in [Goal::Planned, Goal::Scoring, Goal::Ended] {
            assert_eq!(
                goal.is_reached(&run),
                goals.contains(&goal),
                "{phase} {goal:?}"
            );
        }
    }
}
