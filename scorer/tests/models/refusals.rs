//! What is no one-class SVM that can be scored: refused, naming the culprit.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{ModelError, read};

use crate::fixtures::folder;

fn refusal(file: &str) -> ModelError {
    let bytes = std::fs::read(folder().join("refused").join(file)).unwrap();
    match read(&bytes, ModelFormat::Auto) {
        Ok(model) => panic!("{file} was read: {model:?}"),
        Err(error) => error,
    }
}

/// File, kind of error, what the message must name.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "c_svc.libsvm",
        "Unsupported",
        &["svm_type c_svc", "one_class"],
    ),
    (
        "callable_kernel.pkl",
        "ForbiddenGlobal",
        &["__main__.my_kernel", "kernel is a Python function"],
    ),
    ("evil.pkl", "ForbiddenGlobal", &["posix.system", "at byte"]),
    (
        "evil_inside.pkl",
        "ForbiddenGlobal",
        &["posix.system", "nothing was run"],
    ),
    (
        "features.pkl",
        "Invalid",
        &["support_vectors_", "n_features_in_"],
    ),
    (
        "infinite_vector.pkl",
        "Invalid",
        &["support vectors", "not finite"],
    ),
    (
        "isolation_forest.joblib",
        "ForbiddenGlobal",
        &["sklearn.ensemble._iforest.IsolationForest", "OneClassSVM"],
    ),
    (
        "isolation_forest.pkl",
        "ForbiddenGlobal",
        &["sklearn.ensemble._iforest.IsolationForest", "OneClassSVM"],
    ),
    (
        "isolation_forest.skops",
        "Unsupported",
        &["sklearn.ensemble._iforest.IsolationForest", "OneClassSVM"],
    ),
    (
        "isolation_forest_pipeline.pkl",
        "ForbiddenGlobal",
        &["IsolationForest", "at byte"],
    ),
    ("lof.pkl", "ForbiddenGlobal", &["LocalOutlierFactor"]),
    ("no_vectors.pkl", "Invalid", &["no support vectors"]),
    ("not_finite.pkl", "Invalid", &["rho", "not finite"]),
    (
        "pca.pkl",
        "ForbiddenGlobal",
        &["sklearn.decomposition._pca.PCA"],
    ),
    ("precomputed.libsvm", "Unsupported", &["precomputed"]),
    ("precomputed.pkl", "Unsupported", &["precomputed"]),
    ("protocol0.pkl", "UnknownFormat", &["ccopy_reg"]),
    (
        "scaler_only.pkl",
        "Unsupported",
        &["StandardScaler", "OneClassSVM"],
    ),
    ("shapes.pkl", "Invalid", &["_dual_coef_", "shape"]),
    (
        "sparse.pkl",
        "ForbiddenGlobal",
        &["scipy.sparse", "sparse data"],
    ),
    (
        "sparse.skops",
        "Unsupported",
        &["scipy.sparse", "sparse data"],
    ),
    (
        "svc.onnx",
        "Unsupported",
        &["SVMRegressor", "SVMClassifier"],
    ),
    ("svc.pkl", "ForbiddenGlobal", &["sklearn.svm._classes.SVC"]),
    ("truncated.pkl", "Malformed", &["ends early"]),
    (
        "two_scalers.onnx",
        "Unsupported",
        &["Scaler, Scaler", "single scaler"],
    ),
    (
        "two_scalers.pkl",
        "Unsupported",
        &["StandardScaler", "MinMaxScaler"],
    ),
    ("unfitted.pkl", "Invalid", &["_gamma", "fitted"]),
    ("zero_scale.pkl", "Invalid", &["scale", "0"]),
];

#[test]
fn names_the_culprit() {
    for (file, reason, parts) in REFUSED {
        let error = refusal(file);
        let message = error.to_string();
        assert_eq!(error.reason(), *reason, "{file}: {message}");
        for part in *parts {
            assert!(
                message.contains(part),
                "{file}: `{part}` is not in: {message}"
            );
        }
    }
}

#[test]
fn no_refused_fixture_is_forgotten() {
    let files = std::fs::read_dir(folder().join("refused")).unwrap();
    let mut files: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let listed: Vec<&str> = REFUSED.iter().map(|(file, _, _)| *file).collect();
    assert_eq!(files, listed);
}

#[test]
fn says_where_a_forbidden_global_is() {
    let bytes = std::fs::read(folder().join("refused/evil_inside.pkl")).unwrap();
    let ModelError::ForbiddenGlobal { offset, .. } = refusal("evil_inside.pkl") else {
        panic!()
    };
    assert_eq!(bytes[offset], 0x93, "STACK_GLOBAL is at the offset");
    let name = b"system";
    assert!(
        bytes[..offset]
            .windows(name.len())
            .any(|window| window == name)
    );
    assert!(
        !bytes[offset..]
            .windows(name.len())
            .any(|window| window == name)
    );
}

#[test]
fn a_wrong_format_is_said() {
    let bytes = std::fs::read(folder().join("formats_rbf_d3_sk191.p5.pkl")).unwrap();
    for (format, name) in [
        (ModelFormat::Skops, "malformed skops file"),
        (ModelFormat::Onnx, "malformed ONNX file"),
        (ModelFormat::Libsvm, "malformed libsvm file"),
        (ModelFormat::Native, "malformed fleetscore model file"),
    ] {
        let message = read(&bytes, format).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
    }
    let message = read(b"hello world", ModelFormat::Sklearn)
        .unwrap_err()
        .to_string();
    assert!(message.contains("malformed pickle file"), "{message}");
    assert!(
        read(b"", ModelFormat::Auto)
            .unwrap_err()
            .to_string()
            .contains("empty")
    );
}
