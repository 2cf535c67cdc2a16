//! Bytes that nobody vouches for: reading ends with a model or an error, in little time and memory.

use crate::common::damage;
use crate::fixtures::{file, load};

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

#[test]
fn any_changed_byte_ends_well() {
    for name in PICKLES {
        damage::pickle_bytes_end_well(name, &file(name));
    }
}

#[test]
fn every_cut_is_seen() {
    for name in PICKLES {
        damage::pickle_cuts_are_seen(name, &file(name));
    }
}

#[test]
fn memory_is_bounded() {
    for name in PICKLES {
        damage::memory_is_bounded(name, &file(name));
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
        damage::a_row_without_a_number_has_no_score(name, &load(name));
    }
}
