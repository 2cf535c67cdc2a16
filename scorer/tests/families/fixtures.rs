//! The files of `scripts/fixtures/make_families.py`.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Kind, Model, read};

use crate::common::{Fixtures, said, said_alone};

const FIXTURES: Fixtures = Fixtures("families");

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

/// What scikit-learn says of rows.
pub struct Expected {
    /// The rows' inputs, row-major.
    pub rows: Vec<f64>,
    /// Score and prediction of each.
    said: Vec<(f64, String)>,
}

impl Expected {
    /// Of the model in a file.
    pub fn of(file: &str) -> Self {
        let (mut rows, mut said) = (Vec::new(), Vec::new());
        for record in FIXTURES.expected(file) {
            let score = record.len() - 2;
            let number = |column: usize| record[column].parse::<f64>().unwrap();
            rows.extend((0..score).map(number));
            said.push((number(score), record[score + 1].to_owned()));
        }
        assert!(said.len() > 20, "{file} has few rows");
        Self { rows, said }
    }

    /// Asserts scores and predictions, all rows at once and each by itself.
    pub fn assert_same(&self, model: &Model, file: &str) {
        let together = said(model, &self.rows);
        assert_eq!(together, said_alone(model, &self.rows), "{file}");
        assert_eq!(together.len(), self.said.len(), "{file}");
        for (row, ((score, is_anomaly), (theirs, prediction))) in
            together.iter().zip(&self.said).enumerate()
        {
            let ours = match model.meaning.kind() {
                Kind::Anomaly => u8::from(is_anomaly).to_string(),
                Kind::Class => {
                    let class = together.classes()[row];
                    model
                        .meaning
                        .labels()
                        .unwrap()
                        .text(class.into())
                        .into_owned()
                }
                Kind::Value | Kind::Residual => prediction.clone(),
            };
            assert_eq!(&ours, prediction, "{file} row {row}: {score} and {theirs}");
            let near = if is_exact(file) {
                score.to_bits() == theirs.to_bits()
            } else {
                (score - theirs).abs() <= 1e-12 * theirs.abs().max(1.0)
            };
            assert!(near, "{file} row {row}: {score:e}, expected {theirs:e}");
        }
    }
}

/// Whether scores are scikit-learn's to the last bit: means and sums are, what takes exponentials or weighted sums is not.
fn is_exact(file: &str) -> bool {
    let families = [
        "forest_",
        "extra_",
        "tree_",
        "boost_value",
        "boost_quantile",
        "hist_value",
    ];
    families.iter().any(|family| file.starts_with(family))
}

#[test]
fn every_fixture_says_what_scikit_learn_says() {
    let files = files();
    assert!(files.len() > 520, "only {} fixtures", files.len());
    for (name, bytes) in files {
        let model =
            read(&bytes, ModelFormat::Auto).unwrap_or_else(|error| panic!("{name}: {error}"));
        Expected::of(&name).assert_same(&model, &name);
    }
}

#[test]
fn every_family_has_its_name_and_meaning() {
    for (file, name, kind, anomalies) in [
        (
            "forest_value_sk191.skops",
            "RandomForestRegressor",
            Kind::Value,
            &[][..],
        ),
        (
            "forest_two_sk191.skops",
            "RandomForestClassifier",
            Kind::Class,
            &[false, true],
        ),
        (
            "forest_three_sk191.joblib",
            "RandomForestClassifier",
            Kind::Class,
            &[false; 3],
        ),
        (
            "extra_three_sk0192.joblib",
            "ExtraTreesClassifier",
            Kind::Class,
            &[false; 3],
        ),
        (
            "tree_value_sk0192.pkl",
            "DecisionTreeRegressor",
            Kind::Value,
            &[],
        ),
        (
            "boost_two_sk191.skops",
            "GradientBoostingClassifier",
            Kind::Class,
            &[false, true],
        ),
        (
            "hist_value_sk102.joblib",
            "HistGradientBoostingRegressor",
            Kind::Value,
            &[],
        ),
        (
            "linear_huber_sk191.joblib",
            "HuberRegressor",
            Kind::Value,
            &[],
        ),
        (
            "svc_two_sk191.joblib",
            "LinearSVC",
            Kind::Class,
            &[false, true],
        ),
        (
            "sgd_hinge_sk191.joblib",
            "SGDClassifier",
            Kind::Class,
            &[false, true],
        ),
        (
            "sgd_one_class_sk191.skops",
            "SGDOneClassSVM",
            Kind::Anomaly,
            &[],
        ),
    ] {
        let model = load(file);
        assert_eq!(model.estimator.name(), name, "{file}");
        assert_eq!(model.meaning.kind(), kind, "{file}");
        let fleetscore_scorer::models::Meaning::Class {
            anomalies: ours, ..
        } = &model.meaning
        else {
            assert!(anomalies.is_empty(), "{file}");
            continue;
        };
        assert_eq!(&ours[..], anomalies, "{file}");
    }
}
