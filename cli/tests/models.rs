//! `fleetscore model`: every kind of file that scikit-learn's users have, and the conversions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{assert_success, text};
use serde_json::Value;
use tempfile::TempDir;

/// A file of the shared models, or none where they are absent.
fn shared(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("FLEETSCORE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let file = shared.join("data/models-zoo").join(name);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: {} absent", file.display());
    None
}

fn model(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .arg("model")
        .args(args)
        .output()
        .unwrap()
}

fn inspect(file: &Path) -> Value {
    let output = model(&["inspect", "--json", file.to_str().unwrap()]);
    assert_success(&output);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn convert(from: &Path, to: &Path) -> Output {
    model(&["convert", from.to_str().unwrap(), to.to_str().unwrap()])
}

/// What two files of one model must agree on.
fn essence(facts: &Value) -> Value {
    let mut facts = facts.clone();
    for name in ["format", "producer", "precision", "featureNames"] {
        facts.as_object_mut().unwrap().remove(name);
    }
    facts
}

/// Asserts that two facts are equal, numbers up to single precision.
fn assert_close(a: &Value, b: &Value) {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{a} {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).for_each(|(a, b)| assert_close(a, b));
        }
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{a:?} {b:?}");
            a.values()
                .zip(b.values())
                .for_each(|(a, b)| assert_close(a, b));
        }
        (a, b) => assert_eq!(a, b),
    }
}

#[test]
fn every_kind_of_file_holds_the_same_model() {
    let Some(pickle) = shared("pump_rbf_d3_sk191.pkl") else {
        return;
    };
    let expected = inspect(&pickle);
    assert_eq!(expected["features"], 3);
    assert_eq!(expected["kernel"], "rbf");
    assert_eq!(expected["scaler"]["kind"], "standard");
    for name in ["p4.pkl", "joblib", "z.joblib", "skops"] {
        let file = shared(&format!("pump_rbf_d3_sk191.{name}")).unwrap();
        assert_eq!(essence(&inspect(&file)), essence(&expected), "{name}");
    }
    let single = inspect(&shared("pump_rbf_d3_sk191.onnx").unwrap());
    assert_eq!(single["precision"], "single");
    assert_close(&essence(&single), &essence(&expected));
    let libsvm = inspect(&shared("noscaler_rbf_d3_sk191.libsvm").unwrap());
    let pickle = inspect(&shared("noscaler_rbf_d3_sk191.pkl").unwrap());
    assert_eq!(libsvm["scaler"], "none");
    assert_close(&essence(&libsvm), &essence(&pickle));
}

#[test]
fn the_table_names_what_the_json_does() {
    let Some(pickle) = shared("pump_rbf_d3_sk191.pkl") else {
        return;
    };
    let output = model(&["inspect", pickle.to_str().unwrap()]);
    assert_success(&output);
    let table = text(&output.stdout);
    for name in inspect(&pickle).as_object().unwrap().keys() {
        let line = table.lines().find(|line| line.starts_with(name.as_str()));
        assert!(line.is_some(), "{name} is not in: {table}");
    }
}

#[test]
fn a_model_goes_around_through_every_format() {
    let (Some(scaled), Some(plain)) = (
        shared("pump_rbf_d3_sk191.pkl"),
        shared("noscaler_rbf_d3_sk191.pkl"),
    ) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let out = |name: &str| folder.path().join(name);
    for (pickle, chain) in [
        (&scaled, &["a.fsm", "b.onnx", "c.fsm"][..]),
        (&plain, &["d.libsvm", "e.fsm", "f.onnx", "g.libsvm"]),
    ] {
        let expected = essence(&inspect(pickle));
        let mut from = pickle.clone();
        for name in chain {
            let output = convert(&from, &out(name));
            assert_success(&output);
            let is_onnx = text(&output.stderr).contains("single precision");
            assert_eq!(is_onnx, name.contains("onnx"), "{name}");
            from = out(name);
            assert_close(&essence(&inspect(&from)), &expected);
        }
    }
    // Nothing is lost before the first ONNX file.
    for (name, pickle) in [("a.fsm", &scaled), ("d.libsvm", &plain), ("e.fsm", &plain)] {
        assert_eq!(
            essence(&inspect(&out(name))),
            essence(&inspect(pickle)),
            "{name}"
        );
    }
}

#[test]
fn refusals_say_why_and_write_nothing() {
    let (Some(scaled), Some(forest)) = (
        shared("pump_rbf_d3_sk191.pkl"),
        shared("unsupported_isolationforest.pkl"),
    ) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let (out, noise) = (folder.path().join("out.fsm"), folder.path().join("noise"));
    fs::write(&noise, b"not a model").unwrap();
    let cases = [
        (&scaled, folder.path().join("out.libsvm"), 1, "scaler"),
        // Its scaler was never fitted.
        (&forest, out.clone(), 1, "saved before it was fitted"),
        (&noise, out.clone(), 1, "noise: "),
        (
            &folder.path().join("absent"),
            out.clone(),
            1,
            "absent: No such file",
        ),
        (
            &scaled,
            folder.path().join("out.model"),
            2,
            "say --to native, libsvm or onnx",
        ),
    ];
    for (from, to, code, part) in cases {
        let output = convert(from, &to);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(message.contains(part), "{part:?} is not in: {message}");
        assert!(!to.exists(), "{message}");
    }
    fs::write(&out, "mine").unwrap();
    let output = convert(&scaled, &out);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("use --force to replace it"));
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    let [scaled, out] = [&scaled, &out].map(|path| path.to_str().unwrap());
    assert_success(&model(&["convert", scaled, out, "--force"]));
}

/// A model's file of the scorer's tests.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scorer/tests/fixtures/models")
        .join(name)
}

/// The plan reads every model: it shows which do not fit the columns, which are to be looked at, and which cannot be read.
#[test]
fn a_plan_compares_models_with_columns() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("models")).unwrap();
    for (sensor, model) in [
        ("1", "names_rbf_d3_sk191.p5.pkl"),
        ("2", "formats_rbf_d3_sk191.p5.pkl"),
        ("3", "bare_rbf_d1_sk191.p5.pkl"),
        ("4", "refused/kernel_pca.pkl"),
        ("5", "formats_rbf_d3_sk191.onnx"),
    ] {
        fs::copy(fixture(model), path(&format!("models/{sensor}"))).unwrap();
    }
    fs::write(path("data.csv"), "T,D,flow rate,pressure,temp. °C,x\n").unwrap();
    let plan = |features: &str| {
        let manifest = format!(
            "apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {{name: names}}
spec:
  model: {{location: \"models/{{d}}\"}}
  input: {{location: data.csv, columns: {{time: T, keys: {{d: D}}, features: [{features}]}}}}
  output: {{location: out/, file: \"{{d}}.csv\"}}
"
        );
        fs::write(path("run.yaml"), manifest).unwrap();
        let plan = |more: &[&str]| {
            Command::new(env!("CARGO_BIN_EXE_fleetscore"))
                .args(["plan", "-f", "run.yaml"])
                .args(more)
                .current_dir(folder.path())
                .output()
                .unwrap()
        };
        let json: Value = serde_json::from_slice(&plan(&["--json"]).stdout).unwrap();
        (json, text(&plan(&[]).stdout))
    };
    let (json, table) = plan("flow rate, pressure, temp. °C");
    let failing: Vec<_> = json["failing"].as_array().unwrap().iter().collect();
    let reasons: Vec<_> = failing.iter().map(|failing| &failing["reason"]).collect();
    assert_eq!(reasons, ["ModelMismatch", "ModelUnreadable"]);
    assert!(
        failing[1]["message"]
            .as_str()
            .unwrap()
            .contains("KernelPCA")
    );
    let warnings = json["warnings"].as_array().unwrap();
    let reasons: Vec<_> = warnings.iter().map(|warning| &warning["reason"]).collect();
    assert_eq!(reasons, ["FeaturesReordered", "SinglePrecision"]);
    assert!(table.contains("\nwarnings: 2\n"), "{table}");
    assert!(table.contains("FeaturesReordered: "), "{table}");
    let (json, _) = plan("flow rate, pressure, x");
    assert_eq!(json["failing"][0]["reason"], "ModelMismatch");
    assert_eq!(json["failing"][0]["key"]["d"], "1");
    assert!(!path("out").exists());
}

#[test]
fn inspect_says_what_it_takes_out_of_a_dict() {
    let facts = inspect(&fixture("bundle_rbf_d3_sk191.dict.pkl"));
    assert_eq!(
        facts["taken"],
        serde_json::json!(["`scaler` (StandardScaler)", "`model` (OneClassSVM)"])
    );
    assert_eq!(facts["scaler"]["kind"], "standard");
    assert_eq!(facts["leftOut"][1], "`threshold`");
    let plain = inspect(&fixture("formats_rbf_d3_sk191.p5.pkl"));
    assert_eq!(plain.get("taken"), None);
}

/// A sensor each for some versions of scikit-learn: scores and predictions are what that version itself says of the readings.
#[test]
fn a_run_of_isolation_forests_is_as_in_scikit_learn() {
    const FORESTS: [(&str, &str); 4] = [
        ("auto_d1_sk0192", "p2.pkl"),
        ("old_d1_sk0204", "zlib.joblib"),
        ("auto_d1_sk122", "p2.pkl"),
        ("auto_d1_sk191", "skops"),
    ];
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("models")).unwrap();
    let mut readings = "T,D,x\n".to_owned();
    let expected = FORESTS.map(|(name, extension)| {
        let file = |extension: &str| fixture(&format!("../forests/{name}.{extension}"));
        fs::copy(file(extension), path(&format!("models/{name}"))).unwrap();
        let text = fs::read_to_string(file("expected.csv")).unwrap();
        let rows: Vec<Vec<String>> = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').map(str::to_owned).collect())
            .collect();
        for (minute, row) in rows.iter().enumerate() {
            let (hour, minute) = (minute / 60, minute % 60);
            let time = format!("2026-03-01T{hour:02}:{minute:02}:00Z");
            readings += &[time.as_str(), name, row[0].as_str()].join(",");
            readings.push('\n');
        }
        rows
    });
    fs::write(path("data.csv"), readings).unwrap();
    fs::write(
        path("run.yaml"),
        "apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {name: forests}
spec:
  model: {location: \"models/{d}\"}
  input: {location: data.csv, columns: {time: T, keys: {d: D}, features: [x]}}
  output: {location: out/, file: \"{d}.csv\"}
",
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .args(["run", "-f"])
        .arg(path("run.yaml"))
        .output()
        .unwrap();
    assert_success(&output);
    for ((name, _), rows) in FORESTS.iter().zip(expected) {
        let written = fs::read_to_string(path(&format!("out/{name}.csv"))).unwrap();
        let written: Vec<Vec<&str>> = written
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect())
            .collect();
        assert_eq!(written.len(), rows.len(), "{name}");
        for (ours, theirs) in written.iter().zip(rows) {
            let score = |text: &str| text.parse::<f64>().unwrap().to_bits();
            let [.., our_score, our_label] = ours.as_slice() else {
                panic!("{name}: {ours:?}")
            };
            assert_eq!(
                score(our_score),
                score(&theirs[1]),
                "{name}: {ours:?}, {theirs:?}"
            );
            assert_eq!(our_label, &theirs[2], "{name}: {ours:?}, {theirs:?}");
        }
    }
}

/// A file of each family, or a folder, below the scorer's fixtures.
const FAMILIES: &[(&str, &str)] = &[
    ("boosted-trees", "families/boost_two_sk191.pkl"),
    ("column-transformer", "models/slices_names_sk191.p4.pkl"),
    ("decision-tree", "families/tree_value_sk191.pkl"),
    ("extra-trees", "families/extra_three_sk191.joblib"),
    ("histograms", "families/hist_value_sk191.pkl"),
    ("isolation-forest", "forests/auto_d1_sk191.p2.pkl"),
    ("lightgbm", "boosters/two_lgb470.txt"),
    ("linear-classifier", "families/logistic_two_sk191.joblib"),
    ("linear-detector", "families/sgd_one_class_sk191.joblib"),
    ("linear-regressor", "families/linear_value_sk191.joblib"),
    ("mlflow-folder", "mlflow_boosters/xgb_classifier_mlflow3172"),
    ("network-autoencoder", "networks/torch_autoencoder.onnx"),
    ("network-classifier", "networks/skl_mlp_three.onnx"),
    ("network-of-trees", "networks/skl_boost_value.onnx"),
    ("network-regressor", "networks/torch_value.onnx"),
    ("one-class-svm", "models/formats_rbf_d3_sk191.p5.pkl"),
    ("one-class-svm-onnx", "models/formats_rbf_d3_sk191.onnx"),
    ("pyod-forest", "pyod/forest_pyod367.pkl"),
    ("random-forest", "families/forest_three_sk191.pkl"),
    ("xgboost", "boosters/named_xgb320.ubj"),
];

/// What the command prints of each family, held against files; UPDATE=1 writes them again.
#[test]
fn every_family_is_shown_as_in_its_file() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scorer/tests/fixtures");
    let held = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inspect");
    for (family, file) in FAMILIES {
        let output = model(&["inspect", fixtures.join(file).to_str().unwrap()]);
        assert_success(&output);
        let path = held.join(format!("{family}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&held).unwrap();
            fs::write(&path, text(&output.stdout)).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            text(&output.stdout),
            expected,
            "{family}; UPDATE=1 writes it again"
        );
    }
}
