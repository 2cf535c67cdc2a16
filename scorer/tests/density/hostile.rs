//! Bytes that nobody vouches for: reading ends with a model or an error, in little time and memory.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Allowance, ModelError, read, read_within};

use crate::fixtures::{file, load, said};

/// Pickles that are not compressed.
const PICKLES: &[&str] = &[
    "elliptic_2_sk191.pkl",
    "mixture_full3_sk191.pkl",
    "centres_plain_sk191.pkl",
    "pca_scaled_sk191.pkl",
    "nystroem_value_sk191.pkl",
    "sampler_one_class_sk191.pkl",
    "svc_two_sk191.pkl",
    "svc_three_sk0192.pkl",
    "svr_rbf_sk191.pkl",
    "mlp_three_sk191.pkl",
    "mlp_same_apart_sk191.pkl",
];

/// Whatever a byte is changed to: an error, or a model that scores.
#[test]
fn any_changed_byte_ends_well() {
    for name in PICKLES {
        let bytes = file(name);
        let step = (bytes.len() / 300).max(1);
        for at in (2..bytes.len()).step_by(step) {
            for byte in [0, b'.', 255] {
                let mut changed = bytes.clone();
                changed[at] = byte;
                let Ok(model) = read(&changed, ModelFormat::Sklearn) else {
                    continue;
                };
                if model.features > 100 {
                    continue;
                }
                let rows = vec![0.5; model.features * 2];
                assert_eq!(said(&model, &rows).len(), 2, "{name}: {byte} at {at}");
            }
        }
    }
}

#[test]
fn every_cut_is_seen() {
    for name in PICKLES {
        let bytes = file(name);
        for at in (0..bytes.len()).step_by(bytes.len() / 40) {
            assert!(
                read(&bytes[..at], ModelFormat::Sklearn).is_err(),
                "{name} cut at {at}"
            );
        }
    }
}

#[test]
fn memory_is_bounded() {
    for name in PICKLES {
        let allowance = Allowance {
            memory: 2000,
            ..Allowance::default()
        };
        let error = read_within(&file(name), ModelFormat::Auto, allowance).unwrap_err();
        assert!(
            matches!(error, ModelError::TooMuchMemory { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_row_without_a_number_has_no_score() {
    for name in [
        "elliptic_2_sk191.joblib",
        "mixture_full2_sk191.joblib",
        "mixture_spherical3_sk191.joblib",
        "centres_plain_sk191.joblib",
        "pca_plain_sk191.joblib",
        "nystroem_value_sk191.joblib",
        "sampler_value_sk191.joblib",
        "svc_two_sk191.joblib",
        "svc_three_sk191.joblib",
        "svr_linear_sk191.joblib",
        "mlp_value_relu_sk191.joblib",
        "mlp_three_sk191.joblib",
    ] {
        let model = load(name);
        let mut rows = vec![20.0; model.features * 2];
        rows[0] = f64::NAN;
        let verdicts = said(&model, &rows);
        assert!(
            verdicts.scores()[0].is_nan() && verdicts.scores()[1].is_finite(),
            "{name}"
        );
    }
}
