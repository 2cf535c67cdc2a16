//! The graphs of `scripts/fixtures/make_onnx_networks.py`.

use fleetscore_crds::{ModelFormat, ModelSpec};
use fleetscore_scorer::models::{
    Allowance, Kind, Model, ModelError, Verdicts, read, read_within, write_native, write_onnx,
};
use serde_json::{Value, json};

use crate::boosters::Said;
use crate::expected::{fixture, names};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture("networks").join(format!("{name}.onnx"))).unwrap()
}

fn load(name: &str) -> Model {
    read(&bytes(name), ModelFormat::Auto).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn asked(name: &str, fields: &Value) -> Result<Model, String> {
    let mut spec = json!({ "location": "file:///m" });
    let map = spec.as_object_mut().unwrap();
    map.extend(fields.as_object().unwrap().clone());
    let spec: ModelSpec = serde_json::from_value(spec).unwrap();
    let model = load(name).with_output(&spec);
    model.map_err(|error| error.to_string())
}

fn verdicts(model: &Model, rows: &[f64]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    model.score(rows, &mut verdicts);
    verdicts
}

/// Values, errors of reconstructions and shares to single precision; labels all of them.
#[test]
fn every_graph_scores_as_in_onnx_runtime() {
    let names = names("networks", ".onnx");
    assert!(names.len() > 30, "only {names:?}");
    for name in names {
        let model = load(&name);
        assert_eq!(model.origin.format, ModelFormat::Onnx, "{name}");
        assert_eq!(
            model.origin.single_precision,
            !name.ends_with("_double"),
            "{name}"
        );
        // ONNX Runtime's own functions are exact to some 1e-7, of shares near 0 too.
        said(&name).assert_close(&model, (1e-5, 0.1), &name);
    }
}

fn said(name: &str) -> Said {
    Said::within("networks", &format!("{name}.onnx"))
}

/// What the numbers mean follows from how a graph ends.
#[test]
fn the_ending_says_what_the_numbers_mean() {
    for (name, kind, estimator) in [
        ("torch_autoencoder", Kind::Anomaly, "network autoencoder"),
        ("torch_value", Kind::Value, "network regressor"),
        ("keras_sigmoid", Kind::Value, "network regressor"),
        ("keras_softmax", Kind::Class, "network classifier"),
        ("torch_argmax", Kind::Class, "network classifier"),
        ("skl_mlp_two", Kind::Class, "network classifier"),
        ("skl_logistic_three", Kind::Class, "network classifier"),
        ("skl_forest_two", Kind::Class, "network classifier"),
        ("skl_boost_value", Kind::Value, "network regressor"),
    ] {
        let model = load(name);
        assert_eq!(model.meaning.kind(), kind, "{name}");
        assert_eq!(model.estimator.name(), estimator, "{name}");
    }
    let producer = load("torch_autoencoder").origin.producer;
    assert_eq!(producer.unwrap(), "pytorch 2.8.0");
}

/// A reading is an anomaly where the network gives it back worse than the threshold allows.
#[test]
fn an_autoencoder_needs_a_threshold() {
    for name in ["torch_autoencoder", "keras_autoencoder", "torch_elu_rows1"] {
        let said = said(name);
        let errors = verdicts(&load(name), &said.rows);
        let mut sorted = errors.scores().to_vec();
        sorted.sort_by(f64::total_cmp);
        let threshold = sorted[50];
        let model = asked(name, &json!({ "threshold": threshold })).unwrap();
        assert_eq!(model.meaning.kind(), Kind::Anomaly);
        let judged = verdicts(&model, &said.rows);
        let scores: Vec<f64> = errors
            .scores()
            .iter()
            .map(|error| threshold - error)
            .collect();
        assert_eq!(judged.scores(), scores, "{name}");
        let anomalies = judged.anomalies().iter().filter(|is| **is).count();
        assert_eq!(
            anomalies, 9,
            "{name}: 60 rows, of which 51 are at most the threshold"
        );
    }
    let problem = asked("torch_autoencoder", &json!({})).unwrap_err();
    for part in [
        "network autoencoder",
        "set spec.model.threshold",
        "threshold - error",
    ] {
        assert!(problem.contains(part), "{problem}");
    }
    for (fields, part) in [
        (json!({ "output": "Value" }), "whose output is Anomaly"),
        (
            json!({ "anomalyClasses": ["1"], "threshold": 1.0 }),
            "names labels",
        ),
        (
            json!({ "residual": { "target": "a", "threshold": 1.0 } }),
            "compares a regressor's values",
        ),
    ] {
        let problem = asked("torch_autoencoder", &fields).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn classes_and_values_are_those_of_other_models() {
    let model = asked("skl_mlp_three", &json!({ "anomalyClasses": ["worn"] })).unwrap();
    let said = said("skl_mlp_three");
    let judged = verdicts(&model, &said.rows);
    let labels = model.meaning.labels().unwrap();
    for (class, is_anomaly) in judged.classes().iter().zip(judged.anomalies()) {
        assert_eq!(labels.text(usize::from(*class)) == "worn", *is_anomaly);
    }
    let residual = json!({ "residual": { "target": "Power", "threshold": 2.5 } });
    let model = asked("torch_value", &residual).unwrap();
    assert_eq!((model.meaning.kind(), model.width()), (Kind::Residual, 4));
    let problem = asked("torch_value", &json!({ "threshold": 1.0 })).unwrap_err();
    assert!(problem.contains("spec.model.residual"), "{problem}");
}

/// Operator, node and the way out.
#[test]
fn what_is_no_chain_over_rows_is_refused_by_name() {
    for (file, parts) in [
        (
            "transpose",
            &["Transpose", "`/Transpose_1`", "not read"][..],
        ),
        ("reduce_mean", &["ReduceMean", "not read"]),
        ("reshape", &["Reshape", "from row to row"]),
        ("skl_several", &["Reshape", "from row to row"]),
        ("flatten_rows", &["Flatten", "not read"]),
        ("softmax_rows", &["Softmax", "mixes rows"]),
        ("from_the_left", &["MatMul", "mixes rows"]),
        ("trans_a", &["Gemm", "transA"]),
        ("a_row_for_each", &["Add", "one number a column"]),
        ("skip", &["Relu", "not read behind the layers"]),
        ("meets_input", &["MatMul", "not read behind the layers"]),
        ("latent", &["MatMul", "not read behind the layers"]),
        ("beside", &["Sin", "`idle`", "beside the chain"]),
        ("several_numbers", &["5 numbers of 3"]),
        ("divides", &["Div", "divides by the readings"]),
        ("training", &["Dropout", "model.eval()"]),
        ("three_axes", &["input has 3 axes"]),
        ("half", &["type 10"]),
        ("to_integers", &["Cast", "other numbers"]),
        (
            "trees_greater",
            &["TreeEnsembleRegressor", "compares in another way"],
        ),
        ("recurrent", &["LSTM", "`/lstm/LSTM`"]),
        ("other_domain", &["com.microsoft.FusedGemm", "`fused`"]),
    ] {
        let error = refused(file);
        let message = error.to_string();
        assert_eq!(error.reason(), "Unsupported", "{file}: {message}");
        for part in parts.iter().chain(&["onnxruntime", "spec.model.worker"]) {
            assert!(
                message.contains(part),
                "{file}: `{part}` is not in: {message}"
            );
        }
    }
    for (file, reason, part) in [
        ("circle", "Malformed", "given twice"),
        ("external", "Unsupported", "external_data=False"),
        (
            "lying_shape",
            "Invalid",
            "the 12 numbers that its shape [4, 3]",
        ),
        ("nan", "Invalid", "not finite"),
        ("old_operators", "Unsupported", "opset_version=17"),
        ("trees_circle", "Invalid", "which makes no tree"),
        ("twice", "Malformed", "given twice"),
        ("unfit", "Invalid", "it takes 5 columns"),
        ("zero", "Invalid", "divides by 0"),
    ] {
        let error = refused(file);
        let message = error.to_string();
        assert_eq!(error.reason(), reason, "{file}: {message}");
        assert!(message.contains(part), "{file}: {message}");
    }
}

fn refused(file: &str) -> ModelError {
    let bytes = bytes(&format!("refused/{file}"));
    match read(&bytes, ModelFormat::Auto) {
        Ok(model) => panic!("{file} was read: {model:?}"),
        Err(error) => error,
    }
}

#[test]
fn other_formats_hold_no_network() {
    let model = load("torch_autoencoder");
    for error in [
        write_native(&model).unwrap_err(),
        write_onnx(&model).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(message.contains("as it is"), "{message}");
    }
}

/// Whatever a byte is changed to: an error, or a model that scores.
#[test]
fn any_changed_byte_ends_well() {
    for name in names("networks", ".onnx") {
        let bytes = bytes(&name);
        let step = (bytes.len() / 300).max(1);
        for at in (0..bytes.len()).step_by(step) {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = byte;
                let Ok(model) = read(&changed, ModelFormat::Onnx) else {
                    continue;
                };
                let rows = vec![0.5; model.features * 2];
                assert_eq!(verdicts(&model, &rows).len(), 2, "{name}: {byte} at {at}");
            }
        }
    }
}

#[test]
fn memory_is_bounded() {
    let allowance = Allowance {
        memory: 2000,
        ..Allowance::default()
    };
    let error = read_within(&bytes("torch_autoencoder"), ModelFormat::Auto, allowance);
    assert!(matches!(
        error.unwrap_err(),
        ModelError::TooMuchMemory { .. }
    ));
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn are_harmless(
            file in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            bytes in prop::collection::vec(any::<u8>(), 0..9),
            cut in any::<bool>(),
        ) {
            let names = names("networks", ".onnx");
            let mut graph = super::bytes(file.get::<String>(&names));
            let start = at.index(graph.len());
            let end = if cut { graph.len() } else { (start + bytes.len()).min(graph.len()) };
            graph.splice(start..end, bytes);
            if let Ok(model) = read(&graph, ModelFormat::Onnx) {
                verdicts(&model, &vec![0.5; model.features]);
            }
        }
    }
}
