//! The files of `scripts/fixtures/make_density.py`.

use fleetscore_crds::{ModelFormat, ModelSpec};
use fleetscore_scorer::models::{Kind, Meaning, Model, Verdicts, read};
use serde_json::{Value, json};

use crate::common::{Fixtures, said, said_alone};

const FIXTURES: Fixtures = Fixtures("density");

/// Every file's name and bytes, in order of name.
pub fn files() -> Vec<(String, Vec<u8>)> {
    FIXTURES.files()
}

/// The bytes of one file.
pub fn file(name: &str) -> Vec<u8> {
    FIXTURES.file(name)
}

pub fn load(name: &str) -> Model {
    FIXTURES.load(name)
}

/// The model with what a run asks of its numbers.
pub fn asked(model: Model, fields: &Value) -> Result<Model, String> {
    let mut spec = json!({ "location": "file:///m" });
    let map = spec.as_object_mut().unwrap();
    map.extend(fields.as_object().unwrap().clone());
    let spec: ModelSpec = serde_json::from_value(spec).unwrap();
    model.with_output(&spec).map_err(|error| error.to_string())
}

/// What scikit-learn says of rows.
pub struct Expected {
    /// The rows' inputs, row-major.
    pub rows: Vec<f64>,
    pub scores: Vec<f64>,
    /// Labels, or 1 for anomalies; empty where there are none.
    predictions: Vec<String>,
    /// Of the class, where there are some.
    shares: Vec<f64>,
}

impl Expected {
    /// Of the model in a file.
    pub fn of(file: &str) -> Self {
        let mut expected = Self {
            rows: Vec::new(),
            scores: Vec::new(),
            predictions: Vec::new(),
            shares: Vec::new(),
        };
        for record in FIXTURES.expected(file) {
            let score = record.len() - 3;
            let number = |column: usize| record[column].parse::<f64>();
            expected
                .rows
                .extend((0..score).map(|column| number(column).unwrap()));
            expected.scores.push(number(score).unwrap());
            expected.predictions.push(record[score + 1].to_owned());
            expected.shares.extend(number(score + 2));
        }
        assert!(expected.scores.len() > 30, "{file} has few rows");
        expected
    }

    /// Asserts scores and predictions, all rows at once and each by itself.
    pub fn assert_same(&self, model: &Model, file: &str) {
        let together = said(model, &self.rows);
        assert_eq!(together, said_alone(model, &self.rows), "{file}");
        assert_near(together.scores(), &self.scores, file);
        match model.meaning {
            Meaning::Measured { .. } if self.predictions[0].is_empty() => {}
            Meaning::Measured { .. } => {
                let grouped = asked(model.clone(), &json!({ "output": "Class" })).unwrap();
                let verdicts = said(&grouped, &self.rows);
                self.assert_labels(&grouped, &verdicts, file);
                if !self.shares.is_empty() {
                    assert_near(verdicts.scores(), &self.shares, file);
                }
            }
            _ => self.assert_labels(model, &together, file),
        }
    }

    fn assert_labels(&self, model: &Model, verdicts: &Verdicts, file: &str) {
        for (row, prediction) in self.predictions.iter().enumerate() {
            let ours = match model.meaning.kind() {
                Kind::Anomaly => u8::from(verdicts.anomalies()[row]).to_string(),
                Kind::Class => {
                    let labels = model.meaning.labels().unwrap();
                    labels.text(verdicts.classes()[row].into()).into_owned()
                }
                Kind::Value | Kind::Residual => prediction.clone(),
            };
            let score = verdicts.scores()[row];
            assert_eq!(&ours, prediction, "{file} row {row}: {score:e}");
        }
    }
}

fn assert_near(ours: &[f64], theirs: &[f64], file: &str) {
    assert_eq!(ours.len(), theirs.len(), "{file}");
    for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let near = if is_exact(file) {
            ours.to_bits() == theirs.to_bits()
        } else {
            (ours - theirs).abs() <= bound(file) * theirs.abs().max(1.0)
        };
        assert!(near, "{file} row {row}: {ours:e}, expected {theirs:e}");
    }
}

/// Whether scores are scikit-learn's to the last bit. Before 0.20 its library for matrices adds up, and up to scipy 1.5 more than
/// three features are added up in another order.
fn is_exact(file: &str) -> bool {
    let others = ["_sk0192", "_5_sk0204", "_5_sk0213", "_5_sk0222"];
    file.starts_with("elliptic_") && !others.iter().any(|part| file.contains(part))
}

/// How far scores may lie apart, of 1 or of the score where that is more. `Nystroem` divides by what is next to nothing, and with readings
/// as they are the terms of a linear kernel are thousands of times their sum.
fn bound(file: &str) -> f64 {
    match file.split('_').next() {
        Some("nystroem") => 3e-10,
        _ if file.starts_with("svc_linear_") => 1e-10,
        _ => 1e-12,
    }
}

#[test]
fn every_fixture_says_what_scikit_learn_says() {
    let files = files();
    assert!(files.len() > 700, "only {} fixtures", files.len());
    for (name, bytes) in files {
        let model =
            read(&bytes, ModelFormat::Auto).unwrap_or_else(|error| panic!("{name}: {error}"));
        Expected::of(&name).assert_same(&model, &name);
    }
}

#[test]
fn every_family_has_its_name_and_meaning() {
    for (file, name, kind) in [
        ("elliptic_2_sk191.skops", "EllipticEnvelope", Kind::Anomaly),
        (
            "mixture_full3_sk191.skops",
            "GaussianMixture",
            Kind::Anomaly,
        ),
        ("centres_plain_sk191.pkl", "KMeans", Kind::Anomaly),
        (
            "centres_batch_sk132.joblib",
            "MiniBatchKMeans",
            Kind::Anomaly,
        ),
        ("pca_scaled_sk191.skops", "PCA", Kind::Anomaly),
        (
            "nystroem_one_class_sk191.skops",
            "SGDOneClassSVM",
            Kind::Anomaly,
        ),
        ("sampler_value_sk0192.joblib", "Ridge", Kind::Value),
        ("svc_two_sk191.skops", "SVC", Kind::Class),
        ("svc_nu_sk132.joblib", "NuSVC", Kind::Class),
        ("svr_rbf_sk0192.pkl", "SVR", Kind::Value),
        ("svr_nu_sk191.joblib", "NuSVR", Kind::Value),
        ("mlp_value_tanh_sk191.skops", "MLPRegressor", Kind::Value),
        ("mlp_same_relu_sk0192.joblib", "MLPRegressor", Kind::Anomaly),
        ("mlp_three_sk191.skops", "MLPClassifier", Kind::Class),
    ] {
        let model = load(file);
        assert_eq!(model.estimator.name(), name, "{file}");
        assert_eq!(model.meaning.kind(), kind, "{file}");
    }
}
