//! Parquet files of other writers: old timestamps, old statistics, groups, UUIDs, numbers as times, encryption.

use std::sync::Arc;

use bytes::Bytes;
use fleetscore_crds::{OnInvalidReading, Window};
use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    Int64Type, Int96, Int96Type,
};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;

use super::row_groups::POOL;
use crate::ReadRequest;
use crate::testing::{keyed, object, outcome, request};
use fleetscore_crds::FailureReason;

type Group<'w> = SerializedRowGroupWriter<'w, Vec<u8>>;

/// A file with one row group a function of `groups`, each of which writes all columns.
fn file(schema: Type, groups: &[&dyn Fn(&mut Group<'_>)]) -> Vec<u8> {
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties).unwrap();
    for write in groups {
        let mut group = writer.next_row_group().unwrap();
        write(&mut group);
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn schema(text: &str) -> Type {
    parse_message_type(&format!("message readings {{ {text} }}")).unwrap()
}

/// Writes the next column; `levels` say which values are there, where the column is optional.
fn column<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) {
    let mut column = group.next_column().unwrap().unwrap();
    let written = column.typed::<T>().write_batch(values, levels, None);
    written.unwrap();
    column.close().unwrap();
}

fn texts(values: &[&str]) -> Vec<ByteArray> {
    values.iter().map(|value| ByteArray::from(*value)).collect()
}

/// A day (from 1970) and a nanosecond of it.
fn int96(day: i64, nanosecond: u64) -> Int96 {
    let julian = u32::try_from(day + 2_440_588).unwrap();
    let mut value = Int96::new();
    let (low, high) = (nanosecond & 0xffff_ffff, nanosecond >> 32);
    value.set_data(
        u32::try_from(low).unwrap(),
        u32::try_from(high).unwrap(),
        julian,
    );
    value
}

fn days(date: &str) -> i64 {
    let date: jiff::civil::Date = date.parse().unwrap();
    let since = date - jiff::civil::date(1970, 1, 1);
    i64::from(since.get_days())
}

#[test]
fn old_timestamps_that_instants_cannot_hold_are_invalid() {
    const DAY: i64 = 86_400_000_000_000;
    let table = [
        ("9999-12-31", 86_399_999_999_999, None),
        ("2262-04-11", 85_636_854_775_807, Some(i64::MAX)),
        ("2262-04-11", 85_636_854_775_808, None),
        ("2262-04-12", 0, None),
        ("1677-09-21", 763_145_224_193, Some(i64::MIN + 1)),
        ("1677-09-21", 763_145_224_191, None),
        ("1600-01-01", 0, None),
        ("0001-01-01", 1, None),
        ("1969-12-31", 86_399_999_999_999, Some(-1)),
        (
            "2018-08-28",
            82_805_123_456_789,
            Some(17771 * DAY + 82_805_123_456_789),
        ),
    ];
    for (date, nanosecond, expected) in table {
        let times = [int96(17771, 1), int96(days(date), nanosecond)];
        let bytes = file(
            schema("required int96 TS; required double Value;"),
            &[&|group| {
                column::<Int96Type>(group, &times, None);
                column::<DoubleType>(group, &[1.0, 2.0], None);
            }],
        );
        let source = object("a.parquet", bytes);
        let mut wanted = request("TS", &["Value"]);
        let all = outcome(&source, &wanted).unwrap();
        if let Some(nanos) = expected {
            assert_eq!(all.nanos(0).last(), Some(&nanos), "{date} {nanosecond}");
            continue;
        }
        let invalid = &all.failed[&0];
        assert_eq!((invalid.row, invalid.column.as_str()), (2, "TS"));
        let message = invalid.to_string();
        assert!(message.contains(date), "{message}");
        assert!(
            message.contains("between the years 1677 and 2262"),
            "{message}"
        );
        // So it is in a window of whatever its nanoseconds would run over to.
        wanted.on_invalid = OnInvalidReading::Skip;
        let all = outcome(&source, &wanted).unwrap();
        assert_eq!((all.nanos(0).len(), all.rows[&0].skipped), (1, 1));
    }
}

/// The same where several threads decode them, a stretch each.
#[test]
fn old_timestamps_are_read_on_all_threads() {
    let times: Vec<Int96> = (0..5000)
        .map(|row| int96(if row % 100 == 99 { 2_932_896 } else { 17771 }, row))
        .collect();
    let values = vec![1.0; times.len()];
    let write = |group: &mut Group<'_>| {
        column::<Int96Type>(group, &times, None);
        column::<DoubleType>(group, &values, None);
    };
    let bytes = file(
        schema("required int96 TS; required double Value;"),
        &[&write, &write],
    );
    let source = object("a.parquet", bytes);
    for memory in [1 << 16, 1 << 18] {
        let wanted = ReadRequest {
            memory,
            on_invalid: OnInvalidReading::Skip,
            pool: Some(Arc::clone(&POOL)),
            ..request("TS", &["Value"])
        };
        let all = outcome(&source, &wanted).unwrap();
        assert_eq!(all.rows[&0].skipped, 100);
        assert_eq!(all.stats.first_skipped[&0].row, 100);
        let day = 17771 * 86_400_000_000_000;
        let expected = (0..2).flat_map(|_| (0..5000).filter(|row| row % 100 != 99));
        assert!(all.nanos(0).iter().map(|nanos| nanos - day).eq(expected));
    }
}

#[test]
fn old_timestamps_are_told_apart_over_row_groups_and_absent_values() {
    let rows: Vec<i64> = (0..20_000).collect();
    let levels: Vec<i16> = rows.iter().map(|row| i16::from(row % 7 != 0)).collect();
    let of_group = |start: i64| {
        let rows = rows.iter().filter(|row| *row % 7 != 0);
        let times = rows.map(|row| {
            int96(
                if row % 5 == 1 {
                    days("9999-01-01")
                } else {
                    17771
                },
                (start + row).cast_unsigned(),
            )
        });
        times.collect::<Vec<Int96>>()
    };
    let (first, second) = (of_group(0), of_group(20_000));
    let write = |times: &[Int96], group: &mut Group<'_>| {
        column::<Int96Type>(group, times, Some(&levels));
        column::<DoubleType>(group, &vec![1.0; rows.len()], None);
    };
    let bytes = file(
        schema("optional int96 TS; required double Value;"),
        &[&|group| write(&first, group), &|group| {
            write(&second, group);
        }],
    );
    let mut wanted = request("TS", &["Value"]);
    wanted.on_invalid = OnInvalidReading::Skip;
    let all = outcome(&object("a.parquet", bytes), &wanted).unwrap();
    let day = 17771 * 86_400_000_000_000;
    let sound = |start: i64| {
        rows.iter()
            .filter(|row| *row % 7 != 0 && *row % 5 != 1)
            .map(move |row| day + start + row)
    };
    let expected: Vec<i64> = sound(0).chain(sound(20_000)).collect();
    assert_eq!(all.nanos(0), expected);
    assert_eq!(all.rows[&0].skipped, 40_000 - expected.len() as u64);
}

/// The file with statistics as `edit` leaves them, the row group and the column given.
fn with_statistics(bytes: &[u8], edit: impl Fn(usize, usize) -> Option<Statistics>) -> Vec<u8> {
    let whole = Bytes::copy_from_slice(bytes);
    let metadata: ParquetMetaData = ParquetMetaDataReader::new()
        .parse_and_finish(&whole)
        .unwrap();
    let tail: [u8; 4] = bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap();
    let footer = bytes.len() - 8 - usize::try_from(u32::from_le_bytes(tail)).unwrap();
    let mut builder = metadata.into_builder();
    let groups = builder.take_row_groups();
    for (position, group) in groups.into_iter().enumerate() {
        let columns = group.columns().iter().enumerate().map(|(leaf, column)| {
            let column = column.clone().into_builder().clear_statistics();
            let column = column
                .set_column_index_offset(None)
                .set_offset_index_offset(None);
            let column = column
                .set_column_index_length(None)
                .set_offset_index_length(None);
            let column = match edit(position, leaf) {
                Some(statistics) => column.set_statistics(statistics),
                None => column,
            };
            column.build().unwrap()
        });
        let columns = columns.collect();
        let group = group
            .into_builder()
            .set_column_metadata(columns)
            .build()
            .unwrap();
        builder = builder.add_row_group(group);
    }
    let mut edited = bytes[..footer].to_vec();
    ParquetMetaDataWriter::new(&mut edited, &builder.build())
        .finish()
        .unwrap();
    edited
}

/// Two row groups: devices `a` and `é`, then `b`.
fn devices() -> Vec<u8> {
    let write = |devices: &[&str], first: i64, group: &mut Group<'_>| {
        let times: Vec<i64> = (first..).take(devices.len()).collect();
        column::<Int64Type>(group, &times, None);
        column::<ByteArrayType>(group, &texts(devices), None);
        column::<DoubleType>(group, &vec![first as f64; devices.len()], None);
    };
    file(
        schema("required int64 TS; required binary Device (UTF8); required double Value;"),
        &[&|group| write(&["a", "é"], 0, group), &|group| {
            write(&["b"], 100, group);
        }],
    )
}

fn device(name: &str) -> ReadRequest {
    keyed(
        request("TS", &["Value"]),
        &[("device", "Device")],
        &[&[name]],
    )
}

#[test]
fn old_statistics_of_text_do_not_prune() {
    let bound = |text: &str| Some(ByteArray::from(text));
    // By signed bytes é comes before a, so old writers wrote these bounds.
    let old = |group, leaf| match (group, leaf) {
        (0, 1) => Some(Statistics::byte_array(
            bound("é"),
            bound("a"),
            None,
            Some(0),
            true,
        )),
        (1, 1) => Some(Statistics::byte_array(
            bound("b"),
            bound("b"),
            None,
            Some(0),
            true,
        )),
        _ => None,
    };
    let source = object("a.parquet", with_statistics(&devices(), old));
    for name in ["a", "é", "b"] {
        let all = outcome(&source, &device(name)).unwrap();
        assert_eq!((all.features(0).len(), all.stats.scanned), (1, 3), "{name}");
    }
    // In the newer fields they count.
    let new = |group, leaf| match (group, leaf) {
        (0, 1) => Some(Statistics::byte_array(
            bound("a"),
            bound("é"),
            None,
            Some(0),
            false,
        )),
        (1, 1) => Some(Statistics::byte_array(
            bound("b"),
            bound("b"),
            None,
            Some(0),
            false,
        )),
        _ => None,
    };
    let source = object("a.parquet", with_statistics(&devices(), new));
    for (name, scanned) in [("a", 2), ("é", 2), ("b", 3)] {
        let all = outcome(&source, &device(name)).unwrap();
        assert_eq!(
            (all.features(0).len(), all.stats.scanned),
            (1, scanned),
            "{name}"
        );
    }
}

#[test]
fn bounds_that_are_cut_short_still_hold() {
    let bound = |text: &str| Some(ByteArray::from(text));
    // Bounds of `pump-1...` that were cut to four letters, the upper one moved on.
    let edit = |group, leaf| match (group, leaf) {
        (0, 1) => Some(Statistics::byte_array(
            bound(""),
            bound("\u{10ffff}"),
            None,
            Some(0),
            false,
        )),
        (1, 1) => Some(Statistics::byte_array(
            bound(""),
            bound("c"),
            None,
            Some(0),
            false,
        )),
        _ => None,
    };
    let source = object("a.parquet", with_statistics(&devices(), edit));
    for name in ["a", "é", "b"] {
        assert_eq!(
            outcome(&source, &device(name)).unwrap().features(0).len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn old_statistics_of_unsigned_numbers_do_not_prune_and_those_of_times_do() {
    let write = |devices: &[i64], first: i64, group: &mut Group<'_>| {
        let times: Vec<i64> = (first..).take(devices.len()).collect();
        column::<Int64Type>(group, &times, None);
        column::<Int64Type>(group, devices, None);
        column::<DoubleType>(group, &vec![first as f64; devices.len()], None);
    };
    let bytes = file(
        schema(
            "required int64 TS (TIMESTAMP(MILLIS,true)); required int64 Device (UINT_64); required double Value;",
        ),
        &[&|group| write(&[1, -1], 0, group), &|group| {
            write(&[1], 100_000, group);
        }],
    );
    let edit = |group: usize, leaf: usize| match (group, leaf) {
        (0, 0) => Some(Statistics::int64(Some(0), Some(1), None, Some(0), true)),
        (1, 0) => Some(Statistics::int64(
            Some(100_000),
            Some(100_000),
            None,
            Some(0),
            true,
        )),
        // By sign, u64::MAX comes first.
        (0, 1) => Some(Statistics::int64(Some(-1), Some(1), None, Some(0), true)),
        (1, 1) => Some(Statistics::int64(Some(1), Some(1), None, Some(0), true)),
        _ => None,
    };
    let source = object("a.parquet", with_statistics(&bytes, edit));
    let all = outcome(&source, &device("18446744073709551615")).unwrap();
    assert_eq!(all.features(0), [0.0]);
    let mut wanted = device("1");
    let [start, end] =
        ["1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z"].map(|text| text.parse().unwrap());
    wanted.window = Some(Window { start, end });
    let all = outcome(&source, &wanted).unwrap();
    assert_eq!((all.features(0), all.stats.scanned), (&[100_000.0][..], 1));
}

/// The instants of the rows in a window of a column of times with statistics.
fn within<T: DataType>(times: &[T::T], kind: &str, zone: &str, window: [&str; 2]) -> Vec<i64> {
    let bytes = file(
        schema(&format!("required {kind}; required double Value;")),
        &[&|group| {
            column::<T>(group, times, None);
            column::<DoubleType>(group, &vec![1.0; times.len()], None);
        }],
    );
    let mut wanted = request("TS", &["Value"]);
    wanted.columns.time_zone = zone.to_owned();
    let [start, end] = window.map(|text| text.parse().unwrap());
    wanted.window = Some(Window { start, end });
    let all = outcome(&object("a.parquet", bytes), &wanted).unwrap();
    all.nanos(0).to_vec()
}

/// The unit of a number goes by its magnitude, so instants are not in the order of the numbers, nor between those of the bounds.
#[test]
fn bounds_of_numbers_in_several_units_rule_nothing_out() {
    let of_1976 = ["1976-05-03T00:00:00Z", "1976-05-04T00:00:00Z"];
    let of_2018 = ["2018-08-28T00:00:00Z", "2018-08-29T00:00:00Z"];
    for (times, window, expected) in [
        (
            &[1_535_497_205, 200_000_000_000][..],
            of_1976,
            200_000_000_000_000_000,
        ),
        (
            &[-200_000_000_000, 1_535_497_205, 200_000_000_000],
            of_2018,
            1_535_497_205_000_000_000,
        ),
    ] {
        let found = within::<Int64Type>(times, "int64 TS", "Etc/UTC", window);
        assert_eq!(found, [expected]);
        let times: Vec<f64> = times.iter().map(|time| *time as f64).collect();
        let found = within::<DoubleType>(&times, "double TS", "Etc/UTC", window);
        assert_eq!(found, [expected]);
    }
}

/// Texts are in the order of their letters.
#[test]
fn bounds_of_texts_rule_no_time_out() {
    let times = texts(&["2018-08-28T09:30:00Z", "2018-08-28T10:00:00+02:00"]);
    let window = ["2018-08-28T08:00:00Z", "2018-08-28T08:30:00Z"];
    let found = within::<ByteArrayType>(&times, "binary TS (UTF8)", "Etc/UTC", window);
    assert_eq!(found, [1_535_443_200_000_000_000]);
    let times = texts(&["1535497205", "999999999"]);
    let window = ["2001-09-09T00:00:00Z", "2001-09-10T00:00:00Z"];
    let found = within::<ByteArrayType>(&times, "binary TS (UTF8)", "Etc/UTC", window);
    assert_eq!(found, [999_999_999_000_000_000]);
}

/// A local time that clocks leave out is moved forward, so it is later than some that are written after it.
#[test]
fn bounds_of_local_times_rule_out_none_that_clocks_have_moved() {
    // 02:30 does not exist: it is 03:30, which is after 03:10.
    let times = ["2018-03-25T02:30:00Z", "2018-03-25T03:10:00Z"];
    let times = times.map(|text| text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    for (window, instant) in [
        (
            ["2018-03-25T01:00:00Z", "2018-03-25T01:20:00Z"],
            "2018-03-25T01:10:00Z",
        ),
        (
            ["2018-03-25T01:20:00Z", "2018-03-25T01:40:00Z"],
            "2018-03-25T01:30:00Z",
        ),
    ] {
        let kind = "int64 TS (TIMESTAMP(MILLIS,false))";
        let found = within::<Int64Type>(&times, kind, "Europe/Berlin", window);
        let instant: jiff::Timestamp = instant.parse().unwrap();
        assert_eq!(found, [instant.as_second() * 1_000_000_000], "{window:?}");
    }
}

#[test]
fn a_time_that_is_absent_is_told_whatever_the_statistics_say() {
    let bytes = file(
        schema("optional int64 TS (TIMESTAMP(MILLIS,true)); required double Value;"),
        &[&|group| {
            column::<Int64Type>(group, &[0], Some(&[1, 0]));
            column::<DoubleType>(group, &[1.0, 2.0], None);
        }],
    );
    let mut wanted = request("TS", &["Value"]);
    let [start, end] =
        ["2018-01-01T00:00:00Z", "2019-01-01T00:00:00Z"].map(|text| text.parse().unwrap());
    wanted.window = Some(Window { start, end });
    let all = outcome(&object("a.parquet", bytes), &wanted).unwrap();
    assert_eq!(all.failed[&0].row, 2);
}

#[test]
fn columns_in_groups_are_named_with_dots() {
    let text = "required int64 TS; optional group body { optional double v; optional group deep { required double w; } } required double v;";
    let bytes = file(
        schema(text),
        &[&|group| {
            column::<Int64Type>(group, &[1, 2, 3], None);
            column::<DoubleType>(group, &[10.0, 20.0], Some(&[2, 2, 0]));
            column::<DoubleType>(group, &[0.1, 0.2], Some(&[2, 2, 0]));
            column::<DoubleType>(group, &[7.0, 8.0, 9.0], None);
        }],
    );
    let source = object("a.parquet", bytes);
    let mut wanted = request("TS", &["body.v", "v", "body.deep.w"]);
    // Where the group is absent, so is the value.
    let all = outcome(&source, &wanted).unwrap();
    let invalid = &all.failed[&0];
    assert_eq!(
        (invalid.row, invalid.column.as_str(), &invalid.value),
        (3, "body.v", &None)
    );
    wanted.on_invalid = OnInvalidReading::Skip;
    let all = outcome(&source, &wanted).unwrap();
    assert_eq!(all.features(0), [10.0, 7.0, 0.1, 20.0, 8.0, 0.2]);
    let error = outcome(&source, &request("TS", &["body.x"])).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("\"TS\", \"body.v\", \"body.deep.w\", \"v\""),
        "{error}"
    );
    let error = outcome(&source, &request("TS", &["body"])).unwrap_err();
    assert!(
        error.to_string().contains("name one of them with a dot"),
        "{error}"
    );
}

#[test]
fn a_column_whose_name_has_a_dot_comes_before_a_group() {
    let plain = schema("required int64 TS; required group a { required double b; }");
    let dotted = Type::primitive_type_builder("a.b", PhysicalType::DOUBLE)
        .with_repetition(Repetition::REQUIRED);
    let mut fields = plain.get_fields().to_vec();
    fields.push(Arc::new(dotted.build().unwrap()));
    let schema = Type::group_type_builder("readings").with_fields(fields);
    let schema = schema.build().unwrap();
    let bytes = file(
        schema,
        &[&|group| {
            column::<Int64Type>(group, &[1], None);
            column::<DoubleType>(group, &[1.0], None);
            column::<DoubleType>(group, &[2.0], None);
        }],
    );
    let all = outcome(&object("a.parquet", bytes), &request("TS", &["a.b"])).unwrap();
    assert_eq!(all.features(0), [2.0]);
}

#[test]
fn uuids_are_keys_by_their_text() {
    let key = Type::primitive_type_builder("Device", PhysicalType::FIXED_LEN_BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_length(16);
    let schema = |key: Type| {
        let plain = schema("required int64 TS; required double Value;");
        let mut fields = plain.get_fields().to_vec();
        fields.insert(1, Arc::new(key));
        Type::group_type_builder("readings")
            .with_fields(fields)
            .build()
            .unwrap()
    };
    let bytes = |key: Type| {
        file(
            schema(key),
            &[&|group| {
                column::<Int64Type>(group, &[1, 2], None);
                let keys =
                    [[0x0f; 16], [0xa0; 16]].map(|key| FixedLenByteArray::from(key.to_vec()));
                column::<FixedLenByteArrayType>(group, &keys, None);
                column::<DoubleType>(group, &[1.0, 2.0], None);
            }],
        )
    };
    let uuid = key
        .with_logical_type(Some(LogicalType::Uuid))
        .build()
        .unwrap();
    let source = object("a.parquet", bytes(uuid));
    let all = outcome(&source, &device("a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0")).unwrap();
    assert_eq!(all.features(0), [2.0]);
    let plain = Type::primitive_type_builder("Device", PhysicalType::FIXED_LEN_BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_length(16);
    let error = outcome(
        &object("a.parquet", bytes(plain.build().unwrap())),
        &device("a"),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("FixedSizeBinary(16), which cannot be read as a key"),
        "{error}"
    );
}

#[test]
fn numbers_with_a_fraction_are_times_as_in_csv() {
    let times = [
        1_535_497_205.25,
        1_535_497_205.1,
        1_535_497_205_250.0,
        -0.5,
        f64::NAN,
    ];
    let write = |group: &mut Group<'_>| {
        column::<DoubleType>(group, &times, None);
        column::<DoubleType>(group, &[1.0; 5], None);
    };
    let bytes = file(
        schema("required double TS; required double Value;"),
        &[&write],
    );
    let mut wanted = request("TS", &["Value"]);
    wanted.on_invalid = OnInvalidReading::Skip;
    let all = outcome(&object("a.parquet", bytes), &wanted).unwrap();
    let csv =
        b"TS,Value\n1535497205.25,1\n1535497205.1,1\n1535497205250,1\n-0.5,1\nNaN,1\n".to_vec();
    let csv = outcome(&object("a.csv", csv), &wanted).unwrap();
    assert_eq!((all.nanos(0), all.rows[&0].skipped), (csv.nanos(0), 1));
    let coarse = file(schema("required float TS; required double Value;"), &[]);
    let error = outcome(&object("a.parquet", coarse), &wanted).unwrap_err();
    assert!(error.to_string().contains("too coarse"), "{error}");
}

#[test]
fn encryption_is_named() {
    let message = |bytes: Vec<u8>| {
        let error = outcome(&object("a.parquet", bytes), &device("a")).unwrap_err();
        assert_eq!(error.reason(), FailureReason::ReadingsUnreadable, "{error}");
        error.to_string()
    };
    let mut hidden = devices();
    let end = hidden.len();
    hidden[..4].copy_from_slice(b"PARE");
    hidden[end - 4..].copy_from_slice(b"PARE");
    assert!(message(hidden).contains("it is encrypted"));
    // A footer that names the algorithm of its columns, whose pages make no sense.
    let plain = devices();
    let tail: [u8; 4] = plain[plain.len() - 8..plain.len() - 4].try_into().unwrap();
    let length = usize::try_from(u32::from_le_bytes(tail)).unwrap();
    let footer = &plain[plain.len() - 8 - length..plain.len() - 8];
    let algorithm = [0x0c, 16, 0x1c, 0, 0, 0];
    let footer = [&footer[..length - 1], &algorithm].concat();
    let mut bytes = plain[..plain.len() - 8 - length].to_vec();
    bytes[4..].fill(0xff);
    bytes.extend_from_slice(&footer);
    bytes.extend_from_slice(&u32::try_from(footer.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(b"PAR1");
    let message = message(bytes);
    assert!(message.contains("it is encrypted"), "{message}");
}
