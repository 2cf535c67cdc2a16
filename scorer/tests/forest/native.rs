//! Fleetscore's own format holds all of a forest.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Origin, read, write_libsvm, write_native, write_onnx};

use crate::common::damage::seal;
use crate::fixtures::{Expected, files, forest, load};

#[test]
fn every_fixture_scores_the_same_from_it() {
    for (name, bytes) in files() {
        let mut model = read(&bytes, ModelFormat::Auto).unwrap();
        let native = write_native(&model).unwrap();
        let again = read(&native, ModelFormat::Auto).unwrap();
        model.origin.format = ModelFormat::Native;
        model.origin.parts = None;
        assert_eq!(again, model, "{name}");
        Expected::of(&name).assert_same(&again, &name);
        assert_eq!(write_native(&again).unwrap(), native, "{name}");
    }
}

#[test]
fn it_is_a_fifth_of_the_pickle() {
    let pickle = crate::fixtures::file("auto_d1_sk191.p2.pkl").len();
    let native = write_native(&load("auto_d1_sk191.p2.pkl")).unwrap().len();
    assert!(native * 5 < pickle, "{native} of {pickle}");
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    let native = write_native(&load("sample_d1_sk191.zlib.joblib")).unwrap();
    for at in 0..native.len() {
        assert!(
            read(&native[..at], ModelFormat::Native).is_err(),
            "cut at {at}"
        );
        for bit in 0..8 {
            let mut flipped = native.clone();
            flipped[at] ^= 1 << bit;
            assert!(
                read(&flipped, ModelFormat::Native).is_err(),
                "bit {bit} of byte {at}"
            );
        }
    }
}

/// What a newer program may write must be refused by name.
#[test]
fn another_family_or_version_is_refused() {
    let native = write_native(&load("flat_d1_sk191.zlib.joblib")).unwrap();
    for (at, byte, part) in [(8, 3, "version 3"), (10, 99, "family 99")] {
        let mut other = native.clone();
        other[at] = byte;
        seal(&mut other);
        let message = read(&other, ModelFormat::Auto).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn other_formats_say_that_they_cannot_hold_it() {
    let model = load("share_d2_sk191.joblib");
    for error in [
        write_libsvm(&model).unwrap_err(),
        write_onnx(&model).unwrap_err(),
    ] {
        assert_eq!(error.reason(), "Unwritable");
        assert!(error.to_string().contains("OneClassSVM"), "{error}");
    }
    let mut wide = model.clone();
    wide.origin = Origin::new(ModelFormat::Sklearn);
    assert_eq!(forest(&wide).features, 2);
}
