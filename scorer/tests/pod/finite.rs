use std::fmt::Write as _;

use serde_json::json;

use crate::plant::Plant;

/// A one-class SVM in libsvm's text format: f(x) = 0.5 K(x, 2) + 0.5 K(x, 3) - 1.
fn model(kernel: &str) -> String {
    format!("svm_type one_class\n{kernel}\nnr_class 2\ntotal_sv 2\nrho 1\nSV\n0.5 1:2 \n0.5 1:3 \n")
}

const POLYNOMIAL: &str = "kernel_type polynomial\ndegree 3\ngamma 0.5\ncoef0 0";
const LINEAR: &str = "kernel_type linear";

/// Four sensors in one shard; 000 has a polynomial model and 001 a linear one, each with a sentinel among its readings.
fn plant(format: &str, on_invalid: &str) -> Plant {
    let mut plant = Plant::new(4, 3);
    plant.write("models/000.pkl", model(POLYNOMIAL));
    plant.write("models/001.pkl", model(LINEAR));
    let mut csv = plant.read("readings.csv");
    for (second, sensor) in [(10, "000"), (11, "001"), (12, "001"), (13, "002")] {
        writeln!(csv, "2018-08-28T00:00:{second}Z,{sensor},1.7e308").unwrap();
    }
    csv += "2018-08-28T00:00:20Z,000,4\n";
    plant.write("readings.csv", csv);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 4}));
    plant.set(
        "/spec/output/file",
        json!(format!("preds_{{device}}.{format}")),
    );
    plant.set("/spec/input/onInvalidReading", json!(on_invalid));
    plant.succeed(&["plan"]);
    plant
}

/// The sensor fails by the row, and the others of its shard are scored all the same.
#[test]
fn a_score_that_is_not_finite_fails_its_sensor_only() {
    for format in ["csv", "jsonl", "parquet"] {
        let plant = plant(format, "Fail");
        assert_eq!(plant.step(&["score", "--shard", "0"]).code, Some(10));
        assert_eq!(
            plant.reasons(0),
            ["InvalidReading", "InvalidReading", "", ""],
            "{format}"
        );
        let messages: Vec<String> = (0..2)
            .map(|sensor| plant.ledger(0).1[sensor]["error"]["message"].to_string())
            .collect();
        for (message, row) in messages.iter().zip([14, 15]) {
            let told = format!(
                "readings.csv, row {row}, column \\\"Value\\\": \\\"1.7e+308\\\" is not a number for which the model's score is finite"
            );
            assert!(message.contains(&told), "{message}");
        }
        let totals = plant.succeed(&["collect"]);
        assert_eq!(
            (&totals["succeeded"], &totals["failed"]),
            (&json!(2), &json!(2)),
            "{format}"
        );
    }
}

/// With `onInvalidReading: Skip` the reading is left out, and no output has a number that is not finite.
#[test]
fn a_reading_whose_score_is_not_finite_can_be_left_out() {
    let plant = plant("csv", "Skip");
    plant.succeed(&["score", "--shard", "0"]);
    let entries = plant.ledger(0).1;
    let counted = |sensor: usize| {
        let entry = &entries[sensor];
        (entry["rows"].as_u64(), entry["skipped"].as_u64())
    };
    assert_eq!(counted(0), (Some(4), Some(1)));
    assert_eq!(counted(1), (Some(3), Some(2)));
    assert_eq!(counted(2), (Some(4), None));
    assert!(entries.iter().all(|entry| entry["score"]["mean"].is_f64()));
    assert_eq!(plant.read("out/preds_000.csv").lines().count(), 5);
    assert_eq!(plant.succeed(&["collect"])["succeeded"], 4);
    let page = plant.read("out/_run/report.html");
    for (name, text) in plant.outputs() {
        let is_finite = |word: &&str| !text.contains(*word);
        assert!(
            ["NaN", ",inf", ":inf"].iter().all(is_finite),
            "{name}: {text}"
        );
        assert!(!name.contains("ledger") || !text.contains("null"), "{text}");
    }
    assert!(!page.contains("NaN"));
}

/// Scores that are finite but whose sum is not have a mean all the same.
#[test]
fn the_mean_of_huge_scores_is_a_number() {
    let plant = Plant::new(1, 2);
    plant.write(
        "models/000.pkl",
        model(LINEAR)
            .replace("1:2 ", "1:0.5 ")
            .replace("1:3 ", "1:1 "),
    );
    let csv =
        "Time,Device,Value\n2018-08-28T00:00:00Z,000,1.7e308\n2018-08-28T00:00:01Z,000,1.7e308\n";
    plant.write("readings.csv", csv);
    plant.whole_run();
    let score = &plant.ledger(0).1[0]["score"];
    assert_eq!(score["mean"], score["max"]);
    assert!(score["mean"].as_f64().unwrap() > 1e308, "{score}");
}
