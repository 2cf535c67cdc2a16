//! Fleetscore's own format holds all of every family.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{read, write_libsvm, write_native, write_onnx};

use crate::common::damage;
use crate::fixtures::{Expected, files, load};

#[test]
fn every_fixture_says_the_same_from_it() {
    for (name, bytes) in files() {
        let mut model = read(&bytes, ModelFormat::Auto).unwrap();
        let native = write_native(&model).unwrap();
        let again = read(&native, ModelFormat::Auto).unwrap();
        model.origin.format = ModelFormat::Native;
        assert_eq!(again, model, "{name}");
        Expected::of(&name).assert_same(&again, &name);
        assert_eq!(write_native(&again).unwrap(), native, "{name}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    for file in ["tree_three_sk191.joblib", "svc_three_sk191.joblib"] {
        damage::native_changes_are_seen(file, &write_native(&load(file)).unwrap());
    }
}

#[test]
fn any_byte_behind_a_right_checksum_ends_well() {
    for file in [
        "forest_three_sk191.joblib",
        "boost_three_sk191.joblib",
        "hist_two_sk191.joblib",
        "logistic_two_sk191.joblib",
    ] {
        damage::native_bytes_end_well(file, &write_native(&load(file)).unwrap());
    }
}

#[test]
fn other_formats_say_that_they_cannot_hold_them() {
    for file in ["forest_value_sk191.joblib", "linear_value_sk191.joblib"] {
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
