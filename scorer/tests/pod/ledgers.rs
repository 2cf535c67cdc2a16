use serde_json::{Value, json};

use crate::plant::Plant;

/// The messages of the report's examples and of the failed sensors, in the order of the sensors.
fn messages(plant: &Plant) -> (Vec<Value>, Vec<Value>) {
    let report: Value = serde_json::from_str(&plant.read("out/_run/report.json")).unwrap();
    let groups = report["failures"].as_array().unwrap();
    let in_report = groups
        .iter()
        .flat_map(|group| group["examples"].as_array().unwrap())
        .map(|example| json!([example["sensor"], example["message"]]))
        .collect();
    let failed = plant.read("out/_run/failed.jsonl");
    let in_failed = failed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .inspect(|sensor| assert_eq!(sensor["reason"], "NotScored"))
        .map(|sensor| json!([sensor["key"], sensor["message"]]))
        .collect();
    (in_report, in_failed)
}

#[test]
fn sensors_of_a_missing_or_damaged_ledger_have_failed() {
    let mut plant = Plant::new(4, 5);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 2}));
    plant.whole_run();
    let good = plant.read("out/_run/ledger/000001.jsonl");
    let cut = good.lines().next().unwrap();
    let other = plant.read("out/_run/ledger/000000.jsonl");
    for (ledger, part) in [
        (None, "left no ledger"),
        (Some(""), "it is empty"),
        (Some("no ledger"), "line 1"),
        (Some(cut), "lists 0 sensors, the plan 2"),
        (Some(&other), "that of shard 0"),
    ] {
        let path = plant.path("out/_run/ledger/000001.jsonl");
        match ledger {
            None => std::fs::remove_file(path).unwrap(),
            Some(text) => std::fs::write(path, text).unwrap(),
        }
        plant.write("out/_SUCCESS", "");
        let totals = plant.succeed(&["collect"]);
        assert_eq!(
            (&totals["phase"], &totals["succeeded"], &totals["failed"]),
            (&json!("Failed"), &json!(2), &json!(2))
        );
        let (in_report, in_failed) = messages(&plant);
        assert_eq!((in_report.len(), &in_report), (2, &in_failed));
        assert!(
            in_failed[0][1].as_str().unwrap().contains(part),
            "{in_failed:?}"
        );
        assert!(!plant.path("out/_SUCCESS").exists(), "{part}");
    }
    plant.set("/spec/failurePolicy", json!({"maxFailedSensors": 2}));
    assert_eq!(plant.succeed(&["collect"])["phase"], "PartiallySucceeded");
    assert!(plant.path("out/_SUCCESS").exists());
}

/// What the plan knows of a sensor is told also where its shard has left no ledger.
#[test]
fn the_plan_s_failures_are_told_without_a_ledger() {
    let mut plant = Plant::new(1, 5);
    let manifest = plant.url("sensors.csv");
    plant.write("sensors.csv", "device\n000\n000\n");
    plant.set("/spec/sensors", json!({"manifest": manifest}));
    assert_eq!(plant.succeed(&["plan"])["failed"], 1);
    plant.succeed(&["collect"]);
    let failed = plant.read("out/_run/failed.jsonl");
    let report: Value = serde_json::from_str(&plant.read("out/_run/report.json")).unwrap();
    let reasons = ["NotScored", "DuplicateSensor"];
    for (reason, line) in reasons.iter().zip(failed.lines()) {
        let sensor: Value = serde_json::from_str(line).unwrap();
        assert_eq!(sensor["reason"], *reason);
        let groups = report["failures"].as_array().unwrap();
        let group = groups
            .iter()
            .find(|group| group["reason"] == *reason)
            .unwrap();
        assert_eq!(group["count"], 1);
        assert_eq!(group["examples"][0]["message"], sensor["message"]);
    }
    assert_eq!(failed.lines().count(), 2);
}

/// A line that cannot be read costs its own sensor, not the others of the shard.
#[test]
fn an_unreadable_line_of_a_ledger_is_its_own_sensor_s_failure() {
    let mut plant = Plant::new(4, 5);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 4}));
    plant.whole_run();
    let good = plant.read("out/_run/ledger/000000.jsonl");
    let line = good.lines().nth(3).unwrap();
    let entry: Value = serde_json::from_str(line).unwrap();
    assert_eq!(entry["key"]["device"], "002");
    let without_number = line.replacen(&entry["score"]["mean"].to_string(), "null", 1);
    for (damaged, part) in [
        (without_number.as_str(), "line 4: invalid type: null"),
        (&line.replacen("Succeeded", "Failed", 1), "does not fit"),
        ("damage", "line 4"),
    ] {
        assert_ne!(damaged, line);
        plant.write(
            "out/_run/ledger/000000.jsonl",
            good.replacen(line, damaged, 1),
        );
        let totals = plant.succeed(&["collect"]);
        assert_eq!(
            (&totals["succeeded"], &totals["failed"]),
            (&json!(3), &json!(1)),
            "{damaged}"
        );
        let (in_report, in_failed) = messages(&plant);
        assert_eq!((in_report.len(), &in_report), (1, &in_failed));
        assert_eq!(in_failed[0][0], json!({"device": "002"}));
        let message = in_failed[0][1].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
}
