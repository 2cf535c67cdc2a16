//! The files of `scripts/fixtures/make_forests.py`.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Estimator, IsolationForest, Model, read};

use crate::common::{Fixtures, said, said_alone};

const FIXTURES: Fixtures = Fixtures("forests");

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

/// The forest at the end of a model.
pub fn forest(model: &Model) -> &IsolationForest {
    match &model.estimator {
        Estimator::IsolationForest(forest) => forest,
        other => panic!("{}", other.name()),
    }
}

/// What scikit-learn says about rows.
pub struct Expected {
    /// The rows' inputs, row-major.
    pub rows: Vec<f64>,
    verdicts: Vec<(f64, bool)>,
}

impl Expected {
    /// Of the forest in a file.
    pub fn of(file: &str) -> Self {
        let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
        for record in FIXTURES.expected(file) {
            let score = record.len() - 2;
            let number = |column: usize| record[column].parse::<f64>().unwrap();
            rows.extend((0..score).map(number));
            verdicts.push((number(score), &record[score + 1] == "1"));
        }
        assert!(verdicts.len() > 30, "{file} has few rows");
        Self { rows, verdicts }
    }

    /// Asserts scores and predictions, all rows at once and each by itself.
    pub fn assert_same(&self, model: &Model, file: &str) {
        for verdicts in [said(model, &self.rows), said_alone(model, &self.rows)] {
            assert_eq!(verdicts.len(), self.verdicts.len(), "{file}");
            for (row, (ours, theirs)) in verdicts.iter().zip(&self.verdicts).enumerate() {
                assert_eq!(
                    (ours.0.to_bits(), ours.1),
                    (theirs.0.to_bits(), theirs.1),
                    "{file} row {row}: {ours:?}, expected {theirs:?}"
                );
            }
        }
    }
}

#[test]
fn every_fixture_scores_as_in_scikit_learn_to_the_last_bit() {
    let files = files();
    assert!(files.len() > 80, "only {} fixtures", files.len());
    let mut ties = 0;
    for (name, bytes) in files {
        let model =
            read(&bytes, ModelFormat::Auto).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = Expected::of(&name);
        expected.assert_same(&model, &name);
        ties += expected
            .verdicts
            .iter()
            .filter(|(score, _)| *score == 0.0)
            .count();
    }
    assert!(ties > 50, "only {ties} rows on the border");
}

#[test]
fn says_what_wrote_the_file() {
    for (file, version) in [
        ("auto_d1_sk0192.p2.pkl", "0.19.2"),
        ("share_d2_sk0204_py2.joblib", "0.20.4"),
        ("share_d2_sk0222.p4.pkl", "0.22.2.post1"),
        ("part_d5_sk191.skops", "1.9.1"),
    ] {
        let producer = load(file).origin.producer;
        assert_eq!(
            producer.unwrap(),
            format!("scikit-learn {version}"),
            "{file}"
        );
    }
}

/// 0 is an anomaly up to 0.19 only.
#[test]
fn the_border_is_each_versions_own() {
    for (file, at_zero) in [
        ("share_d2_sk0192.joblib", true),
        ("share_d2_sk0204.joblib", false),
        ("old_d1_sk0204.zlib.joblib", false),
        ("share_d2_sk191.joblib", false),
    ] {
        let model = load(file);
        assert_eq!(model.meaning.is_anomaly(0.0), at_zero, "{file}");
        assert!(model.meaning.is_anomaly(-1e-300), "{file}");
        assert_eq!(forest(&model).border.zero_is_anomaly, at_zero, "{file}");
    }
}

#[test]
fn a_forest_beside_its_scaler_in_a_dict_is_found() {
    for file in ["bundle_d2_sk191.zlib.joblib", "bundle_d2_sk191.skops"] {
        let origin = load(file).origin;
        let parts = origin.parts.unwrap();
        assert_eq!(
            parts.taken,
            ["`scaler` (StandardScaler)", "`model` (IsolationForest)"],
            "{file}"
        );
        assert_eq!(
            origin.feature_names.unwrap(),
            ["flow", "pressure"],
            "{file}"
        );
    }
}
