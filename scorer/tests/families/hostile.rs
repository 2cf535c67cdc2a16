//! Bytes that nobody vouches for: reading ends with a model or an error, in little time and memory.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{read, write_native};
use proptest::prelude::*;

use crate::common::{damage, said};
use crate::fixtures::{file, load};

fn position(bytes: &[u8], part: &[u8]) -> usize {
    let mut windows = bytes.windows(part.len());
    windows.position(|window| window == part).unwrap()
}

/// Pickles that are not compressed.
const PICKLES: [&str; 7] = [
    "forest_three_sk191.pkl",
    "boost_three_sk191.pkl",
    "hist_three_sk191.pkl",
    "linear_value_sk191.pkl",
    "logistic_two_sk191.pkl",
    "ridge_three_sk191.pkl",
    "sgd_one_class_sk191.pkl",
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

/// A `RidgeClassifier` of several labels at once has the weights of as many classes.
#[test]
fn several_labels_at_once_are_refused() {
    let mut bytes = file("ridge_three_sk191.pkl");
    let at = position(&bytes, b"multiclass");
    bytes[at..at + 10].copy_from_slice(b"multilabel");
    let error = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
    assert!(error.contains("several targets at once"), "{error}");
}

/// What the file says of itself and does not hold.
#[test]
fn what_does_not_fit_is_refused() {
    let mut bytes = file("forest_three_sk191.pkl");
    // The second of three classes becomes the first.
    let wide: Vec<u8> = "cold"
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    let ok: Vec<u8> = "ok\0\0"
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    let (from, to) = (position(&bytes, &ok), wide.len());
    bytes[from..from + to].copy_from_slice(&wide);
    let error = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
    assert!(
        error.contains("two of its classes have the same label"),
        "{error}"
    );
}

#[test]
fn a_row_without_a_number_has_no_score() {
    for name in [
        "forest_two_sk191.joblib",
        "hist_value_sk191.joblib",
        "boost_three_sk191.joblib",
        "linear_value_sk191.joblib",
    ] {
        damage::a_row_without_a_number_has_no_score(name, &load(name));
    }
}

/// Of each family a file in each format, and the same in the native one, which is checked by a checksum that is right again.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let pickles = PICKLES.map(file).to_vec();
    let others = ["forest_two_sk191.skops", "logistic_two_sk191.joblib"].map(file);
    let natives = PICKLES.map(|name| write_native(&load(name)).unwrap());
    let files = [pickles, others.to_vec(), natives.to_vec()].concat();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    let changes = prop::collection::vec(change, 0..6);
    let cut = prop::option::of(any::<prop::sample::Index>());
    let changed = |(mut bytes, changes, cut): (Vec<u8>, Vec<(prop::sample::Index, u8, u8)>, _)| {
        let is_native = bytes.starts_with(b"\x89FSM");
        if is_native {
            bytes.truncate(bytes.len() - 4);
        }
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes.insert(at, byte),
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes[at] = byte,
            }
        }
        let cut: Option<prop::sample::Index> = cut;
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if is_native {
            bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        }
        bytes
    };
    (prop::sample::select(files), changes, cut).prop_map(changed)
}

proptest! {
    #[test]
    fn damaged_files_are_harmless(bytes in damaged()) {
        for format in [ModelFormat::Auto, ModelFormat::Sklearn, ModelFormat::Native] {
            if let Ok(model) = read(&bytes, format) && model.features < 100_000 {
                prop_assert_eq!(said(&model, &vec![0.5; model.features]).len(), 1);
            }
        }
    }
}
