//! Two runs that write to one place, one after the other.

use serde_json::json;

use crate::plant::Plant;

/// Makes the plant's run another one at the same place, which begins once the earlier one has ended.
fn follow(plant: &mut Plant, uid: &str) {
    plant.set("/metadata/uid", json!(uid));
    let owners = plant.path("out/_run/owner");
    let newest = std::fs::read_dir(&owners)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .max()
        .unwrap();
    std::fs::write(newest.with_extension("ended"), "").unwrap();
}

#[test]
fn a_run_that_has_lost_its_place_says_to_whom_and_writes_nothing() {
    let mut plant = Plant::new(2, 5);
    plant.set("/metadata/uid", json!("first"));
    plant.succeed(&["plan"]);
    follow(&mut plant, "second");
    plant.set("/metadata/name", json!("other"));
    plant.whole_run();
    let expected = plant.outputs();
    assert!(expected.contains_key("_SUCCESS"));
    plant.set("/metadata/uid", json!("first"));
    plant.set("/metadata/name", json!("pods"));
    for step in [&["score", "--shard", "0"][..], &["collect"]] {
        let ended = plant.step(step);
        assert_eq!(
            (ended.code, &ended.message["reason"]),
            (Some(64), &json!("OutputLost")),
            "{ended:?}"
        );
        let message = ended.message["message"].as_str().unwrap();
        assert!(message.contains("run `other` (UID second"), "{message}");
        assert_eq!(plant.outputs(), expected);
    }
}

#[test]
fn nothing_of_an_earlier_run_is_reported_as_this_one_s() {
    let mut plant = Plant::new(2, 5);
    plant.set("/metadata/uid", json!("first"));
    plant.whole_run();
    let old = plant.read("out/_run/ledger/000001.jsonl");
    follow(&mut plant, "second");
    plant.succeed(&["plan"]);
    for left in ["_SUCCESS", "_run/ledger/000000.jsonl", "_run/report.json"] {
        assert!(!plant.path(&format!("out/{left}")).exists(), "{left}");
    }
    // A shard that is dead, and one whose ledger an earlier run has written late.
    plant.write("out/_run/ledger/000001.jsonl", &old);
    let totals = plant.succeed(&["collect"]);
    assert_eq!(
        (&totals["phase"], &totals["failed"]),
        (&json!("Failed"), &json!(2))
    );
    let failed = plant.read("out/_run/failed.jsonl");
    assert!(
        failed.contains("left no ledger") && failed.contains("UID first"),
        "{failed}"
    );
    let report: serde_json::Value =
        serde_json::from_str(&plant.read("out/_run/report.json")).unwrap();
    assert_eq!(report["run"]["uid"], "second");
}

#[test]
fn the_plan_of_another_run_is_not_scored() {
    let mut plant = Plant::new(1, 5);
    plant.set("/metadata/uid", json!("first"));
    plant.succeed(&["plan"]);
    let plan = plant.read("out/_run/plan.jsonl");
    plant.write("out/_run/plan.jsonl", plan.replacen("first", "thief", 1));
    let ended = plant.step(&["score", "--shard", "0"]);
    assert_eq!(ended.code, Some(64), "{ended:?}");
    let message = ended.message["message"].as_str().unwrap();
    assert!(message.contains("UID thief"), "{message}");
    assert!(plant.predictions().is_empty());
}

/// A folder in the output that another run writes to keeps what is being written there.
#[test]
fn files_in_the_making_of_a_place_inside_are_left_alone() {
    let plant = Plant::new(1, 5);
    plant.write("out/inner/_run/plan.jsonl", "");
    plant.write("out/inner/preds_000.csv#1", "half");
    plant.write("out/preds_000.csv#1", "half");
    plant.succeed(&["plan"]);
    assert!(plant.path("out/inner/preds_000.csv#1").exists());
    assert!(!plant.path("out/preds_000.csv#1").exists());
}
