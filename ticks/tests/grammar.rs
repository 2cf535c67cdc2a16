//! What a schedule's text may say, which days it means, and what a mistake is called.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fleetscore_ticks::Timetable;
use jiff::Timestamp;

fn parse(schedule: &str) -> Timetable {
    Timetable::parse(schedule, "Etc/UTC").unwrap()
}

/// The ticks from 2026 on.
fn ticks(schedule: &str, count: usize) -> Vec<String> {
    let from: Timestamp = "2025-12-31T23:59:59Z".parse().unwrap();
    let timetable = parse(schedule);
    let ticks = timetable.after(from).take(count);
    ticks.map(|tick| tick.to_string()).collect()
}

/// The days of ticks at midnight.
fn days(schedule: &str, count: usize) -> Vec<String> {
    let ticks = ticks(schedule, count);
    let day = |tick: &String| tick.strip_suffix("T00:00:00Z").unwrap().to_owned();
    ticks.iter().map(day).collect()
}

#[test]
fn days_of_month_and_week() {
    let table: [(&str, &[&str]); 23] = [
        // Either, where both are given; 2026-01-01 is a Thursday.
        ("0 0 1 * 1", &["2026-01-01", "2026-01-05", "2026-01-12"]),
        (
            "0 0 13 * fri",
            &["2026-01-02", "2026-01-09", "2026-01-13", "2026-01-16"],
        ),
        // Both, where one starts with a star.
        ("0 0 * * 1", &["2026-01-05", "2026-01-12"]),
        ("0 0 */2 * 1", &["2026-01-05", "2026-01-19", "2026-02-09"]),
        ("0 0 13 * */5", &["2026-02-13", "2026-03-13", "2026-09-13"]),
        ("0 0 *,5 * 1", &["2026-01-05", "2026-01-12"]),
        ("0 0 1-31 * 1", &["2026-01-01", "2026-01-02"]),
        // Sunday is 0 and 7.
        ("0 0 * * 0", &["2026-01-04", "2026-01-11"]),
        ("0 0 * * 7", &["2026-01-04", "2026-01-11"]),
        (
            "0 0 * * 5-7",
            &["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-09"],
        ),
        ("0 0 * * 1/2", &["2026-01-02", "2026-01-04", "2026-01-05"]),
        (
            "0 0 * * sun-TUE",
            &["2026-01-04", "2026-01-05", "2026-01-06", "2026-01-11"],
        ),
        // The last and the nth.
        ("0 0 L * *", &["2026-01-31", "2026-02-28", "2026-03-31"]),
        (
            "0 0 lw * *",
            &[
                "2026-01-30",
                "2026-02-27",
                "2026-03-31",
                "2026-04-30",
                "2026-05-29",
            ],
        ),
        (
            "0 0 L,LW 1-2 *",
            &["2026-01-30", "2026-01-31", "2026-02-27", "2026-02-28"],
        ),
        (
            "0 0 15,L,LW 1-2 *",
            &["2026-01-15", "2026-01-30", "2026-01-31", "2026-02-15"],
        ),
        ("0 0 15,L 2 *", &["2026-02-15", "2026-02-28", "2027-02-15"]),
        ("0 0 * * 5L", &["2026-01-30", "2026-02-27"]),
        ("0 0 * * 7L", &["2026-01-25", "2026-02-22"]),
        (
            "0 0 * * mon#2,0#1",
            &["2026-01-04", "2026-01-12", "2026-02-01", "2026-02-09"],
        ),
        ("0 0 * * 4#5", &["2026-01-29", "2026-04-30"]),
        // Leap years, and steps from a value on.
        ("0 0 29 feb *", &["2028-02-29", "2032-02-29"]),
        (
            "0 0 10/15 5/5 *",
            &["2026-05-10", "2026-05-25", "2026-10-10", "2026-10-25"],
        ),
    ];
    for (schedule, expected) in table {
        assert_eq!(days(schedule, expected.len()), expected, "{schedule}");
    }
}

#[test]
fn times_of_a_day() {
    let table: [(&str, &[&str]); 6] = [
        (
            "5/10 0 1 1 *",
            &["00:05", "00:15", "00:25", "00:35", "00:45", "00:55"],
        ),
        // A range of one value has one value, whatever the step.
        ("5-5/10 0-1 1 1 *", &["00:05", "01:05"]),
        ("50-59/5 23 1 1 *", &["23:50", "23:55"]),
        (
            "0 5-23/6,1 1 1 *",
            &["01:00", "05:00", "11:00", "17:00", "23:00"],
        ),
        ("*/59 0 1 1 *", &["00:00", "00:59"]),
        ("07 09,9 1 1 *", &["09:07"]),
    ];
    for (schedule, expected) in table {
        let found = ticks(schedule, expected.len() + 1);
        let (next_year, found) = found.split_last().unwrap();
        let found: Vec<_> = found.iter().map(|tick| tick[11..16].to_owned()).collect();
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, expected, "{schedule}");
        assert!(
            next_year.starts_with("2027-01-01"),
            "{schedule}: {next_year}"
        );
    }
}

#[test]
fn words_for_frequent_ones() {
    for (word, fields) in [
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        (" @WEEKLY\t", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ] {
        assert_eq!(ticks(word, 5), ticks(fields, 5), "{word}");
    }
}

/// A wrong text, and what is said of it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "0 25 * * *",
        "schedule, column 3: hour 25 is not within 0-23",
    ),
    (
        "0 0,24 * * *",
        "schedule, column 5: hour 24 is not within 0-23",
    ),
    (
        "60 * * * *",
        "schedule, column 1: minute 60 is not within 0-59",
    ),
    (
        "0 0 0 * *",
        "schedule, column 5: day of month 0 is not within 1-31",
    ),
    (
        "0 0 1-32 * *",
        "schedule, column 7: day of month 32 is not within 1-31",
    ),
    (
        "0 0 * 13 *",
        "schedule, column 7: month 13 is not within 1-12",
    ),
    (
        "0 0 * * 8",
        "schedule, column 9: day of week 8 is not within 0-7",
    ),
    (
        "0 0 * * 007",
        "schedule, column 9: day of week 007 is not within 0-7",
    ),
    (
        "0 0 * * 1#6",
        "schedule, column 11: day of week: `#6` is not within #1-#5, the first to the fifth of the month",
    ),
    (
        "0 0 * * 9L",
        "schedule, column 9: day of week 9 is not within 0-7",
    ),
    (
        "*/0 * * * *",
        "schedule, column 3: minute: step `0` is not within 1-59",
    ),
    (
        "*/90 * * * *",
        "schedule, column 3: minute: step `90` is not within 1-59",
    ),
    (
        "0 1-5/x * * *",
        "schedule, column 7: hour: step `x` is not within 1-59",
    ),
    (
        "0 */2/3 * * *",
        "schedule, column 5: hour: step `2/3` is not within 1-59",
    ),
    (
        "0 23-0 * * *",
        "schedule, column 3: hour 23-0 ends before it starts; write 23,0",
    ),
    (
        "0 22-2 * * *",
        "schedule, column 3: hour 22-2 ends before it starts; write 22-23,0-2",
    ),
    (
        "0 0 * * fri-sun",
        "schedule, column 9: day of week fri-sun ends before it starts; write fri-7",
    ),
    (
        "0 0 * nov-feb *",
        "schedule, column 7: month nov-feb ends before it starts; write 11-12,1-2",
    ),
    (
        "0,,30 * * * *",
        "schedule, column 3: minute: a value is missing in the list; remove the comma or give the value",
    ),
    (
        "0, * * * *",
        "schedule, column 3: minute: a value is missing in the list; remove the comma or give the value",
    ),
    (
        "0 0 L/2 * *",
        "schedule, column 5: day of month `L` stands for one day, which has no steps; remove the step",
    ),
    (
        "0 0 ? * 1",
        "schedule, column 5: day of month: `?` is not known to this cron; write *",
    ),
    (
        "0 0 1,15W * *",
        "schedule, column 9: day of month: `W` is not known to this cron; LW is the last weekday of the month",
    ),
    (
        "0~30 * * * *",
        "schedule, column 2: minute: `~` is not known to this cron; spec.spreadSeconds moves the runs",
    ),
    (
        "0 0 * * friL",
        "schedule, column 9: day of week `friL` is not a value; allowed are 0-7 or sun-sat, with #1 to #5 for the nth of the month, or 0L-7L for the last",
    ),
    (
        "mon * * * *",
        "schedule, column 1: minute `mon` is not a value; allowed are 0-59",
    ),
    (
        "0 0 * * monday",
        "schedule, column 9: day of week `monday` is not a value; allowed are 0-7 or sun-sat, with #1 to #5 for the nth of the month, or 0L-7L for the last",
    ),
    (
        "-5 * * * *",
        "schedule, column 1: minute `` is not a value; allowed are 0-59",
    ),
    (
        "0 * * *",
        "schedule, column 8: 4 fields where five fields are needed: minute, hour, day of month, month, day of week",
    ),
    (
        "0 0 * * * *",
        "schedule, column 11: 6 fields where five fields are needed: minute, hour, day of month, month, day of week; there are no seconds and no years; write 0 * * * *",
    ),
    (
        "",
        "schedule, column 1: nothing where five fields are needed: minute, hour, day of month, month, day of week",
    ),
    (
        "hourly",
        "schedule, column 7: one field where five fields are needed: minute, hour, day of month, month, day of week; write @hourly",
    ),
    (
        "@reboot",
        "schedule, column 1: `@reboot` is unknown; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually",
    ),
    (
        "0 0 * * ſun",
        "schedule, column 9: day of week `ſun` is not a value; allowed are 0-7 or sun-sat, with #1 to #5 for the nth of the month, or 0L-7L for the last",
    ),
    (
        "0 ä,25 * * *",
        "schedule, column 3: hour `ä` is not a value; allowed are 0-23",
    ),
    (
        "H/15 * * * *",
        "schedule, column 1: minute: `H` is not known to this cron; write a number, or * for every one; spec.spreadSeconds moves the runs",
    ),
    (
        "0 6 * *\u{a0}*",
        "schedule, column 8: a no-break space (U+00A0) does not separate fields; write a space, and all fields in one line",
    ),
    (
        "0 6 * * *\n",
        "schedule, column 10: a line break (U+000A) does not separate fields; write a space, and all fields in one line",
    ),
    (
        "CRON_TZ=Europe/Berlin 0 6 * * *",
        "schedule, column 1: `CRON_TZ=Europe/Berlin` is not part of the text; set spec.timeZone to Europe/Berlin and write `0 6 * * *`",
    ),
    (
        "TZ=UTC @daily",
        "schedule, column 1: `TZ=UTC` is not part of the text; set spec.timeZone to UTC and write `@daily`",
    ),
];

/// What other crons say, and the end of what is said of it.
const FOREIGN: &[(&str, &str)] = &[
    // Go.
    ("@every 1h", "follows the clock; write @hourly or 0 * * * *"),
    ("@every 60m0s", "write @hourly or 0 * * * *"),
    ("@every 5m", "write */5 * * * *"),
    ("@every 1m", "write * * * * *"),
    ("@every 6h", "write 0 */6 * * *"),
    ("@every 24h", "write @daily or 0 0 * * *"),
    (
        "@every 1h30m",
        "write at which minutes and hours, such as 0 */2 * * *",
    ),
    (
        "@every 30s",
        "write at which minutes and hours, such as 0 */2 * * *",
    ),
    (
        "@every",
        "write at which minutes and hours, such as 0 */2 * * *",
    ),
    // Quartz: the second first, the year last, `?` for a day.
    ("0 0 12 * * ?", "no seconds and no years; write 0 12 * * *"),
    ("0 0/15 * * * ?", "; write 0/15 * * * *"),
    ("0 15 10 ? * MON-FRI", "; write 15 10 * * MON-FRI"),
    ("0 0 12 1/1 * ? *", "; write 0 12 1/1 * *"),
    ("0 0 12 ? * MON#2 *", "; write 0 12 * * MON#2"),
    (
        "0 0 12 ? * 2#1 *",
        "Quartz counts from SUN = 1, this cron from 0",
    ),
    (
        "0 0 12 ? * 2-6",
        "; write days of the week as names: Quartz counts from SUN = 1, this cron from 0",
    ),
    ("0 0 12 * * ? 2027", "no seconds and no years"),
    ("*/10 * * * * *", "no seconds and no years"),
    // Spring and Azure: the second first.
    ("0 0 6 * * 1-5", "; write 0 6 * * 1-5"),
    // Clouds: the year last.
    ("0 12 * * ? *", "; write 0 12 * * *"),
    ("cron(0 18 ? * MON-FRI *)", "; write 0 18 * * MON-FRI"),
    ("cron(0 6 * * *)", "; write 0 6 * * *"),
    ("rate(1 hour)", "write @hourly or 0 * * * *"),
    ("rate(5 minutes)", "write */5 * * * *"),
    // systemd.
    ("daily", "; write @daily"),
];

#[test]
fn texts_of_other_crons_are_translated() {
    for (schedule, end) in FOREIGN {
        let error = Timetable::parse(schedule, "Etc/UTC").unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(end), "{schedule}: {text}");
        let proposed = text.rsplit_once("; write ").map(|(_, after)| after);
        let proposed = proposed.filter(|text| !text.contains(", "));
        for text in proposed.into_iter().flat_map(|text| text.split(" or ")) {
            let right = !text.contains("days of the week");
            assert_eq!(Timetable::parse(text, "Etc/UTC").is_ok(), right, "{text}");
        }
    }
}

#[test]
fn mistakes_are_named_with_their_column() {
    for (schedule, expected) in MISTAKES {
        let error = Timetable::parse(schedule, "Etc/UTC").unwrap_err();
        assert_eq!(error.to_string(), *expected, "{schedule}");
        assert_eq!(error.field(), Some("schedule"));
        assert_eq!(format!("schedule, {}", error.message()), *expected);
    }
}

/// Clocks are read between two seconds, before 1970, too.
#[test]
fn ticks_around_a_part_of_a_second() {
    let minutely = parse("* * * * *");
    for (text, before, next) in [
        (
            "2026-01-01T12:00:00.5Z",
            "2026-01-01T12:00:00Z",
            "2026-01-01T12:01:00Z",
        ),
        (
            "1969-12-31T12:00:00.5Z",
            "1969-12-31T12:00:00Z",
            "1969-12-31T12:01:00Z",
        ),
        (
            "1969-12-31T23:59:59.5Z",
            "1969-12-31T23:59:00Z",
            "1970-01-01T00:00:00Z",
        ),
    ] {
        let [time, before, next] =
            [text, before, next].map(|text| text.parse::<Timestamp>().unwrap());
        assert_eq!(minutely.next(time), Some(next), "{text}");
        assert_eq!(minutely.previous(time), Some(before), "{text}");
        assert_eq!(minutely.until(time).next(), Some(before), "{text}");
        assert_eq!(minutely.count(before, time), 1, "{text}");
        assert_eq!(minutely.count(time, next), 0, "{text}");
    }
}

#[test]
fn days_that_never_come_end() {
    for schedule in [
        "0 0 30 2 *",
        "* * 31 4,6 *",
        "0 0 30-31 2 */7",
        "0 0 */30 2 1#2",
    ] {
        let timetable = parse(schedule);
        assert!(timetable.is_empty(), "{schedule}");
        assert_eq!(timetable.after(Timestamp::MIN).next(), None);
        assert_eq!(timetable.until(Timestamp::MAX).next(), None);
        assert_eq!(timetable.count(Timestamp::MIN, Timestamp::MAX), 0);
    }
    assert!(!parse("0 0 29 2 *").is_empty());
    // Either: the Mondays of February.
    assert_eq!(days("0 0 30 2 1", 1), ["2026-02-02"]);
}
