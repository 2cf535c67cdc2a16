//! The detectors of `scripts/fixtures/make_pyod.py`.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Model, ModelError, read, write_libsvm, write_native, write_onnx};

use crate::expected::{Expected, fixture, names};

fn read_file(file: &str) -> Result<Model, ModelError> {
    let bytes = std::fs::read(fixture("pyod").join(file)).unwrap();
    read(&bytes, ModelFormat::Auto)
}

fn load(file: &str) -> Model {
    read_file(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Rows on the border among them: PyOD's threshold is often the score of a row.
#[test]
fn every_detector_scores_as_in_pyod() {
    let names = names("pyod", ".expected.csv");
    assert!(names.len() > 15, "only {names:?}");
    let mut ties = 0;
    for name in names {
        let expected = Expected::of("pyod", &name);
        let model = load(&format!("{name}.pkl"));
        if name.starts_with("forest") {
            expected.assert_same(&model, &name);
        } else {
            expected.assert_close(&model, &name);
        }
        ties += expected.ties();
        let native = read(&write_native(&model).unwrap(), ModelFormat::Native).unwrap();
        assert_eq!(native.estimator, model.estimator, "{name}");
        assert_eq!(native.meaning, model.meaning, "{name}");
    }
    assert!(ties > 10, "only {ties} rows on the border");
}

#[test]
fn says_what_wrote_the_file() {
    for (file, version) in [
        ("forest_pyod109.pkl", "1.2.2"),
        ("scaled_pyod210.joblib", "1.6.1"),
        ("svm_pyod367.pkl", "1.9.1"),
    ] {
        let producer = load(file).origin.producer.unwrap();
        assert_eq!(producer, format!("scikit-learn {version}"), "{file}");
    }
}

#[test]
fn formats_without_a_place_for_the_threshold_are_not_written() {
    let model = load("svm_pyod367.pkl");
    for error in [
        write_libsvm(&model).unwrap_err(),
        write_onnx(&model).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(message.contains("no place for the threshold"), "{message}");
    }
}

#[test]
fn other_detectors_are_refused_by_name() {
    let message = read_file("refused/lof.joblib").unwrap_err().to_string();
    for part in ["pyod.models.lof.LOF", "IForest and OCSVM are read"] {
        assert!(message.contains(part), "{message}");
    }
}
