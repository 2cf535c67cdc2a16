use std::collections::BTreeMap;

use serde_json::json;

use crate::plant::{Plant, SECRET, assert_same};

#[test]
fn every_size_of_shard_gives_the_documented_outputs() {
    let mut plant = Plant::new(5, 40);
    let mut first: Option<BTreeMap<String, String>> = None;
    for (per_pod, shards) in [(1, 5), (3, 2)] {
        plant.set("/spec/sharding", json!({"sensorsPerPod": per_pod}));
        let message = plant.succeed(&["plan"]);
        assert_eq!(
            message,
            json!({"sensors": 5, "shards": shards, "failed": 0})
        );
        for shard in 0..shards {
            let message = plant.succeed(&["score", "--shard", &shard.to_string()]);
            let sensors = if per_pod == 3 && shard == 1 {
                2
            } else {
                per_pod
            };
            assert_eq!(
                (&message["shard"], &message["sensors"], &message["rows"]),
                (&json!(shard), &json!(sensors), &json!(sensors * 40))
            );
        }
        let totals = plant.succeed(&["collect"]);
        assert_eq!(totals["phase"], "Succeeded");
        assert_eq!(
            (&totals["sensors"], &totals["succeeded"], &totals["rows"]),
            (&json!(5), &json!(5), &json!(200))
        );
        let names: Vec<_> = plant.outputs().into_keys().map(of_any_day).collect();
        assert_eq!(names, documented(shards));
        let predictions = plant.predictions();
        assert!(predictions.values().all(|text| text.lines().count() == 41));
        assert_eq!(*first.get_or_insert(predictions.clone()), predictions);
    }
}

/// A record's name without the day on which it began.
fn of_any_day(name: String) -> String {
    match name.rsplit_once('/') {
        Some((folder, file)) if folder.starts_with("_runs/") => format!("_runs/DAY/{file}"),
        _ => name,
    }
}

/// The names that the documentation lists for a run of five sensors, sorted.
fn documented(shards: u32) -> Vec<String> {
    let mut names: Vec<String> = (0..5)
        .map(|sensor| format!("preds_{sensor:03}.csv"))
        .collect();
    for shard in 0..shards {
        names.push(format!("_run/ledger/{shard:06}.jsonl"));
        names.push(format!("_run/logs/{shard:06}.log"));
    }
    let others = [
        "_SUCCESS",
        "_run/failed.jsonl",
        "_run/logs/collect.log",
        "_run/logs/plan.log",
        "_run/plan.jsonl",
        "_run/report.html",
        "_run/report.json",
        "_run/sensors.parquet",
        "_runs/DAY/pods.json",
    ];
    names.extend(others.map(str::to_owned));
    names.sort();
    names
}

#[test]
fn an_indexed_job_names_the_shard_in_the_environment() {
    let plant = Plant::new(3, 5);
    plant.succeed(&["plan"]);
    let child = plant
        .command(&[], &["score", "--shard-offset", "1"])
        .env("JOB_COMPLETION_INDEX", "1")
        .spawn()
        .unwrap();
    let ended = plant.end(child);
    assert_eq!((ended.code, &ended.message["shard"]), (Some(0), &json!(2)));
    assert_eq!(
        plant.predictions().into_keys().collect::<Vec<_>>(),
        ["preds_002.csv"]
    );
}

#[test]
fn every_step_can_be_run_twice() {
    let plant = Plant::new(3, 40);
    plant.whole_run();
    let outputs = plant.outputs();
    for step in [&["plan"][..], &["score", "--shard", "1"], &["collect"]] {
        plant.succeed(step);
        assert_eq!(plant.outputs(), outputs, "{step:?}");
    }
}

#[test]
fn another_list_of_sensors_begins_a_new_attempt() {
    let mut plant = Plant::new(3, 5);
    plant.whole_run();
    plant.set("/spec/sensors", json!({"list": [{"device": "001"}]}));
    plant.succeed(&["plan"]);
    let names: Vec<_> = plant
        .outputs()
        .into_keys()
        .filter(|name| !name.starts_with("preds_"))
        .map(of_any_day)
        .collect();
    // The record tells of the attempt that has ended last.
    let left = [
        "_run/logs/plan.log",
        "_run/plan.jsonl",
        "_runs/DAY/pods.json",
    ];
    assert_eq!(names, left);
}

/// A plan of 100,000 sensors fits into 200 MiB of memory, and its last pod scores its ten sensors.
#[test]
fn a_plan_of_a_hundred_thousand_sensors_needs_little_memory() {
    let mut plant = Plant::new(1, 1);
    let sensors: Vec<_> = (0..100_000)
        .map(|sensor| format!("plant-{sensor:06}"))
        .collect();
    plant.write("sensors.csv", format!("device\n{}\n", sensors.join("\n")));
    plant.write(
        "readings.csv",
        "Time,Device,Value\n2018-08-29T00:00:00Z,plant-099999,20\n",
    );
    let (manifest, model) = (plant.url("sensors.csv"), plant.url("models/000.pkl"));
    plant.set("/spec/sensors", json!({"manifest": manifest}));
    plant.set("/spec/model/location", json!(model));
    plant.set("/spec/input/onNoReadings", json!("Succeed"));
    plant.set(
        "/spec/sharding",
        json!({"sensorsPerPod": 10, "maxPods": 10_000}),
    );
    // The limit counts all memory that the process may write to.
    let limit = ["sh", "-c", "ulimit -d 204800 && exec \"$@\"", "sh"];
    let ended = plant.end(plant.command(&limit, &["plan"]).spawn().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.message,
        json!({"sensors": 100_000, "shards": 10_000, "failed": 0})
    );
    let message = plant.succeed(&["score", "--shard", "9999"]);
    assert_eq!(
        (&message["sensors"], &message["rows"]),
        (&json!(10), &json!(1))
    );
}

/// One sensor a pod is the default; the plan says how many there are where that would be too many pods.
#[test]
fn above_max_pods_sensors_share_a_pod() {
    let mut plant = Plant::new(7, 20);
    for (sharding, shards) in [
        (json!({}), 7),
        (json!({"maxPods": 7}), 7),
        (json!({"maxPods": 3}), 3),
        (json!({"maxPods": 3, "sensorsPerPod": 5}), 2),
        (json!({"maxPods": 1}), 1),
    ] {
        plant.set("/spec/sharding", sharding.clone());
        let planned = plant.succeed(&["plan"]);
        assert_eq!(planned["shards"], shards, "{sharding}");
        let mut scored = 0;
        for shard in 0..shards {
            let summary = plant.succeed(&["score", "--shard", &shard.to_string()]);
            scored += summary["sensors"].as_u64().unwrap();
        }
        assert_eq!(scored, 7, "{sharding}");
        let totals = plant.succeed(&["collect"]);
        assert_eq!(totals["succeeded"], 7, "{sharding}");
    }
}

/// Predictions that do not fit into memory move to uploads in parts; the bytes are those of a run with room for all.
#[test]
fn little_memory_gives_the_same_bytes() {
    let mut plant = Plant::new(3, 80_000);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 3}));
    plant.succeed(&["plan"]);
    plant.succeed(&["score", "--shard", "0", "--memory-mib", "1024"]);
    let predictions = plant.predictions();
    for text in predictions.values() {
        // The times, which the readings have in order.
        assert!(text.lines().skip(1).is_sorted_by_key(|line| &line[..20]));
    }
    // A quarter of the memory is for predictions.
    let bytes: usize = predictions.values().map(String::len).sum();
    assert!(bytes > 9 << 20, "{bytes} bytes fit into memory");
    let mut child = plant
        .command(&[], &["score", "--shard", "0", "--memory-mib", "32"])
        .spawn()
        .unwrap();
    let staged = plant.watch(&mut child, |names| {
        names.iter().any(|name| name.ends_with("#1"))
    });
    assert_eq!(plant.end(child).code, Some(0));
    assert!(staged, "nothing moved to an upload");
    assert_same(&plant.predictions(), &predictions);
}

/// A bound that may be exceeded is told, with the one that is enough.
#[test]
fn parquet_in_little_memory_is_warned_of() {
    let mut plant = Plant::new(1, 5);
    for (file, memory, told) in [
        ("{device}.parquet", "64", true),
        ("{device}.parquet", "128", false),
        ("{device}.csv", "64", false),
    ] {
        plant.set("/spec/output/file", json!(file));
        plant.succeed(&["plan"]);
        let scored = plant.step(&["score", "--shard", "0", "--memory-mib", memory]);
        assert_eq!(scored.code, Some(0));
        let warning = "the bound of 64 MiB; set it to 128 MiB at least";
        assert_eq!(scored.stderr.contains(warning), told, "{}", scored.stderr);
    }
}

#[test]
fn logs_tell_every_failure_and_no_secret() {
    let mut plant = Plant::new(4, 5);
    plant.write("models/001.pkl", "no model");
    plant.set("/spec/sharding", json!({"sensorsPerPod": 2}));
    let sensors = ["000", "001", "002", "003", "004"].map(|device| json!({"device": device}));
    plant.set("/spec/sensors", json!({"list": sensors}));
    let mut printed = plant.step(&["plan"]).stderr;
    for shard in ["0", "1", "2"] {
        printed += &plant.step(&["score", "--shard", shard]).stderr;
    }
    printed += &plant.step(&["collect"]).stderr;
    for (log, parts) in [
        ("plan.log", vec!["planning", "planned"]),
        (
            "000000.log",
            vec!["scoring", "001", "ModelUnreadable", "scored"],
        ),
        (
            "000002.log",
            vec!["scoring", "004", "ModelNotFound", "scored"],
        ),
        ("collect.log", vec!["collecting", "collected"]),
    ] {
        let text = plant.read(&format!("out/_run/logs/{log}"));
        for part in parts {
            assert!(text.contains(part), "{log} lacks {part}: {text}");
        }
    }
    let page = plant.read("out/_run/report.html");
    let written: String = plant.outputs().into_values().collect();
    for log in ["plan", "000000", "000001", "000002", "collect"] {
        printed += &plant.read(&format!("out/_run/logs/{log}.log"));
    }
    for text in [printed, page, written, plant.read("termination")] {
        assert!(!text.contains(SECRET));
    }
}
