//! The files of `scripts/fixtures/make_models.py`.

use std::path::{Path, PathBuf};

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Kernel, Model, Scaler, read};

use crate::expected::Expected;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models")
}

/// Every model file, in order of name.
pub fn models() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.is_file() && path.extension().is_some_and(|extension| extension != "csv")
    });
    paths.sort();
    paths
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The format that a file's name says.
pub fn format(path: &Path) -> ModelFormat {
    match path.extension().unwrap().to_str().unwrap() {
        "pkl" | "joblib" => ModelFormat::Sklearn,
        "skops" => ModelFormat::Skops,
        "onnx" => ModelFormat::Onnx,
        "libsvm" => ModelFormat::Libsvm,
        other => panic!("unknown fixture .{other}"),
    }
}

fn load(name: &str) -> Model {
    let path = folder().join(name);
    read(&std::fs::read(path).unwrap(), ModelFormat::Auto)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_fixture_scores_as_in_scikit_learn() {
    let paths = models();
    assert!(paths.len() > 800, "only {} fixtures", paths.len());
    for path in paths {
        let file = file_name(&path);
        let model = load(&file);
        let (name, _) = file.split_once('.').unwrap();
        let expected = Expected::read(&folder().join(format!("{name}.expected.csv")), 0);
        expected.assert_scores(&model, &file);
        assert_eq!(model.origin.format, format(&path), "{file}");
        assert_eq!(
            model.origin.single_precision,
            format(&path) == ModelFormat::Onnx,
            "{file}"
        );
        let named = read(&std::fs::read(&path).unwrap(), format(&path)).unwrap();
        assert_eq!(named, model, "{file}: Auto and the named format differ");
    }
}

#[test]
fn says_what_wrote_the_file() {
    assert_eq!(
        load("formats_rbf_d3_sk191.p5.pkl").origin.producer.unwrap(),
        "scikit-learn 1.9.1"
    );
    assert_eq!(
        load("formats_rbf_d3_sk122.xz.joblib")
            .origin
            .producer
            .unwrap(),
        "scikit-learn 1.2.2"
    );
    assert_eq!(
        load("formats_rbf_d3_sk191.skops").origin.producer.unwrap(),
        "scikit-learn 1.9.1"
    );
    assert_eq!(
        load("formats_rbf_d3_sk191.onnx").origin.producer.unwrap(),
        "skl2onnx 1.20.0"
    );
}

#[test]
fn reads_names_of_features() {
    let files = models().into_iter().map(|path| file_name(&path));
    let files: Vec<String> = files.filter(|file| file.starts_with("names_")).collect();
    assert_eq!(files.len(), 11, "{files:?}");
    for file in files {
        let names = load(&file)
            .origin
            .feature_names
            .unwrap_or_else(|| panic!("{file} has no names"));
        assert_eq!(names, ["pressure", "flow rate", "temp. °C"], "{file}");
    }
    assert_eq!(
        load("formats_rbf_d3_sk191.p5.pkl").origin.feature_names,
        None
    );
}

/// However numpy holds the names.
#[test]
fn reads_names_of_features_in_other_arrays() {
    for file in ["p2.pkl", "p5.pkl", "joblib", "list.pkl"] {
        let names = load(&format!("npnames_rbf_d3_sk191.{file}")).origin;
        assert_eq!(
            names.feature_names.unwrap(),
            ["pressure", "flow rate", "temp. °C"],
            "{file}"
        );
    }
}

#[test]
fn says_what_was_taken_out_of_a_dict() {
    let origin = load("bundle_rbf_d3_sk191.dict.pkl").origin;
    let parts = origin.parts.unwrap();
    assert_eq!(
        parts.taken,
        ["`scaler` (StandardScaler)", "`model` (OneClassSVM)"]
    );
    assert_eq!(
        parts.left,
        [
            "`feature_columns`",
            "`threshold`",
            "`trained`",
            "`nu`",
            "`note`"
        ]
    );
    let names = origin.feature_names.unwrap();
    assert_eq!(names, ["pressure", "flow rate", "temp. °C"]);
    // pandas' index of the columns, as versions 2 and 3 write it, with pyarrow's texts too, and what else says an order.
    for file in [
        "index.pkl",
        "index.joblib",
        "objects.pkl",
        "arrow.pkl",
        "arrow.joblib",
        "values.pkl",
        "positions.pkl",
        "numbered.pkl",
        "commas.pkl",
    ] {
        let origin = load(&format!("bundle_rbf_d3_sk191.{file}")).origin;
        assert_eq!(origin.feature_names.as_ref(), Some(&names), "{file}");
    }
    let parts = load("bundle_rbf_d3_sk191.encoder.pkl").origin.parts;
    assert_eq!(parts.unwrap().left, ["`label_encoder`"]);
    let parts = load("bundle_rbf_d3_sk191.tuple.joblib")
        .origin
        .parts
        .unwrap();
    assert_eq!(
        parts.taken,
        ["item 2 (StandardScaler)", "item 1 (OneClassSVM)"]
    );
    let origin = load("formats_rbf_d3_sk191.p5.pkl").origin;
    assert_eq!(origin.parts, None);
}

#[test]
fn keeps_parameters() {
    let kernel = load("standard_poly_d8_sk191.p4.pkl").svm().unwrap().kernel;
    assert_eq!(
        kernel,
        Kernel::Polynomial {
            gamma: 0.07,
            coef0: 1.5,
            degree: 3
        }
    );
    let kernel = load("bare_sigmoid_d1_sk191.libsvm").svm().unwrap().kernel;
    assert_eq!(
        kernel,
        Kernel::Sigmoid {
            gamma: 0.02,
            coef0: 0.3
        }
    );
    let model = load("minmaxclip_rbf_d3_sk191.p5.pkl");
    let scaler = &model.svm().unwrap().scaler;
    assert!(
        matches!(
            scaler,
            Scaler::MinMax {
                clip: Some((-1.0, 2.0)),
                ..
            }
        ),
        "{scaler:?}"
    );
    let model = load("stdnostd_rbf_d3_sk191.p5.pkl");
    let scaler = &model.svm().unwrap().scaler;
    assert!(
        matches!(
            scaler,
            Scaler::Standard {
                center: Some(_),
                scale: None
            }
        ),
        "{scaler:?}"
    );
}
