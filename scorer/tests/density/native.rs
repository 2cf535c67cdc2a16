//! Fleetscore's own format holds all of every family.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Estimator, read, write_libsvm, write_native, write_onnx};

use crate::common::damage;
use crate::fixtures::{Expected, files, load};

/// Behind other steps than a scaler a model is not written.
fn is_written(name: &str) -> bool {
    !name.starts_with("nystroem_") && !name.starts_with("sampler_")
}

#[test]
fn every_fixture_says_the_same_from_it() {
    for (name, bytes) in files() {
        let mut model = read(&bytes, ModelFormat::Auto).unwrap();
        let native = write_native(&model);
        if !is_written(&name) {
            assert_eq!(native.unwrap_err().reason(), "Unwritable");
            continue;
        }
        let native = native.unwrap();
        let again = read(&native, ModelFormat::Auto).unwrap();
        model.origin.format = ModelFormat::Native;
        model.origin.parts = None;
        assert_eq!(again, model, "{name}");
        Expected::of(&name).assert_same(&again, &name);
        assert_eq!(write_native(&again).unwrap(), native, "{name}");
    }
}

const EACH: &[&str] = &[
    "elliptic_2_sk191.joblib",
    "mixture_tied3_sk191.joblib",
    "centres_scaled_sk191.joblib",
    "pca_plain_sk191.joblib",
    "svc_ties_sk191.joblib",
    "svr_poly_sk191.joblib",
    "mlp_three_sk191.joblib",
    "mlp_same_logistic_sk191.joblib",
];

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    for file in EACH {
        damage::native_changes_are_seen(file, &write_native(&load(file)).unwrap());
    }
}

#[test]
fn any_byte_behind_a_right_checksum_ends_well() {
    for file in EACH {
        damage::native_bytes_end_well(file, &write_native(&load(file)).unwrap());
    }
}

#[test]
fn other_formats_say_that_they_cannot_hold_them() {
    for file in EACH {
        let model = load(file);
        for error in [
            write_libsvm(&model),
            write_onnx(&model).map(|_| String::new()),
        ] {
            let error = error.unwrap_err();
            assert_eq!(error.reason(), "Unwritable");
        }
    }
}

/// A number of a model that is none, or infinite, makes no model.
#[test]
fn numbers_that_are_not_finite_are_refused() {
    for file in EACH {
        let model = load(file);
        let native = write_native(&model).unwrap();
        for number in numbers(&model.estimator) {
            let at = native
                .windows(8)
                .position(|bytes| bytes == number.to_le_bytes())
                .unwrap();
            for other in [f64::NAN, f64::INFINITY] {
                let mut changed = native.clone();
                changed[at..at + 8].copy_from_slice(&other.to_le_bytes());
                damage::seal(&mut changed);
                let error = read(&changed, ModelFormat::Native).unwrap_err().to_string();
                assert!(error.contains("finite"), "{file}: {error}");
            }
        }
    }
}

fn numbers(estimator: &Estimator) -> Vec<f64> {
    match estimator {
        Estimator::Elliptic(it) => vec![it.offset, it.centre[0], it.precision[3]],
        Estimator::Mixture(it) => vec![it.weights[0], it.means[4], it.factors[0]],
        Estimator::Centres(it) => vec![it.centres[0], it.centres[5]],
        Estimator::Reconstruction(it) => vec![it.mean[1], it.directions[2]],
        Estimator::Vectors(it) => vec![it.support_vectors[4], it.coefficients[1], it.intercepts[0]],
        Estimator::Perceptron(it) => {
            let dense = it.dense().last().unwrap().numbers();
            vec![dense.0[1], dense.1[0]]
        }
        _ => panic!("another family"),
    }
}
