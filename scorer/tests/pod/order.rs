//! The plan's order, on which duplicates, retries and the pruning of a shard's readings rest, and a sensor whose name is the
//! run's own.

use serde_json::{Value, json};

use crate::plant::Plant;

/// The plan's entries.
fn planned(plant: &Plant) -> Vec<Value> {
    let plan = plant.read("out/_run/plan.jsonl");
    let lines = plan.lines().skip(1);
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The plan's sensors as `device`.
fn devices(plant: &Plant) -> Vec<String> {
    let device = |entry: &Value| entry["key"]["device"].as_str().unwrap().to_owned();
    planned(plant).iter().map(device).collect()
}

#[test]
fn a_list_in_any_order_gives_one_plan() {
    let mut plant = Plant::new(4, 5);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 2}));
    plant.set("/spec/sensors", json!({"list": [{"device": "002"}, {"device": "000"}, {"device": "003"}, {"device": "001"}]}));
    plant.whole_run();
    assert_eq!(devices(&plant), ["000", "001", "002", "003"]);
    // A shard's sensors are neighbours, so that it reads one stretch of readings that are sorted by key.
    let of_shard = |shard| -> Vec<String> {
        let key = |entry: &Value| entry["key"]["device"].as_str().unwrap().to_owned();
        plant.ledger(shard).1.iter().map(key).collect()
    };
    assert_eq!(
        (of_shard(0), of_shard(1)),
        (
            vec!["000".into(), "001".into()],
            vec!["002".into(), "003".into()]
        )
    );
    let plan = plant.read("out/_run/plan.jsonl");
    plant.set("/spec/sensors", json!({"list": [{"device": "003"}, {"device": "001"}, {"device": "000"}, {"device": "002"}]}));
    plant.succeed(&["plan"]);
    assert_eq!(plant.read("out/_run/plan.jsonl"), plan);
}

#[test]
fn twins_apart_in_the_list_are_found() {
    let mut plant = Plant::new(3, 5);
    plant.set("/spec/sensors", json!({"list": [{"device": "002"}, {"device": "000"}, {"device": "001"}, {"device": "002"}]}));
    plant.succeed(&["plan"]);
    assert_eq!(devices(&plant), ["000", "001", "002", "002"]);
    let errors: Vec<_> = planned(&plant)
        .iter()
        .map(|entry| entry["error"].clone())
        .collect();
    assert_eq!(errors[..3], [Value::Null, Value::Null, Value::Null]);
    assert_eq!(errors[3]["reason"], "DuplicateSensor");
    let message = errors[3]["message"].as_str().unwrap();
    assert!(
        message.starts_with("spec.sensors.list[3] names the same sensor as spec.sensors.list[0]"),
        "{message}"
    );
}

/// The models' URLs sort otherwise than their sensors' keys.
#[test]
fn models_are_planned_in_the_order_of_their_keys() {
    let mut plant = Plant::new(2, 5);
    for (name, from) in [("b_1", "000"), ("a_2", "001")] {
        let model = std::fs::read(plant.path(&format!("models/{from}.pkl"))).unwrap();
        plant.write(&format!("swapped/{name}.pkl"), model);
    }
    let location = plant.url("swapped/{tag}_{device}.pkl");
    plant.set("/spec/model/location", json!(location));
    plant.set("/spec/output/file", json!("preds_{device}_{tag}.csv"));
    plant.succeed(&["plan"]);
    assert_eq!(devices(&plant), ["1", "2"]);
}

/// A key may be any text, also the name of the folder that the run keeps for itself.
#[test]
fn predictions_that_would_be_the_runs_own_file_are_refused() {
    let mut plant = Plant::new(2, 5);
    plant.set("/spec/output/file", json!("{device}/plan.csv"));
    plant.set(
        "/spec/sensors",
        json!({"list": [{"device": "000"}, {"device": "_run"}]}),
    );
    plant.succeed(&["plan"]);
    let errors: Vec<_> = planned(&plant)
        .iter()
        .map(|entry| entry["error"].clone())
        .collect();
    assert_eq!(
        (&errors[0], &errors[1]["reason"]),
        (&Value::Null, &json!("OutputCollision"))
    );
    let message = errors[1]["message"].as_str().unwrap();
    assert!(
        message.contains("`_run/plan.csv`, which belongs to the run itself"),
        "{message}"
    );
}
