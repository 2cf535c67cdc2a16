//! Bytes that nobody vouches for: every reader ends with a model or an error, in little time and memory.

use std::time::Instant;

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Model, read, write_native};
use proptest::prelude::*;

use crate::fixtures::{folder, models};

const FORMATS: [ModelFormat; 6] = [
    ModelFormat::Auto,
    ModelFormat::Sklearn,
    ModelFormat::Skops,
    ModelFormat::Onnx,
    ModelFormat::Libsvm,
    ModelFormat::Native,
];

/// Reads in every format; what reads well must also score.
fn read_all(bytes: &[u8]) {
    for format in FORMATS {
        if let Ok(model) = read(bytes, format) {
            score(&model);
        }
    }
}

fn score(model: &Model) {
    let mut scores = [0.0];
    model.decisions(&vec![0.5; model.features], &mut scores);
}

/// A fixture, with the place of each change and what is put there.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<Vec<u8>> = models()
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let natives = files
        .iter()
        .filter_map(|bytes| read(bytes, ModelFormat::Auto).ok());
    let natives: Vec<Vec<u8>> = natives.map(|model| write_native(&model)).take(8).collect();
    let files: Vec<Vec<u8>> = files.into_iter().chain(natives).collect();
    let change = (any::<prop::sample::Index>(), interesting_byte(), 0..4_u8);
    (
        prop::sample::select(files),
        prop::collection::vec(change, 0..6),
        prop::option::of(any::<prop::sample::Index>()),
    )
        .prop_map(|(mut bytes, changes, cut)| {
            for (at, byte, kind) in changes {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes.insert(at, byte),
                    1 if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => bytes[at] = byte,
                }
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        })
}

fn interesting_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        any::<u8>(),
        prop::sample::select(b"\x00\x7f\x80\xff()[]}{RbtueahjKqs0123456789.:\n ".to_vec())
    ]
}

/// Programs of valid opcodes in any order reach deeper than bytes at random.
fn program() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(b"()]}0 12NRbdtlaeus\x81\x85\x86\x87\x88\x89\x93\x94".to_vec())
            .prop_map(|op| vec![op]),
        any::<u8>().prop_map(|n| vec![b'K', n]),
        (0..12_u8).prop_map(|n| vec![b'h', n]),
        (0..12_u8).prop_map(|n| vec![b'q', n]),
        any::<i32>().prop_map(|n| [&b"J"[..], &n.to_le_bytes()].concat()),
        any::<i64>().prop_map(|n| [&b"\x8a\x08"[..], &n.to_le_bytes()].concat()),
        prop::sample::select(GLOBALS.to_vec()).prop_map(|name| format!("c{name}\n").into_bytes()),
        prop::sample::select(WORDS.to_vec()).prop_map(text),
        prop::collection::vec(any::<u8>(), 0..24)
            .prop_map(|b| [&[b'C', length(&b)], b.as_slice()].concat()),
    ];
    prop::collection::vec(piece, 0..60)
        .prop_map(|pieces| [&b"\x80\x04"[..], &pieces.concat(), b"."].concat())
}

/// A length as one byte.
fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap()
}

fn text(word: &str) -> Vec<u8> {
    [&[0x8c, length(word.as_bytes())], word.as_bytes()].concat()
}

const GLOBALS: &[&str] = &[
    "sklearn.pipeline\nPipeline",
    "sklearn.svm._classes\nOneClassSVM",
    "sklearn.preprocessing._data\nStandardScaler",
    "numpy\nndarray",
    "numpy\ndtype",
    "numpy.core.multiarray\n_reconstruct",
    "numpy.core.multiarray\nscalar",
    "numpy.core.numeric\n_frombuffer",
    "joblib.numpy_pickle\nNumpyArrayWrapper",
    "_codecs\nencode",
    "builtins\nbytes",
];

const WORDS: &[&str] = &[
    "f8", "O", "<", ">", "C", "F", "latin1", "shape", "dtype", "order", "steps", "kernel", "rbf",
];

proptest! {
    #[test]
    fn arbitrary_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn damaged_files_are_harmless(bytes in mutated()) {
        read_all(&bytes);
    }

    #[test]
    fn pickle_programs_are_harmless(bytes in program()) {
        read_all(&bytes);
    }

    #[test]
    fn text_is_harmless(text in "svm_type one_class\n(kernel_type (rbf|linear)\n|gamma [0-9e.-]{1,9}\n|rho 1\n|total_sv 2\n){0,6}SV\n([0-9.e-]{1,5}( [0-9]{1,3}:[0-9.]{1,3}){0,4}\n){0,4}") {
        read_all(text.as_bytes());
    }
}

/// Cut anywhere, no format yields a model, but for libsvm's text, whose last number may lose digits.
#[test]
fn cut_files_are_refused() {
    for file in [
        "p2.pkl",
        "p5.pkl",
        "joblib",
        "zlib.joblib",
        "gzip.joblib",
        "bz2.joblib",
        "xz.joblib",
        "lzma.joblib",
        "lz4.joblib",
    ] {
        let bytes = std::fs::read(folder().join(format!("formats_rbf_d3_sk191.{file}"))).unwrap();
        let end = if file == "lz4.joblib" || file == "gzip.joblib" {
            bytes.len() * 9 / 10
        } else {
            bytes.len()
        };
        for cut in 0..end {
            let Ok(model) = read(&bytes[..cut], ModelFormat::Auto) else {
                continue;
            };
            // A compressed stream may be whole before its own checksum; then the model is too.
            assert_eq!(
                model,
                read(&bytes, ModelFormat::Auto).unwrap(),
                "{file} cut at {cut}"
            );
        }
    }
}

/// Lengths that the file does not have must be refused at once, not allocated.
#[test]
fn claimed_lengths_are_not_believed() {
    let huge = u64::MAX >> 2;
    let mut files = vec![
        [&b"\x80\x05\x96"[..], &huge.to_le_bytes(), b"."].concat(),
        [&b"\x80\x05\x8e"[..], &huge.to_le_bytes(), b"."].concat(),
        [&b"\x80\x05\x8d"[..], &huge.to_le_bytes(), b"."].concat(),
        b"\x80\x02X\xff\xff\xff\x7f.".to_vec(),
        b"\x80\x02\x8b\xff\xff\xff\x7f.".to_vec(),
        b"\x80\x02r\xff\xff\xff\xff.".to_vec(),
        b"svm_type one_class\nkernel_type linear\nrho 1\ntotal_sv 9999999999\nSV\n1 1:1\n".to_vec(),
        b"svm_type one_class\nkernel_type linear\nrho 1\nSV\n1 18446744073709551615:1\n".to_vec(),
        b"svm_type one_class\nkernel_type linear\nrho 1\nSV\n1 4000000000:1\n".to_vec(),
        b"\x5d\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00".to_vec(),
    ];
    // An xz block that asks for a dictionary of 4 GiB.
    let mut xz = std::fs::read(folder().join("formats_rbf_d3_sk191.xz.joblib")).unwrap();
    assert_eq!(xz[14..16], [0x21, 1], "the block's filter is LZMA2");
    xz[16] = 40;
    files.push(xz);
    let start = Instant::now();
    for bytes in &files {
        assert!(
            read(bytes, ModelFormat::Auto).is_err(),
            "{}",
            bytes.escape_ascii()
        );
    }
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

/// A pickle that repeats a cheap operation for as long as the file lasts.
#[test]
fn endless_programs_end() {
    for piece in [
        &b"("[..],
        b"N",
        b"]",
        b")",
        b"}",
        b"N0",
        b"]q\x00",
        b"(t",
        b"]\x94",
    ] {
        let bytes = [
            &b"\x80\x04"[..],
            &piece.repeat(3_000_000 / piece.len()),
            b".",
        ]
        .concat();
        let message = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
        assert!(message.contains("1000000 operations"), "{message}");
    }
}

/// Pipelines that contain themselves, several times over.
#[test]
fn cycles_end() {
    let inside = b"csklearn.pipeline\nPipeline\n)\x81q\x00}q\x01(X\x05\x00\x00\x00steps](";
    let step = b"X\x01\x00\x00\x00ah\x00\x86".repeat(200);
    let bytes = [&b"\x80\x02"[..], inside, &step, b"eub."].concat();
    let message = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
    assert!(message.contains("pipeline exceeds the limit"), "{message}");
}
