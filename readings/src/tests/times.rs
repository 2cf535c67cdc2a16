use crate::testing::{fixture_bytes, fixture_path};
use crate::{ReadingsError, TimeParser};

fn parse(text: &str) -> Option<i64> {
    TimeParser::new("Etc/UTC").unwrap().parse(text.as_bytes())
}

/// Against pandas.
#[test]
fn forms_mean_what_pandas_makes_of_them() {
    let forms: Vec<(String, Option<i64>)> =
        serde_json::from_slice(&fixture_bytes("forms.json")).unwrap();
    assert!(forms.len() > 20);
    for (text, nanos) in forms {
        assert_eq!(parse(&text), nanos, "{text:?}");
    }
}

/// Against Python's zoneinfo.
#[test]
fn local_times_mean_what_python_makes_of_them() {
    let text = std::fs::read_to_string(fixture_path("zones.csv")).unwrap();
    let (mut count, mut last) = (0, None::<(String, TimeParser)>);
    for line in text.lines().skip(1) {
        let [zone, local, nanos] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        // One parser a zone, so that what it remembers of earlier times counts; and a fresh one.
        if last.as_ref().is_none_or(|(name, _)| name != zone) {
            last = Some((zone.to_owned(), TimeParser::new(zone).unwrap()));
        }
        let nanos: i64 = nanos.parse().unwrap();
        let parser = &mut last.as_mut().unwrap().1;
        assert_eq!(
            parser.parse(local.as_bytes()),
            Some(nanos),
            "{zone} {local}"
        );
        assert_eq!(
            TimeParser::new(zone).unwrap().parse(local.as_bytes()),
            Some(nanos),
            "{zone} {local}"
        );
        count += 1;
    }
    assert!(count > 300, "{count}");
}

/// A parser that has read other times before says the same as a fresh one.
#[test]
fn times_that_come_again_mean_the_same() {
    let texts = [
        "2018-08-28T23:00:05Z",
        "2018-08-28T23:00:05",
        "2018-08-28T23:00:05.123456789 +05:45 UTC",
        // Longer than what is remembered of a text, and different in the middle alone.
        "2018-08-28T23:00:05.123456789 +00:00 UTC",
        "2018-08-28T23:00:06.123456789 +00:00 UTC",
        " 2018-08-28T23:00:05Z",
        "2018-08-28T23:00:0",
        "2018-08-28",
        "1535497205",
        "153549720",
        "100000000000000000",
        "1000000000000000000",
        "never",
        "",
    ];
    for zone in ["Etc/UTC", "Asia/Kathmandu"] {
        let mut parser = TimeParser::new(zone).unwrap();
        for one in texts {
            for other in texts {
                for text in [one, one, other, one] {
                    let fresh = TimeParser::new(zone).unwrap().parse(text.as_bytes());
                    assert_eq!(parser.parse(text.as_bytes()), fresh, "{text:?} in {zone}");
                }
            }
        }
    }
}

#[test]
fn the_zone_counts_only_without_an_offset() {
    let mut parser = TimeParser::new("Asia/Kathmandu").unwrap();
    assert_eq!(
        parser.parse(b"2018-08-28T23:00:05Z"),
        Some(1_535_497_205_000_000_000)
    );
    assert_eq!(
        parser.parse(b"2018-08-29T04:45:05"),
        Some(1_535_497_205_000_000_000)
    );
    assert_eq!(parser.parse(b"1535497205"), Some(1_535_497_205_000_000_000));
}

/// As Ruby writes them: two offsets that differ cannot both be meant.
#[test]
fn utc_stands_only_behind_an_offset_of_none() {
    for (text, expected) in [
        (
            "2018-08-28 23:00:05 +0000 UTC",
            Some(1_535_497_205_000_000_000),
        ),
        (
            "2018-08-28 23:00:05 -00:00 UTC",
            Some(1_535_497_205_000_000_000),
        ),
        ("2018-08-28 23:00:05 +02:00 UTC", None),
        ("2018-08-28 23:00:05 +0001 UTC", None),
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
}

#[test]
fn numbers_are_told_apart_by_magnitude() {
    for (text, nanos) in [
        ("1535497205", 1_535_497_205_000_000_000_i128),
        ("1535497205.25", 1_535_497_205_250_000_000),
        ("1535497205250", 1_535_497_205_250_000_000),
        ("1535497205250.5", 1_535_497_205_250_500_000),
        ("1535497205250000", 1_535_497_205_250_000_000),
        ("1535497205250000001", 1_535_497_205_250_000_001),
        ("100000000000", 100_000_000_000_000_000),
        ("99999999999999", 99_999_999_999_999_000_000),
        ("100000000000000", 100_000_000_000_000_000),
        ("100000000000000000", 100_000_000_000_000_000),
        ("-1", -1_000_000_000),
        ("-0.5", -500_000_000),
        ("0", 0),
    ] {
        assert_eq!(parse(text), i64::try_from(nanos).ok(), "{text}");
    }
    for text in [
        "1.2.3",
        ".5",
        "-",
        "+5",
        "1e9",
        "99999999999999999999",
        "0x10",
        "- 5",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn spaces_around_do_not_count() {
    assert_eq!(
        parse(" 2018-08-28 23:00:05\t"),
        Some(1_535_497_205_000_000_000)
    );
}

#[test]
fn unknown_zones_are_named() {
    let error = TimeParser::new("Europe/Atlantis").unwrap_err();
    assert!(
        matches!(&error, ReadingsError::TimeZone(_))
            && error.to_string().contains("`Europe/Atlantis`"),
        "{error}"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_time_or_not(text: Vec<u8>) {
        TimeParser::new("Europe/Paris").unwrap().parse(&text);
    }

    /// Against jiff.
    #[test]
    fn instants_read_back(nanos: i64, separator in "[ T]", offset_minutes in -1439_i32..1440) {
        let instant = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
        let zone = jiff::tz::Offset::from_seconds(offset_minutes * 60).unwrap();
        let text = instant.display_with_offset(zone).to_string().replace('T', &separator);
        proptest::prop_assert_eq!(parse(&text), Some(nanos), "{}", text);
        let text = instant.to_string().replace('Z', "");
        proptest::prop_assert_eq!(parse(&text), Some(nanos), "{}", text);
    }
}
