use fleetscore_crds::{OnInvalidReading, ReadingFormat, Window};
use serde::Deserialize;

use crate::testing::{Outcome, fixture, fixture_bytes, keyed, object, outcome, request};
use crate::{ReadRequest, ReadingsError};
use fleetscore_crds::FailureReason;

const TAG: (&str, &str) = ("tag", "Tag");

/// What types.parquet holds, by Python.
#[derive(Deserialize)]
struct Types {
    sensors: Vec<(String, String)>,
    times: std::collections::BTreeMap<String, Vec<i64>>,
    value: Vec<f64>,
    i32: Vec<f64>,
    label: Vec<bool>,
}

impl Types {
    fn load() -> Self {
        serde_json::from_slice(&fixture_bytes("types.json")).unwrap()
    }

    fn of<T: Copy>(&self, sensor: (&str, &str), column: &[T]) -> Vec<T> {
        let is_sensor =
            |(device, tag): &&(String, String)| (device.as_str(), tag.as_str()) == sensor;
        let rows = self.sensors.iter().zip(column);
        rows.filter(|(key, _)| is_sensor(key))
            .map(|(_, value)| *value)
            .collect()
    }
}

fn window(start: &str, end: &str) -> Window {
    Window {
        start: start.parse().unwrap(),
        end: end.parse().unwrap(),
    }
}

#[test]
fn every_type_of_time_reads_as_python_wrote_it() {
    let types = Types::load();
    assert!(types.times.len() > 10);
    for (column, nanos) in &types.times {
        let all = outcome(&fixture("types.parquet"), &request(column, &["f64"])).unwrap();
        assert_eq!(all.nanos(0), nanos, "{column}");
    }
}

#[test]
fn every_type_of_key_matches_its_text() {
    let types = Types::load();
    for device in ["Device", "Device_i8", "Device_u16", "Device_text"] {
        let wanted = keyed(
            request("ms_utc", &["f64"]),
            &[("device", device), TAG],
            &[&["2", "tag1"], &["3", "tag0"]],
        );
        let all = outcome(&fixture("types.parquet"), &wanted).unwrap();
        assert_eq!(
            all.features(0),
            types.of(("2", "tag1"), &types.value),
            "{device}"
        );
        assert_eq!(
            all.features(1),
            types.of(("3", "tag0"), &types.value),
            "{device}"
        );
        let none = keyed(
            request("ms_utc", &["f64"]),
            &[("device", device), TAG],
            &[&["02", "tag1"], &["x", "tag0"]],
        );
        assert_eq!(
            outcome(&fixture("types.parquet"), &none)
                .unwrap()
                .rows
                .len(),
            0,
            "{device}"
        );
    }
}

#[test]
fn every_type_of_feature_is_a_number() {
    let types = Types::load();
    let all = outcome(
        &fixture("types.parquet"),
        &request("ms_utc", &["f64", "f32", "f16", "decimal", "i32"]),
    )
    .unwrap();
    let rows = types.value.iter().zip(&types.i32);
    let expected: Vec<f64> = rows
        .flat_map(|(value, int)| [*value, *value, *value, *value, *int])
        .collect();
    assert_eq!(all.features(0), expected);
    for label in ["label", "label_i"] {
        let mut wanted = request("ms_utc", &["f64"]);
        wanted.columns.label = Some(label.to_owned());
        let all = outcome(&fixture("types.parquet"), &wanted).unwrap();
        assert_eq!(all.rows[&0].labels.as_ref(), Some(&types.label), "{label}");
    }
}

#[test]
fn other_types_are_refused_by_name() {
    for (time, feature, key) in [
        ("f32", "f64", "Device"),
        ("ms_utc", "nested", "Device"),
        ("ms_utc", "text", "Device"),
        ("ms_utc", "f64", "flag"),
    ] {
        let wanted = keyed(request(time, &[feature]), &[("device", key)], &[&["1"]]);
        let error = outcome(&fixture("types.parquet"), &wanted).unwrap_err();
        assert!(matches!(error, ReadingsError::ColumnType { .. }), "{error}");
    }
    let missing = outcome(&fixture("types.parquet"), &request("ms_utc", &["nothing"])).unwrap_err();
    assert_eq!(missing.reason(), FailureReason::ColumnMissing);
    assert!(missing.to_string().contains("dictionary_text"), "{missing}");
}

#[test]
fn local_times_are_in_the_zone() {
    let mut wanted = request("us_naive", &["f64"]);
    wanted.columns.time_zone = "Asia/Kathmandu".to_owned();
    let shift = (5 * 3600 + 45 * 60) * 1_000_000_000;
    let expected: Vec<i64> = Types::load().times["us_naive"]
        .iter()
        .map(|nanos| nanos - shift)
        .collect();
    assert_eq!(
        outcome(&fixture("types.parquet"), &wanted)
            .unwrap()
            .nanos(0),
        expected
    );
    wanted.columns.time = "ms_utc".to_owned();
    assert_eq!(
        outcome(&fixture("types.parquet"), &wanted)
            .unwrap()
            .nanos(0),
        Types::load().times["ms_utc"]
    );
}

#[test]
fn csv_and_parquet_of_the_same_readings_are_alike() {
    let wanted = keyed(
        request("TS", &["Value", "Flow"]),
        &[("device", "Device"), TAG],
        &[&["1", "tag0"], &["2", "tag1"], &["3", "tag0"]],
    );
    let mut expected = outcome(&fixture("pandas.csv"), &wanted).unwrap().rows;
    for rows in expected.values_mut() {
        rows.times.text = None;
    }
    for name in ["pandas.parquet", "pandas_category.parquet"] {
        assert_eq!(
            outcome(&fixture(name), &wanted).unwrap().rows,
            expected,
            "{name}"
        );
    }
}

#[test]
fn formats_are_recognised_by_the_first_bytes() {
    let wanted = request("TS", &["Value"]);
    let plain = outcome(&fixture("pandas.parquet"), &wanted).unwrap();
    assert_eq!(
        outcome(
            &object("readings", fixture_bytes("pandas.parquet")),
            &wanted
        )
        .unwrap(),
        plain
    );
    let table = outcome(&object("readings", fixture_bytes("pandas.csv")), &wanted).unwrap();
    assert_eq!(table.features(0), plain.features(0));
}

#[test]
fn invalid_values_name_the_row() {
    for (name, row, column, value) in [
        ("nan.parquet", 5, "Value", None),
        ("inf.parquet", 5, "Value", Some("inf")),
        ("null_time.parquet", 8, "TS", None),
    ] {
        let mut wanted = request("TS", &["Value"]);
        let invalid = outcome(&fixture(name), &wanted)
            .unwrap()
            .failed
            .remove(&0)
            .unwrap();
        assert_eq!(
            (invalid.row, invalid.column.as_str()),
            (row, column),
            "{name}"
        );
        // pandas writes NaN as null.
        assert_eq!(invalid.value.as_deref(), value, "{name}");
        wanted.on_invalid = OnInvalidReading::Skip;
        let rows = outcome(&fixture(name), &wanted)
            .unwrap()
            .rows
            .remove(&0)
            .unwrap();
        assert_eq!(rows.len() as u64 + rows.skipped, 24, "{name}");
        assert!(rows.skipped > 0, "{name}");
    }
}

fn one_of_pages(device: &str) -> ReadRequest {
    keyed(
        request("TS", &["Value"]),
        &[("device", "Device")],
        &[&[device]],
    )
}

/// The rows of pages.parquet that a request selects, without any pruning: read all of it, then filter.
fn unpruned(device: &str, window: Option<Window>) -> (Vec<i64>, Vec<f64>) {
    let devices = ["d01", "d02", "d03", "d04", "d05", "d06"].map(|name| [name]);
    let devices: Vec<&[&str]> = devices.iter().map(<[&str; 1]>::as_slice).collect();
    let all = outcome(
        &fixture("pages.parquet"),
        &keyed(request("TS", &["Value"]), &[("device", "Device")], &devices),
    );
    let all: Outcome = all.unwrap();
    assert_eq!(all.stats.scanned, 6000);
    let sensor = devices.iter().position(|name| name[0] == device).unwrap();
    let sensor = u32::try_from(sensor).unwrap();
    let wanted = |nanos: i64| {
        let at = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
        window.is_none_or(|window| window.start <= at && at < window.end)
    };
    let rows = all.nanos(sensor).iter().zip(all.features(sensor));
    rows.filter(|(nanos, _)| wanted(**nanos))
        .map(|(nanos, value)| (*nanos, *value))
        .unzip()
}

#[test]
fn one_sensor_of_a_sorted_file_reads_little_more_than_its_rows() {
    let source = fixture("pages.parquet");
    for device in ["d01", "d02", "d03", "d06"] {
        let all = outcome(&source, &one_of_pages(device)).unwrap();
        assert_eq!(
            (all.nanos(0).to_vec(), all.features(0).to_vec()),
            unpruned(device, None),
            "{device}"
        );
        assert_eq!(all.nanos(0).len(), 1000);
        assert!(
            all.stats.scanned <= 1200,
            "{device}: {} rows",
            all.stats.scanned
        );
    }
    let none = outcome(&source, &one_of_pages("d00")).unwrap();
    assert_eq!((none.stats.rows, none.stats.scanned), (0, 0));
}

#[test]
fn a_window_of_one_sensor_reads_its_pages_only() {
    let mut wanted = one_of_pages("d04");
    wanted.window = Some(window("2018-08-28T23:30:00Z", "2018-08-28T23:40:00Z"));
    let all = outcome(&fixture("pages.parquet"), &wanted).unwrap();
    assert_eq!(
        (all.nanos(0).to_vec(), all.features(0).to_vec()),
        unpruned("d04", wanted.window)
    );
    assert_eq!(all.nanos(0).len(), 120);
    assert!(all.stats.scanned <= 400, "{} rows", all.stats.scanned);
    wanted.window = Some(window("2019-01-01T00:00:00Z", "2020-01-01T00:00:00Z"));
    assert_eq!(
        outcome(&fixture("pages.parquet"), &wanted)
            .unwrap()
            .stats
            .scanned,
        0
    );
}

/// What is pruned is not even fetched: the bytes of the other row groups may be anything.
#[test]
fn pruned_row_groups_are_not_touched() {
    let mut bytes = fixture_bytes("pages.parquet");
    let whole = outcome(&object("a.parquet", bytes.clone()), &one_of_pages("d01")).unwrap();
    // d01 is in the first of four row groups; the pages of the others end where the page indexes begin.
    let (from, to) = (bytes.len() * 3 / 10, bytes.len() * 8 / 10);
    bytes[from..to].fill(0xff);
    let damaged = object("a.parquet", bytes);
    assert_eq!(
        outcome(&damaged, &one_of_pages("d01")).unwrap().rows,
        whole.rows
    );
    assert!(
        outcome(&damaged, &one_of_pages("d04")).is_err(),
        "and what is wanted is"
    );
}

#[test]
fn an_invalid_value_behind_pruned_rows_has_its_own_row_number() {
    let mut wanted = one_of_pages("d04");
    wanted.columns.features = vec!["Device".to_owned()];
    assert!(matches!(
        outcome(&fixture("pages.parquet"), &wanted),
        Err(ReadingsError::ColumnType { .. })
    ));
    // A label that is a number other than 0 and 1: the first reading of d04, row 3001 of the file.
    wanted.columns.features = vec!["Value".to_owned()];
    wanted.columns.label = Some("Value".to_owned());
    let all = outcome(&fixture("pages.parquet"), &wanted).unwrap();
    assert_eq!(all.failed[&0].row, 3001);
}

#[test]
fn a_changed_object_is_not_mixed() {
    let mut source = fixture("pages.parquet");
    source.meta.e_tag = Some("another".to_owned());
    let error = outcome(&source, &one_of_pages("d01")).unwrap_err();
    assert_eq!(error.reason(), FailureReason::StorageUnavailable, "{error}");
}

#[test]
fn what_is_not_parquet_is_unreadable() {
    for bytes in [
        b"".to_vec(),
        b"PAR1".to_vec(),
        b"PAR1PAR1".to_vec(),
        b"TS,Value\n".to_vec(),
        vec![0; 100],
    ] {
        let mut wanted = request("TS", &["Value"]);
        wanted.format = ReadingFormat::Parquet;
        let error = outcome(&object("a", bytes.clone()), &wanted).unwrap_err();
        assert_eq!(
            error.reason(),
            FailureReason::ReadingsUnreadable,
            "{bytes:?}: {error}"
        );
        assert!(error.to_string().contains("memory:///a"), "{error}");
    }
}
