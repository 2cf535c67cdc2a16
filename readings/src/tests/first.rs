//! Objects whose first bytes are there before they are read.

use bytes::Bytes;

use crate::testing::{fixture_bytes, keyed, object, outcome, request};

/// What is read does not depend on how much of the object was there, and nothing is asked of storage where all of it was.
#[test]
fn first_bytes_change_nothing() {
    let request = keyed(
        request("TS", &["Value"]),
        &[("device", "Device"), ("tag", "Tag")],
        &[&["1", "tag0"], &["2", "tag1"]],
    );
    for name in ["pandas.csv", "pandas.csv.gz", "pandas.parquet"] {
        let bytes = Bytes::from(fixture_bytes(name));
        let expected = outcome(&object(name, bytes.clone()), &request).unwrap();
        assert!(expected.stats.rows > 0, "{name}");
        for first in [1, 100, bytes.len() / 2, bytes.len()] {
            let whole = object(name, bytes.clone());
            let begun = whole.with_first(bytes.slice(..first));
            assert_eq!(begun.is_here(), first == bytes.len());
            let read = outcome(&begun, &request).unwrap();
            assert_eq!(read.rows, expected.rows, "{name}, {first} bytes");
        }
        // There is nothing else at this object.
        let empty = object(name, "");
        let mut here = empty.with_first(bytes.clone());
        here.meta.size = bytes.len() as u64;
        assert_eq!(outcome(&here, &request).unwrap().rows, expected.rows);
    }
}
