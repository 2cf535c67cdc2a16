//! One of several replicas works, the one that has the Lease.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::{Api, Asked};
use super::program::Program;
use super::run::scoring_run;
use super::{until, until_true};

const LEASES: &str = "coordination.k8s.io/v1/leases";
const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";

/// Work is whatever is neither the Lease nor the question whether the server is there.
fn is_work(asked: &Asked) -> bool {
    asked.resource != LEASES && asked.resource != "version"
}

fn lists_runs(asked: &Asked) -> bool {
    asked.verb == "list" && asked.resource == RUNS
}

fn held(by: &str, renewed: Timestamp, seconds: u64) -> Value {
    json!({"spec": {
        "holderIdentity": by, "acquireTime": renewed, "renewTime": renewed,
        "leaseDurationSeconds": seconds, "leaseTransitions": 1,
    }})
}

fn holder(api: &Api) -> Option<String> {
    let lease = api.get(LEASES, "fleetscore", "fleetscore-operator")?;
    lease["spec"]["holderIdentity"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_replica_takes_over_only_when_the_lease_has_run_out() {
    let api = Api::new();
    let renewed = Timestamp::now();
    api.create(
        LEASES,
        "fleetscore",
        "fleetscore-operator",
        held("gone", renewed, 3),
    );
    let url = api.listen("two").await;
    let _two = Program::start(&url, "two", &[], &[]);
    until_true("work", || api.asked().iter().any(lists_runs)).await;
    assert_eq!(holder(&api).as_deref(), Some("two"));
    let asked = api.asked();
    let took = asked
        .iter()
        .position(|asked| asked.verb == "patch")
        .unwrap();
    assert!(asked[took].at >= renewed + SignedDuration::from_secs(3));
    assert!(asked[..took].iter().all(|asked| !is_work(asked)));
}

#[tokio::test]
async fn a_second_replica_does_nothing_while_the_first_works_and_the_first_gives_the_lease_back() {
    let api = Api::new();
    let mut one = Program::start(&api.listen("one").await, "one", &[], &[]);
    until_true("leader", || api.asked_by("one").iter().any(lists_runs)).await;
    let two = Program::start(&api.listen("two").await, "two", &[], &[]);
    let is_lease = |asked: &Asked| asked.resource == LEASES;
    until_true("second replica", || {
        api.asked_by("two")
            .iter()
            .filter(|asked| is_lease(asked))
            .count()
            >= 2
    })
    .await;
    api.create(RUNS, "plant", "pumps", scoring_run(&json!({})));
    let job = || api.get("batch/v1/jobs", "plant", "pumps-plan");
    until("plan", job).await;
    assert_eq!(holder(&api).as_deref(), Some("one"));
    assert!(
        !api.asked_by("two").iter().any(is_work),
        "{:?}",
        api.asked_by("two")
    );
    let asked = api.asked_by("two");
    assert!(
        asked
            .iter()
            .filter(|asked| is_lease(asked))
            .all(|asked| asked.verb == "get")
    );
    assert!(!two.log().contains("leading"));
    one.terminate();
    assert!(one.ended().await.success());
    assert_eq!(holder(&api), None);
}

#[tokio::test]
async fn a_replica_that_loses_the_lease_ends() {
    let api = Api::new();
    let mut one = Program::start(&api.listen("one").await, "one", &[], &[]);
    until_true("leader", || api.asked().iter().any(lists_runs)).await;
    let taken = held("two", Timestamp::now(), 30);
    api.merge(LEASES, "fleetscore", "fleetscore-operator", taken);
    assert_eq!(one.ended().await.code(), Some(1));
    assert!(
        one.log()
            .contains("the Lease fleetscore/fleetscore-operator is lost")
    );
    assert_eq!(holder(&api).as_deref(), Some("two"));
}
