//! What a run may ask of a model's numbers.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Kind, read};
use serde_json::json;

use crate::common::said;
use crate::fixtures::{Expected, asked, file, load};

const DETECTOR: &str = "elliptic_2_sk191.joblib";
const LIKELIHOOD: &str = "mixture_scaled_sk191.joblib";
const DISTANCE: &str = "centres_scaled_sk191.joblib";
const ERROR: &str = "pca_scaled_sk191.joblib";
const AUTOENCODER: &str = "mlp_same_apart_sk191.joblib";

/// Whether higher is worse decides on which side of the threshold anomalies are; on it none is.
#[test]
fn a_threshold_makes_scores_with_their_border_at_0() {
    for (file, sign) in [
        (LIKELIHOOD, 1.0),
        (DISTANCE, -1.0),
        (ERROR, -1.0),
        (AUTOENCODER, -1.0),
    ] {
        let expected = Expected::of(file);
        let measured = said(&load(file), &expected.rows);
        assert!(!measured.anomalies().contains(&true), "{file}");
        let mut sorted = measured.scores().to_vec();
        sorted.sort_by(f64::total_cmp);
        let threshold = sorted[sorted.len() / 2];
        let model = asked(load(file), &json!({ "threshold": threshold })).unwrap();
        assert_eq!(model.meaning.kind(), Kind::Anomaly);
        let verdicts = said(&model, &expected.rows);
        for ((score, is_anomaly), measured) in verdicts.iter().zip(measured.scores()) {
            let over = sign * (measured - threshold);
            assert_eq!(
                score.to_bits(),
                (over + 0.0).to_bits(),
                "{file}: {measured}"
            );
            assert_eq!(is_anomaly, over < 0.0, "{file}: {measured}");
        }
        let output = json!({ "threshold": threshold, "output": "Anomaly" });
        assert_eq!(asked(load(file), &output).unwrap(), model);
    }
}

/// Groups count from 0, and none is an anomaly unless it is named, not even 1 of 0 and 1.
#[test]
fn groups_are_classes_where_a_run_asks_for_them() {
    let rows = Expected::of("mixture_full2_sk191.joblib").rows;
    let load = || load("mixture_full2_sk191.joblib");
    let plain = said(
        &asked(load(), &json!({ "output": "Class" })).unwrap(),
        &rows,
    );
    assert!(plain.classes().contains(&0) && plain.classes().contains(&1));
    assert!(!plain.anomalies().contains(&true));
    let named = asked(load(), &json!({ "anomalyClasses": ["1"] })).unwrap();
    assert_eq!(named.meaning.kind(), Kind::Class);
    let named = said(&named, &rows);
    assert_eq!(named.classes(), plain.classes());
    for (class, is_anomaly) in named.classes().iter().zip(named.anomalies()) {
        assert_eq!(*is_anomaly, *class == 1);
    }
}

#[test]
fn what_a_model_cannot_say_is_refused() {
    for (file, fields, part) in [
        (DETECTOR, json!({ "threshold": 0.5 }), "has its own"),
        (
            DETECTOR,
            json!({ "output": "Class" }),
            "whose output is Anomaly",
        ),
        (
            LIKELIHOOD,
            json!({}),
            "set spec.model.threshold (Score = likelihood - threshold), or spec.model.output: Class",
        ),
        (
            DISTANCE,
            json!({ "output": "Anomaly" }),
            "Score = threshold - distance",
        ),
        (
            ERROR,
            json!({}),
            "set spec.model.threshold (Score = threshold - error)",
        ),
        (
            ERROR,
            json!({ "output": "Class" }),
            "whose output is Anomaly",
        ),
        (
            DISTANCE,
            json!({ "output": "Value" }),
            "whose output is Anomaly",
        ),
        (
            DISTANCE,
            json!({ "anomalyClasses": ["4"] }),
            "its labels are `0`, `1`, `2`, `3`",
        ),
        (
            DISTANCE,
            json!({ "threshold": -0.1 }),
            "the distance that KMeans measures is never below 0",
        ),
        (
            ERROR,
            json!({ "threshold": -9.5 }),
            "the error that PCA measures is never below 0",
        ),
        (
            LIKELIHOOD,
            json!({ "residual": { "target": "Power", "threshold": 1.0 } }),
            "compares a regressor's values",
        ),
    ] {
        let message = asked(load(file), &fields).unwrap_err();
        assert!(message.contains(part), "{file} {fields}: {message}");
    }
}

#[test]
fn what_is_not_read_says_the_way_out() {
    for (name, versions, part) in [
        ("mlp_pipeline", &["0192", "191"][..], "save them apart"),
        ("mlp_targets", &["0192", "191"], "several targets"),
        ("mlp_labels", &["0192", "191"], "several targets"),
        (
            "svc_sparse",
            &["0192", "191"],
            "SVC was fitted on sparse data",
        ),
        ("svc_ties", &["191"], "fit it with 'ovr'"),
        (
            "nystroem_linear",
            &["0192", "191"],
            "the kernel `linear`; supported is rbf",
        ),
        (
            "elliptic_precision",
            &["0192", "191"],
            "store_precision=False",
        ),
        ("covariance", &["0192", "191"], "train EllipticEnvelope"),
        ("pca_full", &["0192", "191"], "fit it with fewer"),
        ("bayesian", &["0192", "191"], "GaussianMixture is supported"),
    ] {
        for version in versions {
            let name = format!("refused/{name}_sk{version}.joblib");
            let error = read(&file(&name), ModelFormat::Auto)
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{name}: {error}");
        }
    }
}
