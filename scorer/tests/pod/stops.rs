use std::process::{Child, Command};

use serde_json::json;

use crate::plant::{Plant, assert_same};

fn terminate(child: &Child) {
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
}

fn has_predictions(names: &[String], count: usize) -> bool {
    let complete = |name: &&String| name.starts_with("preds_") && !name.contains('#');
    names.iter().filter(complete).count() >= count
}

/// The sensors are in one shard, each with a file of readings, and scored about two at a time.
fn slow_plant() -> Plant {
    let mut plant = Plant::with_files(40, 20_000);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 40}));
    plant
}

const SCORE: [&str; 5] = ["score", "--shard", "0", "--threads", "1"];

#[test]
fn a_signal_ends_the_work_and_the_next_try_finishes_it() {
    let plant = slow_plant();
    plant.succeed(&["plan"]);
    let mut child = plant.command(&[], &SCORE).spawn().unwrap();
    assert!(plant.watch(&mut child, |names| has_predictions(names, 1)));
    terminate(&child);
    let ended = plant.end(child);
    assert_eq!(
        (ended.code, &ended.message["interrupted"]),
        (Some(143), &json!(true))
    );
    let (header, entries) = plant.ledger(0);
    assert_eq!((&header["interrupted"], entries.len()), (&json!(true), 40));
    let reasons = plant.reasons(0);
    assert!(reasons.iter().any(|reason| reason == "NotScored"));
    assert!(
        reasons
            .iter()
            .all(|reason| reason.is_empty() || reason == "NotScored")
    );
    let scored = reasons.iter().filter(|reason| reason.is_empty()).count();
    assert!(scored > 0 && plant.predictions().len() >= scored);
    assert!(
        plant
            .read("out/_run/logs/000000.log")
            .contains("asked to stop")
    );

    plant.succeed(&SCORE);
    plant.succeed(&["collect"]);
    let resumed = plant.outputs();
    std::fs::remove_dir_all(plant.path("out")).unwrap();
    plant.whole_run();
    assert_same(&resumed, &plant.outputs());
}

#[test]
fn a_killed_pod_s_next_try_gives_the_bytes_of_a_clean_run() {
    let plant = slow_plant();
    plant.whole_run();
    let clean = plant.outputs();
    for count in [0, 1, 2, 5, 12, 25, 39] {
        std::fs::remove_dir_all(plant.path("out")).unwrap();
        plant.succeed(&["plan"]);
        let mut child = plant.command(&[], &SCORE).spawn().unwrap();
        plant.watch(&mut child, |names| has_predictions(names, count));
        child.kill().unwrap();
        plant.end(child);
        plant.succeed(&SCORE);
        plant.succeed(&["collect"]);
        println!("killed after {count} predictions");
        assert_same(&plant.outputs(), &clean);
    }
}

/// Killed while predictions move to uploads in parts: what it has staged is gone in the end.
#[test]
fn a_killed_upload_leaves_nothing() {
    let mut plant = Plant::new(3, 80_000);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 3}));
    plant.whole_run();
    let clean = plant.outputs();
    std::fs::remove_dir_all(plant.path("out")).unwrap();
    plant.succeed(&["plan"]);
    let score = ["score", "--shard", "0", "--memory-mib", "32"];
    let mut child = plant.command(&[], &score).spawn().unwrap();
    assert!(plant.watch(&mut child, |names| {
        names.iter().any(|name| name.contains('#'))
    }));
    child.kill().unwrap();
    plant.end(child);
    assert!(
        plant.names().iter().any(|name| name.contains('#')),
        "killed too late"
    );
    plant.succeed(&score);
    plant.succeed(&["collect"]);
    assert_same(&plant.outputs(), &clean);
}

#[test]
fn fail_fast_takes_no_further_sensor() {
    let mut plant = slow_plant();
    plant.write(
        "readings/000.csv.new",
        "Time,Value\n2018-08-29T00:00:00Z,nonsense\n",
    );
    std::fs::rename(
        plant.path("readings/000.csv.new"),
        plant.path("readings/000.csv"),
    )
    .unwrap();
    plant.set("/spec/failurePolicy", json!({"failFast": true}));
    plant.succeed(&["plan"]);
    let ended = plant.step(&SCORE);
    // The Job must not try this shard again.
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let reasons = plant.reasons(0);
    assert_eq!(reasons[0], "InvalidReading");
    // Some are at work, or done, when the failure is found: how many depends on which thread has the processor.
    let begun = reasons[1..].iter().filter(|reason| reason.is_empty());
    let begun = begun.count();
    let rest = reasons[1..].iter().filter(|reason| *reason == "NotScored");
    assert_eq!(begun + rest.count(), 39, "{reasons:?}");
    assert!(begun < 20, "{reasons:?}");
    assert_eq!(plant.ledger(0).0["interrupted"], json!(true));
    plant.set("/spec/failurePolicy/maxFailedSensors", json!(1));
    assert_eq!(plant.step(&SCORE).code, Some(10));
    assert_eq!(plant.predictions().len(), 39, "one failure is allowed");
}

/// A stop by a signal is no failure of a sensor, also where the policy allows none.
#[test]
fn a_signal_is_not_taken_for_fail_fast() {
    let mut plant = slow_plant();
    plant.set("/spec/failurePolicy", json!({"failFast": true}));
    plant.succeed(&["plan"]);
    let mut child = plant.command(&[], &SCORE).spawn().unwrap();
    assert!(plant.watch(&mut child, |names| has_predictions(names, 1)));
    terminate(&child);
    assert_eq!(plant.end(child).code, Some(143));
}
