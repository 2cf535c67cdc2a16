use std::sync::Arc;

use proptest::prelude::*;

use super::row_groups::POOL;
use crate::ReadRequest;
use crate::testing::{fixture_bytes, keyed, object, outcome, request};
use fleetscore_crds::FailureReason;

fn types() -> ReadRequest {
    keyed(
        request("ms_utc", &["f64", "decimal", "i32"]),
        &[("device", "Device"), ("tag", "Tag")],
        &[&["1", "tag0"]],
    )
}

fn windowed() -> ReadRequest {
    let mut wanted = keyed(
        request("TS", &["Value"]),
        &[("device", "Device")],
        &[&["d02"]],
    );
    let window = ["2018-08-28T23:30:00Z", "2018-08-28T23:40:00Z"].map(|text| text.parse().unwrap());
    wanted.window = Some(fleetscore_crds::Window {
        start: window[0],
        end: window[1],
    });
    wanted
}

/// Changes some bytes; positions count from the end for half of them, where the metadata is.
fn damaged(mut bytes: Vec<u8>, changes: &[(u16, bool, u8)], cut: Option<u16>) -> Vec<u8> {
    let length = bytes.len();
    for (position, from_end, value) in changes {
        let position = usize::from(*position) % length.min(6000);
        let position = if *from_end {
            length - 1 - position
        } else {
            position
        };
        bytes[position] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(usize::from(cut) % length);
    }
    bytes
}

/// A page whose writer left a checksum is never read with other bytes.
#[test]
fn a_value_that_has_changed_in_storage_is_told() {
    let wanted = request("TS", &["Value"]);
    let read = |bytes: Vec<u8>| outcome(&object("a.parquet", bytes), &wanted);
    let mut bytes = fixture_bytes("checked.parquet");
    assert!(read(bytes.clone()).is_ok());
    let value = 7.5_f64.to_le_bytes();
    let at = bytes.windows(8).position(|window| window == value).unwrap();
    bytes[at + 6] ^= 1;
    let error = read(bytes).unwrap_err();
    assert_eq!(error.reason(), FailureReason::ReadingsUnreadable);
    assert!(error.to_string().contains("checksum"), "{error}");
}

/// Readers would see but one of them.
#[test]
fn files_behind_one_another_are_told() {
    let wanted = request("TS", &["Value"]);
    for (one, other) in [
        ("checked", "checked"),
        ("pandas", "checked"),
        ("pages", "checked"),
    ] {
        let [one, other] = [one, other].map(|name| fixture_bytes(&format!("{name}.parquet")));
        let error = outcome(&object("a.parquet", [one, other].concat()), &wanted).unwrap_err();
        assert!(
            error.to_string().contains("several Parquet files"),
            "{error}"
        );
    }
}

proptest! {
    /// Damaged files end in rows or in an error, and soon.
    #[test]
    fn damaged_parquet_ends_in_rows_or_an_error(
        changes in prop::collection::vec((0_u16.., any::<bool>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.1, any::<u16>()),
        pages: bool,
        threads: bool,
    ) {
        let (name, wanted) = if pages { ("pages.parquet", windowed()) } else { ("types.parquet", types()) };
        let pool = threads.then(|| Arc::clone(&POOL));
        let wanted = ReadRequest { pool, ..wanted };
        let _ = outcome(&object(name, damaged(fixture_bytes(name), &changes, cut)), &wanted);
    }

    #[test]
    fn any_bytes_as_parquet_end_in_an_error(bytes: Vec<u8>) {
        let bytes = [b"PAR1".to_vec(), bytes, b"PAR1".to_vec()].concat();
        prop_assert!(outcome(&object("a.parquet", bytes), &types()).is_err());
    }

    #[test]
    fn damaged_csv_ends_in_rows_or_an_error(
        changes in prop::collection::vec((0_u16.., any::<bool>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.1, any::<u16>()),
        packed: bool,
    ) {
        let name = if packed { "pandas.csv.gz" } else { "pandas_quoted.csv" };
        let wanted = keyed(request("TS", &["Value"]), &[("device", "Device")], &[&["1"]]);
        let _ = outcome(&object(name, damaged(fixture_bytes(name), &changes, cut)), &wanted);
    }
}
