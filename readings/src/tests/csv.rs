use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use fleetscore_crds::{OnInvalidReading, Window};
use proptest::prelude::*;

use crate::testing::{Outcome, fixture, keyed, object, outcome, request};
use crate::{ReadRequest, ReadingsError};
use fleetscore_crds::FailureReason;

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_535_497_205 * SECOND;

fn read_text(text: &str) -> Result<Outcome, ReadingsError> {
    outcome(
        &object("a.csv", text.as_bytes().to_vec()),
        &request("TS", &["Value"]),
    )
}

fn error(text: &str) -> ReadingsError {
    read_text(text).unwrap_err()
}

#[test]
fn rows_go_to_their_sensors() {
    let text = "Value,x,TS,Device,Tag\n1.5,?,2018-08-28 23:00:05,1,2\n2.5,?,2018-08-28 23:00:10,1,3\n\
                3.5,?,2018-08-28 23:00:15,1,2\n4.5,?,never,9,9\n";
    let wanted = keyed(
        request("TS", &["Value"]),
        &[("device", "Device"), ("tag", "Tag")],
        &[&["1", "3"], &["1", "2"]],
    );
    let all = outcome(&object("a.csv", text.as_bytes().to_vec()), &wanted).unwrap();
    assert_eq!(all.features(1), [1.5, 3.5]);
    assert_eq!(all.nanos(1), [START, START + 10 * SECOND]);
    assert_eq!(all.features(0), [2.5]);
    let text = all.rows[&1].times.text.as_ref().unwrap();
    assert_eq!(text.get(1), b"2018-08-28 23:00:15");
    assert_eq!((all.stats.rows, all.stats.scanned), (3, 4));
    assert!(
        all.failed.is_empty(),
        "another sensor's row is not looked into"
    );
}

#[test]
fn line_ends_byte_order_marks_and_blank_lines_do_not_matter() {
    let plain = read_text("TS,Value\n2018-08-28 23:00:05,1\n2018-08-28 23:00:10,2\n").unwrap();
    for text in [
        "TS,Value\r\n2018-08-28 23:00:05,1\r\n2018-08-28 23:00:10,2\r\n",
        "TS,Value\n2018-08-28 23:00:05,1\n2018-08-28 23:00:10,2",
        "\n\r\nTS,Value\n2018-08-28 23:00:05,1\n2018-08-28 23:00:10,2\n",
        "\u{feff}TS,Value\n2018-08-28 23:00:05,1\n\n\r\n2018-08-28 23:00:10,2\n\n",
        "\u{feff}\"TS\",\"Value\"\r\n\"2018-08-28 23:00:05\",\"1\"\r\n\r\n\"2018-08-28 23:00:10\",2\r\n",
    ] {
        assert_eq!(read_text(text).unwrap().rows, plain.rows, "{text:?}");
    }
    assert_eq!(plain.features(0), [1.0, 2.0]);
}

#[test]
fn without_rows_there_is_nothing() {
    for text in ["", "\n", "TS,Value", "TS,Value\r\n", "TS,Value\n\n\n"] {
        assert_eq!(read_text(text).unwrap().rows.len(), 0, "{text:?}");
    }
}

#[test]
fn a_missing_column_is_named() {
    let missing = error("TS,value\n1,2\n");
    assert_eq!(
        missing.to_string(),
        "memory:///a.csv has no column \"Value\"; its columns are \"TS\", \"value\"; \"value\" differs by case or blanks only: \
         write it so in spec.input.columns, or mend the file"
    );
    assert_eq!(missing.reason(), FailureReason::ColumnMissing);
    assert!(matches!(
        error("TS,Value,Value\n"),
        ReadingsError::ColumnTwice { .. }
    ));
}

#[test]
fn a_row_of_another_width_is_an_error_of_the_object() {
    for text in [
        "TS,Value\n1,2\n1\n",
        "TS,Value\n1,2\n1,2,3\n",
        "TS,Value\n\"1\",2\n1\n",
    ] {
        let ragged = error(text);
        assert!(
            matches!(
                ragged,
                ReadingsError::Ragged {
                    line: 3,
                    expected: 2,
                    ..
                }
            ),
            "{ragged}"
        );
    }
    let mut skipping = request("TS", &["Value"]);
    skipping.on_invalid = OnInvalidReading::Skip;
    let all = outcome(
        &object("a.csv", b"TS,Value\n1,2\n1\n3,4\n".to_vec()),
        &skipping,
    )
    .unwrap();
    assert_eq!((all.features(0), all.stats.malformed), (&[2.0, 4.0][..], 1));
}

#[test]
fn an_invalid_reading_fails_its_sensor_alone() {
    let text = "TS,Device,Value\n1,a,1\n2,b,2\n3,a,NaN\n4,b,4\n5,a,5\n";
    let mut wanted = keyed(
        request("TS", &["Value"]),
        &[("device", "Device")],
        &[&["a"], &["b"]],
    );
    let source = object("a.csv", text.as_bytes().to_vec());
    let all = outcome(&source, &wanted).unwrap();
    assert_eq!(all.features(1), [2.0, 4.0]);
    let message = "memory:///a.csv, row 4, column \"Value\": \"NaN\" is not a finite number";
    assert_eq!(all.failed[&0].to_string(), message);
    wanted.on_invalid = OnInvalidReading::Skip;
    let all = outcome(&source, &wanted).unwrap();
    assert_eq!(
        (all.features(0), all.rows[&0].skipped),
        (&[1.0, 5.0][..], 1)
    );
    assert_eq!(
        (all.features(1), all.rows[&1].skipped),
        (&[2.0, 4.0][..], 0)
    );
    // One of which nothing is left is told of, too.
    let text = "TS,Device,Value\n1,a,oops\n2,b,2\n3,a,NaN\n";
    let all = outcome(&object("a.csv", text.as_bytes().to_vec()), &wanted).unwrap();
    assert_eq!((all.rows[&0].len(), all.rows[&0].skipped), (0, 2));
    assert_eq!((all.features(1), all.rows[&1].skipped), (&[2.0][..], 0));
}

/// Several threads may find it at the same time.
#[test]
fn a_sensor_fails_once_and_costs_the_others_nothing() {
    let mut text = String::from("TS,Device,Value\n");
    for row in 0..100_000 {
        writeln!(text, "{row},a,oops\n{row},b,{row}").unwrap();
    }
    let source = object("a.csv", text.into_bytes());
    let wanted = keyed(
        request("TS", &["Value"]),
        &[("device", "Device")],
        &[&["a"], &["b"]],
    );
    for wanted in [by_threads(&wanted, 5), wanted] {
        let all = outcome(&source, &wanted).unwrap();
        assert_eq!((all.failed.len(), all.failed[&0].row), (1, 2));
        let values = all.features(1).iter().copied();
        assert!(values.eq((0..100_000).map(f64::from)));
    }
}

#[test]
fn every_kind_of_invalid_field_is_told() {
    for (row, line, column) in [
        ("never,1,0", 3, "TS"),
        (",1,0", 3, "TS"),
        ("5,,0", 3, "Value"),
        ("5,inf,0", 3, "Value"),
        ("5,1e400,0", 3, "Value"),
        ("5,1,", 3, "Truth"),
        ("5,1,2", 3, "Truth"),
    ] {
        let mut wanted = request("TS", &["Value"]);
        wanted.columns.label = Some("Truth".to_owned());
        for text in [
            format!("TS,Value,Truth\n1,1,0\n{row}\n"),
            format!("TS,Value,Truth\n\"1\",1,0\n{row}\n"),
        ] {
            let all = outcome(&object("a.csv", text.clone().into_bytes()), &wanted).unwrap();
            let invalid = &all.failed[&0];
            assert_eq!(
                (invalid.row, invalid.column.as_str()),
                (line, column),
                "{text}"
            );
        }
    }
}

#[test]
fn labels_are_read() {
    let mut wanted = request("TS", &["Value"]);
    wanted.columns.label = Some("Truth".to_owned());
    let all = outcome(
        &object(
            "a.csv",
            b"TS,Value,Truth\n1,1,0\n2,2,True\n3,3,1.0\n".to_vec(),
        ),
        &wanted,
    )
    .unwrap();
    assert_eq!(all.rows[&0].labels, Some(vec![false, true, true]));
}

#[test]
fn the_window_is_half_open_and_rules_first() {
    let mut wanted = request("TS", &["Value"]);
    let window = ["1970-01-01T00:00:02Z", "1970-01-01T00:00:04Z"].map(|text| text.parse().unwrap());
    wanted.window = Some(Window {
        start: window[0],
        end: window[1],
    });
    let text = b"TS,Value\n1,broken\n2,2\n3.999999999,3\n4,broken\n".to_vec();
    let all = outcome(&object("a.csv", text), &wanted).unwrap();
    assert_eq!(all.features(0), [2.0, 3.0]);
    assert!(all.failed.is_empty());
}

#[test]
fn unused_columns_may_hold_anything() {
    let text = b"TS,Note,Value\n1,\xff\xfe\x00 5\" pipe,1\n2,\"a,\nb\"\"c\",2\n3,d,x\n".to_vec();
    let all = outcome(&object("a.csv", text), &request("TS", &["Value"])).unwrap();
    let invalid = &all.failed[&0];
    assert_eq!(
        (invalid.row, invalid.value.as_deref()),
        (5, Some("x")),
        "the line counts breaks inside quotes"
    );
}

#[test]
fn text_in_other_encodings_is_refused_by_name() {
    let message = outcome(
        &object("a.csv", b"\xff\xfeT\0S\0".to_vec()),
        &request("TS", &["Value"]),
    )
    .unwrap_err();
    assert!(message.to_string().contains("UTF-16"), "{message}");
}

#[test]
fn endless_records_end_in_an_error() {
    let long = "x".repeat(3 << 20);
    for text in [
        long.clone(),
        format!("TS,Value\n1,{long}\n"),
        format!("TS,Value\n1,1\n1,\"{long}"),
    ] {
        let endless = outcome(
            &object("a.csv", text.into_bytes()),
            &request("TS", &["Value"]),
        )
        .unwrap_err();
        assert!(endless.to_string().contains("longer than"), "{endless}");
    }
}

#[test]
fn what_pandas_writes_reads_alike_in_every_form() {
    let keys = [("device", "Device"), ("tag", "Tag")];
    let wanted = keyed(
        request("TS", &["Flow", "Value"]),
        &keys,
        &[&["1", "tag0"], &["3", "tag1"]],
    );
    let plain = outcome(&fixture("pandas.csv"), &wanted).unwrap();
    assert_eq!(plain.nanos(0).first(), Some(&1_535_497_205_250_000_000));
    assert_eq!(plain.features(0).get(..2), Some(&[0.0, -1.0 / 3.0][..]));
    assert_eq!((plain.nanos(0).len(), plain.nanos(1).len()), (4, 4));
    for other in ["pandas_quoted.csv", "pandas.csv.gz"] {
        assert_eq!(
            outcome(&fixture(other), &wanted).unwrap().rows,
            plain.rows,
            "{other}"
        );
    }
}

#[test]
fn a_cut_off_gzip_stream_is_an_error() {
    let whole = crate::testing::fixture_bytes("pandas.csv.gz");
    let cut = object("a.csv.gz", whole[..whole.len() / 2].to_vec());
    let error = outcome(&cut, &request("TS", &["Value"])).unwrap_err();
    assert_eq!(error.reason(), FailureReason::ReadingsUnreadable, "{error}");
}

#[test]
fn a_file_reads_like_its_object() {
    let path = crate::testing::fixture_path("pandas.csv");
    let wanted = request("TS", &["Value"]);
    let file = outcome(&fixture("pandas.csv").with_file(path), &wanted).unwrap();
    assert_eq!(file, outcome(&fixture("pandas.csv"), &wanted).unwrap());
    let gone = outcome(
        &fixture("pandas.csv").with_file("no/such/file".into()),
        &wanted,
    )
    .unwrap_err();
    assert_eq!(gone.reason(), FailureReason::ReadingsNotFound);
}

#[test]
fn the_sink_can_stop() {
    let mut text = String::from("TS,Value\n");
    (0..500_000).for_each(|row| writeln!(text, "{row},1").unwrap());
    let mut chunks = 0;
    let source = object("a.csv", text.into_bytes());
    let stats = crate::read(&source, &request("TS", &["Value"]), &mut |_| {
        chunks += 1;
        std::ops::ControlFlow::Break(())
    });
    let stats = stats.unwrap();
    assert_eq!((chunks, stats.stopped), (1, true));
    assert!(stats.scanned < 500_000);
}

#[test]
fn lines_are_counted_across_blocks_and_parsers() {
    let mut text = String::from("TS,Value\n");
    (0..300_000).for_each(|row| writeln!(text, "{row},{row}").unwrap());
    let wanted = request("TS", &["Value"]);
    for wanted in [by_threads(&wanted, 3), wanted] {
        for (more, line) in [
            ("1,x\n", 300_002),
            ("\"1\",1\n1,x\n", 300_003),
            ("\"1\n\",1\n1,x\n", 300_004),
        ] {
            let source = object("a.csv", format!("{text}{more}").into_bytes());
            let all = outcome(&source, &wanted).unwrap();
            assert_eq!(all.failed[&0].row, line, "{more:?}");
        }
    }
}

/// A request's read by several threads.
fn by_threads(wanted: &ReadRequest, threads: usize) -> ReadRequest {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    ReadRequest {
        pool: Some(Arc::new(pool.unwrap())),
        ..wanted.clone()
    }
}

/// 200,000 rows of seven devices: one of d5 is invalid and, where there is a quote, the last one of d2.
fn plant(ragged: bool, quote: bool) -> String {
    let mut text = String::from("Device,TS,Value,Truth\n");
    for row in 0..200_000 {
        let value = if row == 100_042 { "oops" } else { "0.25" };
        writeln!(text, "d{},{row},{row}{value},{}", row % 7, row % 2).unwrap();
        if ragged && row == 120_000 {
            text.push_str("d1,1,2,0,more\n");
        }
    }
    if quote {
        text.push_str("\"d1\",1,2,0\nd2,2,oops,0\n");
    }
    text
}

#[test]
fn threads_read_what_one_does() {
    let sensors = ["d0", "d1", "d2", "d5"].map(|name| [name]);
    let sensors: Vec<&[&str]> = sensors.iter().map(<[&str; 1]>::as_slice).collect();
    let mut wanted = keyed(request("TS", &["Value"]), &[("device", "Device")], &sensors);
    wanted.columns.label = Some("Truth".to_owned());
    for (ragged, quote) in [(false, false), (false, true), (true, false), (true, true)] {
        let source = object("a.csv", plant(ragged, quote).into_bytes());
        for on_invalid in [OnInvalidReading::Skip, OnInvalidReading::Fail] {
            wanted.on_invalid = on_invalid;
            let text = |all: Result<Outcome, ReadingsError>| all.map_err(|error| error.to_string());
            let alone = text(outcome(&source, &wanted));
            match &alone {
                Ok(all) => {
                    let failed = usize::from(on_invalid == OnInvalidReading::Fail);
                    assert_eq!(all.failed.len(), failed * (1 + usize::from(quote)));
                }
                Err(message) => assert!(message.contains("line 120003"), "{message}"),
            }
            assert_eq!(
                alone.is_err(),
                ragged && on_invalid == OnInvalidReading::Fail
            );
            for threads in [2, 5] {
                let together = text(outcome(&source, &by_threads(&wanted, threads)));
                assert!(
                    together == alone,
                    "{threads} threads, {ragged}, {quote}, {on_invalid:?}"
                );
            }
        }
    }
}

/// What was read before the damage counts, with as many threads as there may be.
#[test]
fn threads_end_as_one_does() {
    let mut text = String::from("TS,Value\n");
    for row in 0..200_000 {
        writeln!(text, "{row},{}", if row == 5_000 { "oops" } else { "1" }).unwrap();
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let mut packed = packed.finish().unwrap();
    packed.truncate(packed.len() / 4);
    let source = object("a.csv.gz", packed);
    let wanted = request("TS", &["Value"]);
    for wanted in [by_threads(&wanted, 5), wanted] {
        let all = outcome(&source, &wanted).unwrap();
        assert_eq!(all.failed[&0].row, 5_002);
    }
}

#[test]
fn what_follows_a_stop_does_not_matter() {
    let mut text = String::from("TS,Value\n");
    for row in 0..200_000 {
        text.push_str(if row == 60_000 { "1,1,1\n" } else { "1,1\n" });
    }
    let source = object("a.csv", text.into_bytes());
    let wanted = request("TS", &["Value"]);
    for wanted in [by_threads(&wanted, 5), wanted] {
        let stop = &mut |_| std::ops::ControlFlow::Break(());
        let stats = crate::read(&source, &wanted, stop).unwrap();
        assert!(stats.stopped && stats.scanned < 60_000, "{stats:?}");
    }
}

#[test]
fn large_objects_read_in_order_with_little_memory() {
    let mut text = String::from("Device,TS,Value\n");
    (0..400_000).for_each(|row| writeln!(text, "d{},{row},{row}.5", row % 7).unwrap());
    let sensors = ["d0", "d6"].map(|name| [name]);
    let sensors: Vec<&[&str]> = sensors.iter().map(<[&str; 1]>::as_slice).collect();
    let mut wanted = keyed(request("TS", &["Value"]), &[("device", "Device")], &sensors);
    let source = object("a.csv", text.into_bytes());
    let all = outcome(&source, &wanted).unwrap();
    let expected: Vec<i64> = (0..400_000)
        .filter(|row| row % 7 == 6)
        .map(|row| row * SECOND)
        .collect();
    assert_eq!(all.nanos(1), expected);
    wanted.memory = 1;
    assert_eq!(outcome(&source, &wanted).unwrap().rows, all.rows);
    assert_eq!(all.stats.bytes, source.size());
}

/// A field of a CSV file by any writer.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z0-9 ._-]{1,6}",
        "[a-z\",\n\r;]{0,6}"
    ]
}

proptest! {
    /// Against the csv crate: fields that it writes come back, whichever way they are read.
    #[test]
    fn keys_and_times_survive_quoting(fields in prop::collection::vec(field(), 1..20), crlf: bool) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
        writer.write_record(["Key", "TS", "Value"]).unwrap();
        for (row, field) in fields.iter().enumerate() {
            writer.write_record([field, &row.to_string(), "1"]).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let mut distinct = fields.clone();
        distinct.sort();
        distinct.dedup();
        let sensors: Vec<[&str; 1]> = distinct.iter().map(|field| [field.as_str()]).collect();
        let sensors: Vec<&[&str]> = sensors.iter().map(<[&str; 1]>::as_slice).collect();
        let wanted = keyed(request("TS", &["Value"]), &[("key", "Key")], &sensors);
        let all = outcome(&object("a.csv", text), &wanted).unwrap();
        for (sensor, value) in distinct.iter().enumerate() {
            let rows: Vec<i64> =
                (0_i64..).zip(&fields).filter(|(_, field)| *field == value).map(|(row, _)| row * SECOND).collect();
            prop_assert_eq!(all.nanos(u32::try_from(sensor).unwrap()), rows);
        }
    }

    #[test]
    fn any_bytes_end_in_rows_or_an_error(bytes: Vec<u8>, head in "(TS,Value\n)?(1,2\n)?(\"1\",)?") {
        let bytes = [head.into_bytes(), bytes].concat();
        let _ = outcome(&object("a.csv", bytes), &request("TS", &["Value"]));
    }

    #[test]
    fn any_text_ends_in_rows_or_an_error(text in "[0-9,\"\r\nTx .:-]{0,200}") {
        let text = format!("TS,Value\n{text}");
        let _ = outcome(&object("a.csv", text.into_bytes()), &request("TS", &["Value"]));
    }
}

#[test]
fn strings_are_compared_as_written() {
    let text = b"TS,Device,Value\n1,01,1\n2, 1,2\n3,1,3\n".to_vec();
    let wanted = keyed(
        request("TS", &["Value"]),
        &[("device", "Device")],
        &[&["1"]],
    );
    assert_eq!(
        outcome(&object("a.csv", text), &wanted)
            .unwrap()
            .features(0),
        [3.0]
    );
}
