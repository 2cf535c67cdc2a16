//! What is no one-class SVM that can be scored: refused, naming the culprit.

use std::io::Write as _;

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
        "bundle_by_hand.pkl",
        "Unsupported",
        &[
            "`train_mean` lies beside a model without a scaler",
            "make_pipeline(StandardScaler(), OneClassSVM())",
        ],
    ),
    (
        "bundle_deep.pkl",
        "Unsupported",
        &["`before`", "make_pipeline(scaler, model)"],
    ),
    (
        "bundle_empty.pkl",
        "Unsupported",
        &["a dict of `rmse`", "no model", "joblib.dump"],
    ),
    (
        "bundle_encoder.pkl",
        "Unsupported",
        &[
            "a LabelEncoder, in `label_encoder` of the dict",
            "save the model without it if it makes numbers of the label",
        ],
    ),
    (
        "bundle_encoder_texts.pkl",
        "Unsupported",
        &[
            "a LabelEncoder, in `label_encoder` of the dict",
            "train on numbers if it makes them of a feature",
        ],
    ),
    (
        "bundle_encoders.pkl",
        "Unsupported",
        &[
            "a LabelEncoder, in `encoders` of the dict",
            "train on numbers if it makes them of a feature",
        ],
    ),
    (
        "bundle_function.pkl",
        "Unsupported",
        &[
            "a class or function, in `prepare` of the dict",
            "not plain what it is for",
        ],
    ),
    (
        "bundle_models.pkl",
        "Unsupported",
        &[
            "`1_1` (OneClassSVM), `1_2` (OneClassSVM)",
            "one file a sensor",
        ],
    ),
    (
        "bundle_own.pkl",
        "ForbiddenGlobal",
        &["__main__.Detector", "in `prepare` of the dict"],
    ),
    (
        "bundle_pca.pkl",
        "Invalid",
        &["leave 2 features", "OneClassSVM", "takes 3"],
    ),
    (
        "bundle_scalers.pkl",
        "Unsupported",
        &[
            "beside the pipeline lies `scaler` (StandardScaler)",
            "save the pipeline alone",
        ],
    ),
    (
        "bundle_score_scaler.pkl",
        "Unsupported",
        &[
            "`score_scaler`",
            "does not seem to be a scaler of the readings",
        ],
    ),
    (
        "bundle_series.pkl",
        "Unsupported",
        &[
            "`features` is pandas.Series, which is not read",
            "save a list in its place, as list(df.columns)",
        ],
    ),
    (
        "bundle_series_deep.pkl",
        "Unsupported",
        &["`features` in `metadata` is pandas", "list(df.columns)"],
    ),
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
    (
        "changes_itself.pkl",
        "ForbiddenGlobal",
        &[
            "builtins.setattr",
            "hands it the OneClassSVM",
            "nothing was run",
        ],
    ),
    (
        "ct_weights.pkl",
        "Unsupported",
        &["transformer_weights", "train without"],
    ),
    (
        "dill.pkl",
        "ForbiddenGlobal",
        &[
            "dill._dill._create_array",
            "as `support_vectors_` of OneClassSVM",
            "pickle.dump or joblib.dump",
        ],
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
        "function_other.pkl",
        "ForbiddenGlobal",
        &["numpy.sin", "as `func` of FunctionTransformer"],
    ),
    (
        "function_own.pkl",
        "ForbiddenGlobal",
        &["__main__.twice", "as `func` of FunctionTransformer"],
    ),
    (
        "imputer_empty.pkl",
        "Unsupported",
        &["feature 2 of 3", "no value in the training data"],
    ),
    (
        "imputer_indicator.pkl",
        "Unsupported",
        &["add_indicator", "train again without it"],
    ),
    (
        "imputer_sentinel.pkl",
        "Unsupported",
        &["the number -1", "missing_values"],
    ),
    (
        "infinite_vector.pkl",
        "Invalid",
        &["support vectors", "not finite"],
    ),
    (
        "kernel_pca.pkl",
        "ForbiddenGlobal",
        &[
            "sklearn.decomposition._kernel_pca.KernelPCA",
            "as the step `kernelpca` of the Pipeline",
            "PCA is supported",
        ],
    ),
    ("lof.pkl", "ForbiddenGlobal", &["LocalOutlierFactor"]),
    (
        "names_differ.pkl",
        "Unsupported",
        &["OneClassSVM was fitted with other names", "one pipeline"],
    ),
    (
        "names_series.pkl",
        "ForbiddenGlobal",
        &["pandas", "as `feature_names_in_` of OneClassSVM"],
    ),
    ("no_vectors.pkl", "Invalid", &["no support vectors"]),
    ("not_finite.pkl", "Invalid", &["rho", "not finite"]),
    (
        "own_class.pkl",
        "ForbiddenGlobal",
        &[
            "__main__.Detector",
            "joblib.dump(detector.pipeline, file)",
            "StandardScaler in `scaler` and OneClassSVM in `svm`",
        ],
    ),
    ("precomputed.libsvm", "Unsupported", &["precomputed"]),
    ("precomputed.pkl", "Unsupported", &["precomputed"]),
    (
        "protocol0.pkl",
        "UnknownFormat",
        &["ccopy_reg", "protocol 0 or 1", "protocol=4"],
    ),
    (
        "pyod.pkl",
        "Invalid",
        &["`contamination`", "saved before it was fitted"],
    ),
    (
        "scaler_only.pkl",
        "Unsupported",
        &["a StandardScaler alone", "make_pipeline(scaler, model)"],
    ),
    ("shapes.pkl", "Invalid", &["_dual_coef_", "shape"]),
    ("sparse.pkl", "Unsupported", &["sparse data", "dense array"]),
    (
        "sparse.skops",
        "Unsupported",
        &["sparse data", "dense array"],
    ),
    (
        "svc.onnx",
        "Unsupported",
        &["SVMClassifier", "onnxruntime (spec.model.worker)"],
    ),
    ("truncated.pkl", "Malformed", &["ends early"]),
    (
        "two_scalers.onnx",
        "Unsupported",
        &["Scaler, Scaler", "single scaler"],
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

/// A second pickle behind the first, however it is compressed: `pickle.dump(model, file); pickle.dump(scaler, file)`.
#[test]
fn what_follows_the_model_is_not_ignored() {
    let model = |name: &str| std::fs::read(folder().join(format!("{name}_sk191.p5.pkl"))).unwrap();
    let (first, second) = (model("bare_rbf_d3"), model("standard_rbf_d3"));
    let joblib = |compression: &str| {
        let name = format!("formats_rbf_d3_sk191.{compression}joblib");
        std::fs::read(folder().join(name)).unwrap()
    };
    let refused = |bytes: &[&[u8]], part: &str| {
        let message = read(&bytes.concat(), ModelFormat::Auto)
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    };
    let a_second = "a second pickle follows the first";
    refused(&[&first, &second], a_second);
    refused(&[&first, &joblib("")], a_second);
    refused(&[&joblib(""), &first], a_second);
    refused(&[&first, b"\n\n", b"x"], "3 bytes of something else follow");
    let scaler = zlib(&second);
    for compression in ["zlib.", "gzip.", "bz2.", "xz.", "lzma.", "lz4."] {
        let whole = joblib(compression);
        refused(&[&whole, &whole], a_second);
        refused(&[&whole, &scaler], a_second);
        refused(&[&whole, b"model"], "follow the compressed data");
    }
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Storage that knows blocks only pads files; parallel compressors write one model as several streams.
#[test]
fn padding_and_streams_are_no_second_model() {
    for extension in [
        "p5.pkl",
        "joblib",
        "zlib.joblib",
        "gzip.joblib",
        "bz2.joblib",
        "xz.joblib",
        "lzma.joblib",
        "lz4.joblib",
    ] {
        let file =
            std::fs::read(folder().join(format!("formats_rbf_d3_sk191.{extension}"))).unwrap();
        let expected = read(&file, ModelFormat::Auto).unwrap();
        for padding in [&[0; 512][..], b"\r\n"] {
            let padded = [&file, padding].concat();
            let found = read(&padded, ModelFormat::Auto);
            assert_eq!(found.as_ref(), Ok(&expected), "{extension}");
        }
    }
    let pickle = std::fs::read(folder().join("formats_rbf_d3_sk191.p5.pkl")).unwrap();
    let (start, end) = pickle.split_at(pickle.len() / 2);
    let streams = [zlib(start), zlib(end)].concat();
    assert_eq!(
        read(&streams, ModelFormat::Auto),
        read(&pickle, ModelFormat::Auto)
    );
}

#[test]
fn a_zip_that_is_no_skops_file_is_to_be_unpacked() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("model.pkl", zip::write::SimpleFileOptions::default())
        .unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let message = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
    for part in ["zip archive", "`model.pkl`", "unpack it"] {
        assert!(message.contains(part), "{message}");
    }
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
