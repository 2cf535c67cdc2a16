//! Fleetscore's own format holds all of every family.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{read, write_libsvm, write_native, write_onnx};

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
        let native = write_native(&load(file)).unwrap();
        for at in (0..100).chain((100..native.len()).step_by(31)) {
            let cut = read(&native[..at], ModelFormat::Native);
            assert!(cut.is_err(), "{file} cut at {at}");
            for bit in [0, 7] {
                let mut flipped = native.clone();
                flipped[at] ^= 1 << bit;
                let read = read(&flipped, ModelFormat::Native);
                assert!(read.is_err(), "{file}: bit {bit} of byte {at}");
            }
        }
    }
}

/// Whatever bytes have the right checksum: a refusal, or a model that says the same again.
#[test]
fn any_byte_behind_a_right_checksum_ends_well() {
    for file in [
        "forest_three_sk191.joblib",
        "boost_three_sk191.joblib",
        "hist_two_sk191.joblib",
        "logistic_two_sk191.joblib",
    ] {
        let native = write_native(&load(file)).unwrap();
        for at in (8..native.len().min(200)).chain((200..native.len()).step_by(197)) {
            for byte in [0, 1, 255] {
                let mut changed = native.clone();
                changed[at] = byte;
                changed.truncate(native.len() - 4);
                changed.extend(crc32fast::hash(&changed).to_le_bytes());
                let Ok(model) = read(&changed, ModelFormat::Native) else {
                    continue;
                };
                if model.features > 100 {
                    continue;
                }
                let mut verdicts = fleetscore_scorer::models::Verdicts::default();
                model.score(&vec![0.5; model.features * 3], &mut verdicts);
                assert_eq!(verdicts.len(), 3, "{file}: {byte} at {at}");
            }
        }
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
