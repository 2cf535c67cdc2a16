//! Bytes that nobody vouches for: reading ends with a model or an error, in little time and memory.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Allowance, Model, ModelError, read, read_within};

use super::said;

/// Rows that are scored with a changed model.
const ROWS: usize = 3;
/// Features of a changed model that are still scored.
const FEATURES: usize = 100;

/// Whatever a byte of a pickle is changed to: an error, or a model that scores.
pub fn pickle_bytes_end_well(name: &str, bytes: &[u8]) {
    let step = (bytes.len() / 300).max(1);
    for at in (2..bytes.len()).step_by(step) {
        for byte in [0, b'.', 255] {
            let mut changed = bytes.to_vec();
            changed[at] = byte;
            ends_well(
                &changed,
                ModelFormat::Sklearn,
                &format!("{name}: {byte} at {at}"),
            );
        }
    }
}

/// A pickle that ends early is refused.
pub fn pickle_cuts_are_seen(name: &str, bytes: &[u8]) {
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let cut = read(&bytes[..at], ModelFormat::Sklearn);
        assert!(cut.is_err(), "{name} cut at {at}");
    }
}

/// Less memory than the model takes is an error.
pub fn memory_is_bounded(name: &str, bytes: &[u8]) {
    let allowance = Allowance {
        memory: 2000,
        ..Allowance::default()
    };
    let error = read_within(bytes, ModelFormat::Auto, allowance).unwrap_err();
    assert!(
        matches!(error, ModelError::TooMuchMemory { .. }),
        "{name}: {error}"
    );
}

/// A native file tells by its checksum that a bit is another one, or that it ends early.
pub fn native_changes_are_seen(name: &str, native: &[u8]) {
    for at in (0..100).chain((100..native.len()).step_by(31)) {
        let cut = read(&native[..at], ModelFormat::Native);
        assert!(cut.is_err(), "{name} cut at {at}");
        for bit in [0, 7] {
            let mut flipped = native.to_vec();
            flipped[at] ^= 1 << bit;
            let read = read(&flipped, ModelFormat::Native);
            assert!(read.is_err(), "{name}: bit {bit} of byte {at}");
        }
    }
}

/// Whatever bytes of a native file have the right checksum: an error, or a model that scores.
pub fn native_bytes_end_well(name: &str, native: &[u8]) {
    for at in (8..native.len().min(300)).chain((300..native.len()).step_by(97)) {
        for byte in [0, 1, 2, 127, 255] {
            let mut changed = native.to_vec();
            changed[at] = byte;
            seal(&mut changed);
            ends_well(
                &changed,
                ModelFormat::Native,
                &format!("{name}: {byte} at {at}"),
            );
        }
    }
}

/// Sets the checksum at the end of a native file right.
pub fn seal(native: &mut Vec<u8>) {
    native.truncate(native.len() - 4);
    let checksum = crc32fast::hash(native);
    native.extend(checksum.to_le_bytes());
}

/// Of two rows the one with a number that is none has no score.
pub fn a_row_without_a_number_has_no_score(name: &str, model: &Model) {
    let mut rows = vec![20.0; model.features * 2];
    rows[0] = f64::NAN;
    let verdicts = said(model, &rows);
    let scores = verdicts.scores();
    assert!(scores[0].is_nan() && scores[1].is_finite(), "{name}");
}

fn ends_well(bytes: &[u8], format: ModelFormat, what: &str) {
    let Ok(model) = read(bytes, format) else {
        return;
    };
    if model.features <= FEATURES {
        let rows = vec![0.5; model.features * ROWS];
        assert_eq!(said(&model, &rows).len(), ROWS, "{what}");
    }
}
