//! What is said of zone names that people write and the database does not hold, and of those that seem to say something else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fleetscore_ticks::{Timetable, TimetableError, time_zone, zone_note};
use jiff::Timestamp;

/// Asserts for each (name, what is said after the database's) that the name is refused so.
fn assert_advice(cases: &[(&str, &str)]) {
    for (name, expected) in cases {
        let error = Timetable::parse("@daily", name).unwrap_err();
        assert_eq!(error.field(), Some("timeZone"));
        let text = error.to_string();
        let begin = format!("`{name}` is not in the time zone database 20");
        assert!(text.starts_with(&begin), "{text}");
        let (_, advice) = text.split_once("(bundled); ").unwrap();
        assert_eq!(advice, *expected, "{name}");
    }
}

#[test]
fn unknown_names_are_named_with_similar_ones() {
    assert_advice(&[
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("america/newyork", "did you mean America/New_York?"),
        ("America/New York", "did you mean America/New_York?"),
        ("Berlin", "did you mean Europe/Berlin?"),
        ("new york", "did you mean America/New_York?"),
        (" Europe/Berlin", "did you mean Europe/Berlin?"),
        ("Europe\\Berlin", "did you mean Europe/Berlin?"),
        ("TZ=Europe/Berlin", "did you mean Europe/Berlin?"),
        (
            "/usr/share/zoneinfo/Europe/Berlin",
            "did you mean Europe/Berlin?",
        ),
        ("Xyzzy", "name a zone such as Europe/Berlin or Etc/UTC"),
        ("", "name a zone such as Europe/Berlin or Etc/UTC"),
        // No place of these names: nothing that merely begins alike.
        ("India", "name a zone such as Europe/Berlin or Etc/UTC"),
        (
            "local",
            "a zone must mean the same on every machine; name the place, such as Europe/Berlin",
        ),
    ]);
}

/// `Etc/GMT+2` is two hours west of Greenwich, and everybody who writes GMT+2 means east.
#[test]
fn distances_from_utc_get_the_zone_of_that_distance() {
    for (name, offset, zone) in [
        ("GMT+2", "UTC+2", "Etc/GMT-2"),
        ("gmt+02", "UTC+2", "Etc/GMT-2"),
        ("UTC+2", "UTC+2", "Etc/GMT-2"),
        ("UTC +02:00", "UTC+2", "Etc/GMT-2"),
        ("Etc/UTC+2", "UTC+2", "Etc/GMT-2"),
        ("+02:00", "UTC+2", "Etc/GMT-2"),
        ("+0200", "UTC+2", "Etc/GMT-2"),
        ("+2", "UTC+2", "Etc/GMT-2"),
        ("GMT-5", "UTC-5", "Etc/GMT+5"),
        ("UTC-11", "UTC-11", "Etc/GMT+11"),
        ("\u{2212}03:00", "UTC-3", "Etc/GMT+3"),
        ("UTC+14", "UTC+14", "Etc/GMT-14"),
        ("UTC+5:30", "UTC+5:30", "Asia/Kolkata"),
        ("+0545", "UTC+5:45", "Asia/Kathmandu"),
        ("-09:30", "UTC-9:30", "Pacific/Marquesas"),
    ] {
        let text = time_zone(name).unwrap_err().to_string();
        let part = format!("; {offset} all year round is {zone}");
        assert!(text.contains(&part), "{name}: {text}");
        // The zone has that distance, in winter and in summer.
        for day in ["2026-01-15T00:00:00Z", "2026-07-15T00:00:00Z"] {
            let day: Timestamp = day.parse().unwrap();
            let found = time_zone(zone).unwrap().to_offset(day).seconds();
            let sign = if offset.contains('-') { -1 } else { 1 };
            let (hours, minutes) = offset[4..].split_once(':').unwrap_or((&offset[4..], "0"));
            let expected: i32 =
                hours.parse::<i32>().unwrap() * 60 + minutes.parse::<i32>().unwrap();
            assert_eq!(found, sign * expected * 60, "{zone}");
        }
    }
    assert_advice(&[
        ("Z", "write Etc/UTC"),
        ("+00:00", "write Etc/UTC"),
        (
            "UTC+15",
            "no zone is UTC+15 all year round; name the place, such as Europe/Berlin",
        ),
        (
            "Etc/GMT+02",
            "the sign of these names is turned round: Etc/GMT-2 is UTC+2, Etc/GMT+2 is UTC-2; there are Etc/GMT-14 to Etc/GMT+12",
        ),
    ]);
}

#[test]
fn names_of_windows_get_their_zone() {
    for (name, zone) in [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("W. Europe Daylight Time", "Europe/Berlin"),
        ("Eastern Standard Time", "America/New_York"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("India Standard Time", "Asia/Kolkata"),
        ("China Standard Time", "Asia/Shanghai"),
        ("FLE Standard Time", "Europe/Kyiv"),
        ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ] {
        assert_advice(&[(name, &format!("that is a name of Windows; write {zone}"))]);
    }
    assert_advice(&[(
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        "did you mean Europe/Amsterdam, Europe/Berlin, Europe/Rome?",
    )]);
}

#[test]
fn abbreviations_get_the_places_that_use_them() {
    assert_advice(&[
        (
            "IST",
            "that may be the time of Asia/Kolkata, Europe/Dublin or Asia/Jerusalem; write the one that is meant",
        ),
        (
            "CST",
            "that may be the time of America/Chicago, Asia/Shanghai or America/Havana; write the one that is meant",
        ),
        ("jst", "that is an abbreviation; write Asia/Tokyo"),
        ("MESZ", "that is an abbreviation; write Europe/Berlin"),
    ]);
}

#[test]
fn old_names_and_any_case_are_the_zone_itself() {
    for (name, zone) in [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("US/Eastern", "America/New_York"),
        ("europe/BERLIN", "Europe/Berlin"),
        ("utc", "Etc/UTC"),
        ("CET", "Europe/Brussels"),
    ] {
        for day in ["2026-01-15T00:00:00Z", "2026-07-15T00:00:00Z"] {
            let day: Timestamp = day.parse().unwrap();
            let offset = |name: &str| time_zone(name).unwrap().to_offset(day);
            assert_eq!(offset(name), offset(zone), "{name}");
        }
    }
}

/// A name of the database is taken as it is; what it means is said where it seems to mean something else.
#[test]
fn names_that_seem_to_say_something_else_are_explained() {
    for (name, expected) in [
        (
            "Etc/GMT+2",
            Some("Etc/GMT+2 is UTC-2: the sign of these names is turned round"),
        ),
        (
            "etc/gmt-10",
            Some("etc/gmt-10 is UTC+10: the sign of these names is turned round"),
        ),
        (
            "EST",
            Some(
                "EST is UTC-5 all year round, without summer time; clocks that change are America/New_York",
            ),
        ),
        ("Etc/GMT", None),
        ("Etc/GMT+0", None),
        ("Europe/Berlin", None),
        ("CET", None),
    ] {
        assert!(time_zone(name).is_ok(), "{name}");
        assert_eq!(zone_note(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn any_text_has_an_answer() {
    for name in [
        "(", "()", "(UTC", "(UTC+1) ", "+", "+:", "UTC+", "é", "GMT+é", "+9é:1", "-é",
    ] {
        let error = Timetable::parse("@daily", name).unwrap_err();
        assert!(matches!(error, TimetableError::Zone(_)), "{name}");
    }
}
