//! Bytes that nobody vouches for: every reader ends with a model or an error, in little time and memory.

use std::time::Instant;

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{
    Allowance, Model, ModelError, Verdicts, read, read_within, write_native,
};
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
    let mut verdicts = Verdicts::default();
    model.score(&vec![0.5; model.features], &mut verdicts);
    assert_eq!(verdicts.len(), 1);
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
    let natives: Vec<Vec<u8>> = natives
        .filter_map(|model| write_native(&model).ok())
        .take(8)
        .collect();
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
        prop::sample::select(
            b"()]}0 12NRbdtlaeus\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94".to_vec()
        )
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
    "builtins\nslice",
    "sklearn.compose._column_transformer\nColumnTransformer",
    "datetime\ndatetime",
    "sklearn.impute._base\nSimpleImputer",
    "sklearn.ensemble._iforest\nIsolationForest",
    "sklearn.tree._classes\nExtraTreeRegressor",
    "sklearn.tree._tree\nTree",
    "sklearn.preprocessing._label\nLabelEncoder",
    "pandas.core.indexes.base\n_new_Index",
    "pandas.arrays\nArrowStringArray",
    "pyarrow.lib\n_restore_array",
    "pyarrow.lib\npy_buffer",
    "pyarrow.lib\ntype_for_alias",
];

const WORDS: &[&str] = &[
    "f8",
    "O",
    "<",
    ">",
    "C",
    "F",
    "latin1",
    "shape",
    "dtype",
    "order",
    "steps",
    "kernel",
    "rbf",
    "V64",
    "nodes",
    "tree_",
    "estimators_",
    "transformers_",
    "classes_",
    "data",
    "_pa_array",
    "large_string",
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

/// A pickle's bytes: protocol 4, pieces, STOP.
fn pickle(pieces: &[&[u8]]) -> Vec<u8> {
    [b"\x80\x04", pieces.concat().as_slice(), b"."].concat()
}

/// Bytes (`B`) or a text (`X`) of some size, kept as memo 0.
fn huge(opcode: &[u8], size: usize) -> Vec<u8> {
    let length = u32::try_from(size).unwrap().to_le_bytes();
    [opcode, &length, &vec![b'k'; size], b"q\x000"].concat()
}

/// What is read again and again must be short, or every reading of it would take long: hours for these without bounds.
#[test]
fn one_huge_text_is_not_read_again_and_again() {
    const SIZE: usize = 8 << 20;
    let (huge, text) = (huge(b"B", SIZE), huge(b"X", SIZE));
    let svm = b"csklearn.svm._classes\nOneClassSVM\n)\x81}(";
    let wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\nq\x01)\x81";
    let keys = b"h\x00N".repeat(300_000);
    let many = |piece: &[u8]| piece.repeat(200_000);
    let files = [
        // A dict, an estimator and a joblib array whose attributes have it as their names.
        pickle(&[&huge, b"}(", &keys, b"u"]),
        pickle(&[&huge, svm, &keys, b"ub"]),
        pickle(&[&huge, b"}q\x02(", &keys, b"u0", wrapper, b"h\x02b"]),
        pickle(&[
            &huge,
            b"}q\x02(",
            &b"h\x00N".repeat(100_000),
            b"u0",
            &wrapper[..],
            &b"h\x02b0h\x01)\x81".repeat(100_000),
        ]),
        // A module's and a class's name, a dtype's name, its byte order, an order of axes.
        pickle(&[&huge, &many(b"h\x00h\x00\x930")]),
        pickle(&[&huge, b"cnumpy\ndtype\nq\x010", &many(b"h\x01h\x00\x85R0")]),
        pickle(&[
            &huge,
            b"cnumpy\ndtype\nX\x02\0\0\0f8\x85Rq\x010",
            &many(b"h\x01Nh\x00\x86b0"),
        ]),
        // Encoded, and as a number of numpy's.
        pickle(&[
            &text,
            b"c_codecs\nencode\nq\x010",
            &many(b"h\x01h\x00h\x00\x86R0"),
        ]),
        // A set and a tuple of it, and a call of an unknown function with a long tuple.
        pickle(&[&huge, b"\x8f(", &b"h\x00".repeat(300_000), b"\x90"]),
        pickle(&[
            &huge,
            b"(",
            &b"h\x00".repeat(300_000),
            b"tq\x010cposix\nsystem\nq\x020",
            &b"h\x02h\x01R0".repeat(100_000),
        ]),
        // Names of features that are one and the same, in a dict beside a model and in a model.
        pickle(&[
            &huge,
            b"}(X\x08\0\0\0features](",
            &b"h\x00".repeat(300_000),
            b"eu",
        ]),
        // An index of pandas whose state is long.
        pickle(&[
            b"}q\x00(",
            &b"X\x01\0\0\0kN".repeat(200_000),
            b"u0cpandas.core.indexes.base\n_new_Index\nq\x010Nh\x00\x86q\x020",
            &b"h\x01h\x02R0".repeat(100_000),
        ]),
    ];
    for (at, bytes) in files.iter().enumerate() {
        let start = Instant::now();
        assert!(read(bytes, ModelFormat::Auto).is_err(), "file {at}");
        let took = start.elapsed();
        assert!(took.as_secs() < 60, "file {at}: {took:?}");
    }
}

/// An array of pyarrow's texts whose bytes the file has once: each call would copy them.
#[test]
fn texts_of_pyarrow_are_not_copied_again_and_again() {
    const SIZE: usize = 8 << 20;
    let bytes = pickle(&[
        &huge(b"B", SIZE),
        b"cpyarrow.lib\n_restore_array\nq\x010(X\x06\0\0\0stringK\x02K\x00K\x00](NC\x0c",
        &[0_u32, 1 << 22, 1 << 23].map(u32::to_le_bytes).concat(),
        b"h\x00e]Nt\x85q\x020",
        &b"h\x01h\x02R0".repeat(10),
    ]);
    let message = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
    assert!(
        message.contains("the same texts are read again"),
        "{message}"
    );
}

/// Numbers of the memo start at 1 in files of Python 2, and none is far beyond what was numbered.
#[test]
fn the_memo_is_as_long_as_what_it_keeps() {
    let none = |bytes: &[u8]| read(bytes, ModelFormat::Auto).unwrap_err().to_string();
    let from_one = none(&pickle(&[b"]q\x01h\x01\x86"]));
    assert!(!from_one.contains("memo"), "{from_one}");
    let unset = none(&pickle(&[b"]q\x01h\x00\x86"]));
    assert!(unset.contains("memo 0 was never set"), "{unset}");
    let far = none(&pickle(&[b"]r\xff\xff\xff\xff"]));
    assert!(far.contains("memo 4294967295"), "{far}");
}

/// Pipelines of pipelines that share their steps: 64 to the power of 8 steps, were each looked at.
#[test]
fn pipelines_that_share_steps_end() {
    let mut bytes = b"\x80\x02csklearn.pipeline\nPipeline\nq\x00N".to_vec();
    for _ in 0..8 {
        // The last pipeline, or None, is on top of the stack: kept as memo 1, then a step of the next, 64 times.
        bytes.extend(b"q\x010h\x00)\x81}(X\x05\x00\x00\x00steps](");
        bytes.extend(b"X\x01\x00\x00\x00ah\x01\x86".repeat(64));
        bytes.extend(b"eub");
    }
    bytes.push(b'.');
    let start = Instant::now();
    let message = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
    assert!(message.contains("pipeline exceeds the limit"), "{message}");
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

/// An ONNX operator with many inputs, each the same large constant.
#[test]
fn one_constant_of_a_graph_is_not_decoded_again_and_again() {
    let field = |tag: u8, content: &[u8]| {
        let mut bytes = vec![tag << 3 | 2];
        let mut length = content.len();
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend(content);
        bytes
    };
    let raw = field(9, &vec![0; 32 << 20]);
    let tensor = [&[0x10, 1][..], &field(8, b"c"), &raw].concat();
    let inputs = field(1, b"c").repeat(50_000);
    let node = [inputs, field(2, b"y"), field(4, b"SVMRegressor")].concat();
    let graph = [field(1, &node), field(5, &tensor)].concat();
    let bytes = [&[0x08, 8][..], &field(7, &graph)].concat();
    let start = Instant::now();
    let message = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
    assert!(
        message.contains("SVMRegressor has not one input"),
        "{message}"
    );
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

/// Small files that want much memory: refused with the number, whatever the format.
#[test]
fn small_files_do_not_take_much_memory() {
    const ALLOWED: usize = 4 << 20;
    let read = |bytes: &[u8]| {
        let allowance = Allowance {
            memory: ALLOWED,
            ..Allowance::default()
        };
        read_within(bytes, ModelFormat::Auto, allowance)
    };
    let files = [
        pickle(&[&b"]q\x00".repeat(100_000)]),
        pickle(&[b"(", &b"N".repeat(500_000), b"t"]),
        pickle(&[&b"(".repeat(500_000)]),
        // 2 bytes a support vector, which takes 40.
        [
            &b"svm_type one_class\nkernel_type linear\nrho 1\nSV\n"[..],
            &b"1\n".repeat(200_000),
        ]
        .concat(),
        // One support vector with one number, in 400,000 dimensions.
        b"svm_type one_class\nkernel_type linear\nrho 1\nSV\n1 4000000:1\n".to_vec(),
    ];
    for (at, bytes) in files.iter().enumerate() {
        let Err(ModelError::TooMuchMemory { needed, allowed }) = read(bytes) else {
            panic!("file {at}: {:?}", read(bytes).map(|model| model.features))
        };
        assert_eq!(allowed, ALLOWED);
        assert!(needed > allowed, "file {at}: {needed}");
    }
    let fixture = std::fs::read(folder().join("formats_rbf_d3_sk191.p5.pkl")).unwrap();
    read(&fixture).unwrap();
}

/// What a decompressor holds does not grow with the pickle: whoever asks for more after a refusal asks for little.
#[test]
fn what_a_compressed_file_needs_is_told_as_it_is() {
    for kind in ["bz2", "lzma", "xz"] {
        let name = format!("formats_rbf_d3_sk191.{kind}.joblib");
        let bytes = std::fs::read(folder().join(&name)).unwrap();
        let needed = |memory| {
            let allowance = Allowance {
                memory,
                ..Allowance::default()
            };
            match read_within(&bytes, ModelFormat::Auto, allowance) {
                Ok(_) => None,
                Err(ModelError::TooMuchMemory { needed, .. }) => Some(needed),
                Err(error) => panic!("{name}: {error}"),
            }
        };
        let first = needed(0).unwrap();
        let (mut memory, mut refusals) = (first, 0);
        while let Some(needed) = needed(memory) {
            assert!(
                needed < first + (1 << 20),
                "{name} within {memory}: {needed}"
            );
            memory += 1 << 10;
            refusals += 1;
        }
        assert!(refusals > 10, "{name}: {refusals}");
    }
}

#[test]
fn reading_ends_when_it_is_stopped() {
    let stopped = Allowance {
        stopped: &|| true,
        ..Allowance::default()
    };
    for path in models() {
        let bytes = std::fs::read(&path).unwrap();
        let outcome = read_within(&bytes, ModelFormat::Auto, stopped);
        assert_eq!(
            outcome.unwrap_err(),
            ModelError::Stopped,
            "{}",
            path.display()
        );
    }
}
