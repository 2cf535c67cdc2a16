//! Bytes that nobody vouches for: reading ends with a model or an error, in little time and memory.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{
    Allowance, Model, ModelError, Verdicts, read, read_within, write_native,
};
use proptest::prelude::*;

use crate::common::damage::seal;
use crate::fixtures::{file, files, load};

/// A pickle that is not compressed, and the bytes of a node in it.
const PICKLE: &str = "share_d2_sk191.p4.pkl";
const NODE: usize = 64;

fn message(bytes: &[u8]) -> String {
    match read(bytes, ModelFormat::Auto) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    let mut windows = bytes.windows(part.len());
    windows.position(|window| window == part).unwrap()
}

/// Where the nodes of the first tree begin: the root's first child is 1, its second one of the others, its feature 0 or 1.
fn first_node(bytes: &[u8]) -> usize {
    let integer = |at: usize| i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let is_root = |&at: &usize| {
        integer(at) == 1 && (2..63).contains(&integer(at + 8)) && (0..2).contains(&integer(at + 16))
    };
    (0..bytes.len() - NODE).find(is_root).unwrap()
}

/// The pickle with a number of the first tree's root changed.
fn with_root(field: usize, number: [u8; 8]) -> Vec<u8> {
    let mut bytes = file(PICKLE);
    let at = first_node(&bytes) + 8 * field;
    bytes[at..at + 8].copy_from_slice(&number);
    bytes
}

#[test]
fn what_is_no_tree_is_refused() {
    let second = {
        let bytes = file(PICKLE);
        let at = first_node(&bytes) + 8;
        i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
    };
    for (field, number, part) in [
        (0, 0, "node 0 with the children 0 and 18"),
        (0, second, "makes no tree"),
        (0, 2, "where no path leads"),
        // The first that is none of the 31 nodes.
        (0, 31, "makes no tree"),
        (0, 1 << 20, "makes no tree"),
        (0, i64::MAX, "no positions"),
        (0, -7, "no positions"),
        (1, -1, "no positions"),
        (2, 2, "of feature 2"),
        (2, -2, "no positions"),
    ] {
        let found = message(&with_root(field, i64::to_le_bytes(number)));
        assert!(found.contains(part), "{field} {number}: {found}");
    }
    // The root a leaf: nothing leads to the others.
    let found = message(&with_root(0, (-1_i64).to_le_bytes()));
    assert!(found.contains("where no path leads"), "{found}");
    let found = message(&with_root(3, f64::NAN.to_le_bytes()));
    assert!(found.contains("threshold NaN"), "{found}");
    // Whatever lies beyond all readings parts none from the others.
    read(
        &with_root(3, f64::INFINITY.to_le_bytes()),
        ModelFormat::Auto,
    )
    .unwrap();
}

#[test]
fn types_and_sizes_that_lie_are_refused() {
    // Each the byte behind some others.
    for (before, byte, problem) in [
        (&b"V6"[..], b'3', "items of 63"),
        (b"node_count\x94K", 30, "by its `node_count`"),
        (b"left_child\x94\x8c\x0b", b'?', "no field `right_child`"),
        // `right_child` beyond its node, and of a type that is a name.
        (b"h\x59h\x64K", 57, "no number within its items"),
        (b"h\x59h", 0x58, "no number within its items"),
    ] {
        let mut bytes = file(PICKLE);
        let at = position(&bytes, before) + before.len();
        bytes[at] = byte;
        let found = message(&bytes);
        assert!(found.contains(problem), "{found}");
    }
}

/// What a file says of the number of features takes no memory; a run whose columns are others refuses the model.
#[test]
fn as_many_features_as_can_be_named_take_no_memory() {
    let mut bytes = file(PICKLE);
    let name = b"n_features_in_\x94";
    let at = position(&bytes, name) + name.len();
    assert_eq!(bytes[at..at + 2], *b"K\x02");
    let many = i32::MAX.to_le_bytes();
    bytes.splice(at..at + 2, [&b"J"[..], &many].concat());
    let little = Allowance {
        memory: 4 << 20,
        ..Allowance::default()
    };
    let model = read_within(&bytes, ModelFormat::Auto, little).unwrap();
    assert_eq!(model.features, 0x7fff_ffff);
    assert!(write_native(&model).is_err());
}

/// A tree that is a chain, as long as a file can hold one: a walk along it would take a million steps a reading.
#[test]
fn a_chain_is_no_tree_of_isolation() {
    let model = load("flat_d1_sk191.zlib.joblib");
    let native = write_native(&model).unwrap();
    let leaf = [&u16::MAX.to_le_bytes()[..], &0_u32.to_le_bytes()].concat();
    let inner = [&0_u16.to_le_bytes()[..], &1_f32.to_le_bytes()].concat();
    let nodes = 1_000_001_usize;
    // Three trees of one leaf each; the first becomes the chain.
    let at = native.len() - 4 - text_bytes(&native) - 3 * (leaf.len() + 4);
    let mut chain = native[..at].to_vec();
    chain.extend(u32::try_from(nodes).unwrap().to_le_bytes());
    chain.extend(&native[at + 4..at + 12]);
    chain.extend([inner, leaf.clone()].concat().repeat(nodes / 2));
    chain.extend(&leaf);
    chain.extend(&native[at + 12 + leaf.len()..]);
    seal(&mut chain);
    let found = message(&chain);
    assert!(found.contains("500000 steps deep"), "{found}");
}

fn text_bytes(native: &[u8]) -> usize {
    let at = 8 + 2 + 1 + 1 + 4 * 4;
    let bytes = u32::from_le_bytes(native[at..at + 4].try_into().unwrap());
    usize::try_from(bytes).unwrap()
}

#[test]
fn cut_pickles_are_refused() {
    for name in [
        PICKLE,
        "share_d2_sk191.joblib",
        "share_d2_sk0204_py2.p2.pkl",
    ] {
        let bytes = file(name);
        for cut in 0..bytes.len() {
            let outcome = read(&bytes[..cut], ModelFormat::Auto);
            assert!(outcome.is_err(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn memory_and_patience_are_bounded() {
    for (name, bytes) in files() {
        let little = Allowance {
            memory: 8 << 10,
            ..Allowance::default()
        };
        let error = read_within(&bytes, ModelFormat::Auto, little).unwrap_err();
        assert!(
            matches!(error, ModelError::TooMuchMemory { .. }),
            "{name}: {error}"
        );
        let stopped = Allowance {
            stopped: &|| true,
            ..Allowance::default()
        };
        let error = read_within(&bytes, ModelFormat::Auto, stopped).unwrap_err();
        assert_eq!(error, ModelError::Stopped, "{name}");
    }
}

fn score(model: &Model) {
    for number in [0.5, -1e300, 1e300, f64::MIN_POSITIVE] {
        let mut verdicts = Verdicts::default();
        model.score(&vec![number; model.features], &mut verdicts);
        assert_eq!(verdicts.len(), 1);
    }
}

/// A fixture or its native form, with some bytes changed, put in or taken out.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for (_, bytes) in files() {
        let model = read(&bytes, ModelFormat::Auto).unwrap();
        all.extend([write_native(&model).unwrap(), bytes]);
    }
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    let changes = prop::collection::vec(change, 1..6);
    (prop::sample::select(all), changes).prop_map(|(mut bytes, changes)| {
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes.insert(at, byte),
                1 => drop(bytes.remove(at)),
                _ => bytes[at] = byte,
            }
        }
        // Behind the checksum, too.
        if bytes.starts_with(b"\x89FSM") {
            seal(&mut bytes);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn damaged_files_are_harmless(bytes in damaged()) {
        if let Ok(model) = read(&bytes, ModelFormat::Auto) {
            // A file may name any number of features; readings of so many are for no run, and there is no memory for them here.
            if model.features <= 1 << 20 {
                score(&model);
            }
        }
    }
}
