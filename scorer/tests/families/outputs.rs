//! What a run may ask of a model's numbers.

use fleetscore_crds::ModelSpec;
use fleetscore_scorer::models::{Kind, Model, Verdicts};
use serde_json::{Value, json};

use crate::fixtures::load;

fn asked(file: &str, fields: &Value) -> Result<Model, String> {
    let mut spec = json!({ "location": "file:///m" });
    let map = spec.as_object_mut().unwrap();
    map.extend(fields.as_object().unwrap().clone());
    let spec: ModelSpec = serde_json::from_value(spec).unwrap();
    load(file)
        .with_output(&spec)
        .map_err(|error| error.to_string())
}

const VALUE: &str = "forest_value_sk191.joblib";
const TWO: &str = "forest_two_sk191.joblib";
const THREE: &str = "forest_three_sk191.joblib";
const DETECTOR: &str = "sgd_one_class_sk191.joblib";

#[test]
fn a_regressor_becomes_a_detector_by_its_residual() {
    let fields = json!({ "residual": { "target": "Power", "threshold": 2.5 } });
    let model = asked(VALUE, &fields).unwrap();
    assert_eq!((model.meaning.kind(), model.width()), (Kind::Residual, 4));
    let mut values = Verdicts::default();
    let rows = [20.1, 40.0, 61.5, 19.0, 41.1, 57.0];
    load(VALUE).score(&rows, &mut values);
    let [first, second] = values.scores() else {
        panic!("two values");
    };
    let (near, far) = (first + 2.0, second - 3.0);
    let with_targets = [20.1, 40.0, 61.5, near, 19.0, 41.1, 57.0, far];
    let mut verdicts = Verdicts::default();
    model.score(&with_targets, &mut verdicts);
    assert_eq!(verdicts.expected(), values.scores());
    assert_eq!(verdicts.anomalies(), [false, true]);
    let expected = [2.5 - (near - first).abs(), 2.5 - (far - second).abs()];
    assert_eq!(verdicts.scores(), expected);
    // The columns may come in another order; the target stays behind them.
    let turned = model.in_order(vec![2, 0, 1]).unwrap();
    let rows = [40.0, 61.5, 20.1, near, 41.1, 57.0, 19.0, far];
    let mut again = Verdicts::default();
    turned.score(&rows, &mut again);
    assert_eq!(again, verdicts);
}

#[test]
fn anomalous_classes_are_those_that_are_named() {
    let rows = [20.1, 40.0, 61.5, 19.0, 41.1, 57.0, 23.0, 40.0, 58.0];
    let said = |model: &Model| {
        let mut verdicts = Verdicts::default();
        model.score(&rows, &mut verdicts);
        verdicts
    };
    assert_eq!(said(&load(THREE)).anomalies(), [false; 3]);
    let model = asked(THREE, &json!({ "anomalyClasses": ["worn", "cold"] })).unwrap();
    let verdicts = said(&model);
    let labels = model.meaning.labels().unwrap();
    for (class, is_anomaly) in verdicts.classes().iter().zip(verdicts.anomalies()) {
        assert_eq!(*is_anomaly, labels.text(usize::from(*class)) != "ok");
    }
    asked(TWO, &json!({ "anomalyClasses": ["0"], "output": "Class" })).unwrap();
}

#[test]
fn what_a_model_cannot_say_is_refused() {
    let residual = json!({ "residual": { "target": "Power", "threshold": 1.0 } });
    for (file, fields, part) in [
        (VALUE, json!({ "output": "Class" }), "whose output is Value"),
        (TWO, json!({ "output": "Anomaly" }), "whose output is Class"),
        (
            DETECTOR,
            json!({ "output": "Value" }),
            "whose output is Anomaly",
        ),
        (TWO, residual.clone(), "compares a regressor's values"),
        (DETECTOR, residual, "compares a regressor's values"),
        (DETECTOR, json!({ "threshold": 0.5 }), "has its own"),
        (
            VALUE,
            json!({ "threshold": 0.5 }),
            "set spec.model.residual",
        ),
        (VALUE, json!({ "anomalyClasses": ["1"] }), "which has none"),
        (
            THREE,
            json!({ "anomalyClasses": ["broken"] }),
            "its labels are `cold`, `ok`, `worn`",
        ),
    ] {
        let message = asked(file, &fields).unwrap_err();
        assert!(message.contains(part), "{file} {fields}: {message}");
    }
}
