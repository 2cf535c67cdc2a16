//! Ticks on the days on which clocks change, worked out by hand from the announced changes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fleetscore_ticks::Timetable;
use jiff::Timestamp;

/// The ticks after `from`, as many as `expected` holds, must be those; and the way back must lead through the same.
fn check(schedule: &str, zone: &str, from: &str, expected: &[&str]) {
    let timetable = Timetable::parse(schedule, zone).unwrap();
    let from: Timestamp = from.parse().unwrap();
    let found: Vec<_> = timetable.after(from).take(expected.len()).collect();
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected, "{schedule} in {zone}");
    let last = *found.last().unwrap();
    let mut back: Vec<_> = timetable.until(last).take(found.len()).collect();
    back.reverse();
    assert_eq!(back, found, "{schedule} in {zone}, backwards");
    let end = last + jiff::SignedDuration::from_secs(1);
    let count = timetable.count(from + jiff::SignedDuration::from_secs(1), end);
    assert_eq!(count, found.len() as u64, "{schedule} in {zone}, counted");
    for tick in found {
        assert!(timetable.is_tick(tick), "{schedule} in {zone}, {tick}");
    }
}

/// 2026-03-08: 02:00 EST becomes 03:00 EDT.
#[test]
fn new_york_goes_forward() {
    let zone = "America/New_York";
    let from = "2026-03-07T12:00:00Z";
    // 02:30 does not exist: the first moment after the gap.
    check(
        "30 2 * * *",
        zone,
        from,
        &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
    );
    check(
        "0 2 * * *",
        zone,
        from,
        &["2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"],
    );
    // Two times in the gap, and one at its end, are one instant.
    check(
        "0,30 2 * * *",
        zone,
        from,
        &[
            "2026-03-08T07:00:00Z",
            "2026-03-09T06:00:00Z",
            "2026-03-09T06:30:00Z",
        ],
    );
    check(
        "15 2,3 * * *",
        zone,
        from,
        &[
            "2026-03-08T07:00:00Z",
            "2026-03-08T07:15:00Z",
            "2026-03-09T06:15:00Z",
        ],
    );
    check(
        "0 2,3 * * *",
        zone,
        from,
        &[
            "2026-03-08T07:00:00Z",
            "2026-03-09T06:00:00Z",
            "2026-03-09T07:00:00Z",
        ],
    );
    check(
        "59 1 * * *",
        zone,
        from,
        &["2026-03-08T06:59:00Z", "2026-03-09T05:59:00Z"],
    );
    check(
        "0 3 * * *",
        zone,
        from,
        &["2026-03-08T07:00:00Z", "2026-03-09T07:00:00Z"],
    );
    // Only that day; the day after is none of it.
    check(
        "30 2 8 3 *",
        zone,
        from,
        &["2026-03-08T07:00:00Z", "2027-03-08T07:30:00Z"],
    );
    // With a star: as the clock shows it, and 02:xx is not shown.
    check(
        "30 * * * *",
        zone,
        "2026-03-08T05:30:00Z",
        &["2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z"],
    );
    check(
        "*/30 2 * * *",
        zone,
        from,
        &["2026-03-09T06:00:00Z", "2026-03-09T06:30:00Z"],
    );
    check(
        "0 */2 * * *",
        zone,
        "2026-03-08T04:00:00Z",
        &[
            "2026-03-08T05:00:00Z",
            "2026-03-08T08:00:00Z",
            "2026-03-08T10:00:00Z",
        ],
    );
}

/// 2026-11-01: 02:00 EDT becomes 01:00 EST.
#[test]
fn new_york_goes_back() {
    let zone = "America/New_York";
    let from = "2026-11-01T04:00:00Z";
    // 01:30 comes twice: the first.
    check(
        "30 1 * * *",
        zone,
        from,
        &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
    );
    check(
        "0 1 * * *",
        zone,
        from,
        &["2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z"],
    );
    check(
        "0 2 * * *",
        zone,
        from,
        &["2026-11-01T07:00:00Z", "2026-11-02T07:00:00Z"],
    );
    check(
        "0,59 0-2 * * *",
        zone,
        from,
        &[
            "2026-11-01T04:59:00Z",
            "2026-11-01T05:00:00Z",
            "2026-11-01T05:59:00Z",
            "2026-11-01T07:00:00Z",
            "2026-11-01T07:59:00Z",
        ],
    );
    // In the second pass, the first is over.
    check(
        "30 1 * * *",
        zone,
        "2026-11-01T06:00:00Z",
        &["2026-11-02T06:30:00Z"],
    );
    // With a star: every real hour.
    check(
        "30 * * * *",
        zone,
        from,
        &[
            "2026-11-01T04:30:00Z",
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-01T07:30:00Z",
        ],
    );
    check(
        "*/30 1 * * *",
        zone,
        from,
        &[
            "2026-11-01T05:00:00Z",
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:00:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-02T06:00:00Z",
        ],
    );
}

/// 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00, both at 01:00 UTC.
#[test]
fn berlin_changes() {
    let zone = "Europe/Berlin";
    check(
        "30 2 * * *",
        zone,
        "2026-03-28T12:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
    check(
        "@daily",
        zone,
        "2026-03-28T12:00:00Z",
        &["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
    );
    check(
        "@hourly",
        zone,
        "2026-03-28T23:00:00Z",
        &[
            "2026-03-29T00:00:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T02:00:00Z",
        ],
    );
    check(
        "30 2 * * *",
        zone,
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
    check(
        "0 3 * * *",
        zone,
        "2026-10-24T12:00:00Z",
        &["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"],
    );
    check(
        "@hourly",
        zone,
        "2026-10-24T23:00:00Z",
        &[
            "2026-10-25T00:00:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T02:00:00Z",
        ],
    );
    check(
        "*/20 2 * * sun",
        zone,
        "2026-10-24T23:00:00Z",
        &[
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:20:00Z",
            "2026-10-25T00:40:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:20:00Z",
            "2026-10-25T01:40:00Z",
            "2026-11-01T01:00:00Z",
        ],
    );
}

/// Half an hour: 2026-04-05 02:00+11 becomes 01:30+10:30, 2026-10-04 02:00+10:30 becomes 02:30+11.
#[test]
fn lord_howe_changes_by_half_an_hour() {
    let zone = "Australia/Lord_Howe";
    check(
        "45 1 * * *",
        zone,
        "2026-04-04T12:00:00Z",
        &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
    );
    check(
        "15 1,2 * * *",
        zone,
        "2026-04-04T12:00:00Z",
        &["2026-04-04T14:15:00Z", "2026-04-04T15:45:00Z"],
    );
    check(
        "45 * * * *",
        zone,
        "2026-04-04T14:00:00Z",
        &[
            "2026-04-04T14:45:00Z",
            "2026-04-04T15:15:00Z",
            "2026-04-04T16:15:00Z",
        ],
    );
    check(
        "0 * * * *",
        zone,
        "2026-04-04T13:30:00Z",
        &["2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z"],
    );
    check(
        "15 2 * * *",
        zone,
        "2026-10-03T12:00:00Z",
        &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
    );
    check(
        "15,45 * * * *",
        zone,
        "2026-10-03T14:45:00Z",
        &[
            "2026-10-03T15:15:00Z",
            "2026-10-03T15:45:00Z",
            "2026-10-03T16:15:00Z",
        ],
    );
    check(
        "*/10 3 * * *",
        zone,
        "2026-10-03T15:00:00Z",
        &["2026-10-03T16:00:00Z", "2026-10-03T16:10:00Z"],
    );
}

/// Samoa had no 2011-12-30: after 29 December 23:59-10 came 31 December 00:00+14.
#[test]
fn apia_skips_a_day() {
    let zone = "Pacific/Apia";
    check(
        "30 2 * * *",
        zone,
        "2011-12-29T00:00:00Z",
        &[
            "2011-12-29T12:30:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-30T12:30:00Z",
            "2011-12-31T12:30:00Z",
        ],
    );
    check(
        "0 0 * * *",
        zone,
        "2011-12-28T12:00:00Z",
        &[
            "2011-12-29T10:00:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
        ],
    );
    check(
        "0 12 30 12 *",
        zone,
        "2011-01-01T00:00:00Z",
        &["2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"],
    );
    check(
        "0 * 30 12 *",
        zone,
        "2011-01-01T00:00:00Z",
        &["2012-12-29T10:00:00Z"],
    );
    check(
        "0 * * * *",
        zone,
        "2011-12-30T08:00:00Z",
        &[
            "2011-12-30T09:00:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-30T11:00:00Z",
        ],
    );
}

/// São Paulo's midnight: 2018-11-04 00:00 became 01:00, 2019-02-17 00:00 became 23:00 of the day before.
#[test]
fn sao_paulo_changes_at_midnight() {
    let zone = "America/Sao_Paulo";
    check(
        "0 0 * * *",
        zone,
        "2018-11-03T12:00:00Z",
        &["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"],
    );
    check(
        "0 * 4 11 *",
        zone,
        "2018-11-03T12:00:00Z",
        &["2018-11-04T03:00:00Z", "2018-11-04T04:00:00Z"],
    );
    check(
        "30 0 4 11 *",
        zone,
        "2018-11-03T12:00:00Z",
        &["2018-11-04T03:00:00Z"],
    );
    check(
        "*/30 0 * * *",
        zone,
        "2018-11-03T12:00:00Z",
        &["2018-11-05T02:00:00Z"],
    );
    check(
        "30 23 * * *",
        zone,
        "2019-02-16T12:00:00Z",
        &["2019-02-17T01:30:00Z", "2019-02-18T02:30:00Z"],
    );
    check(
        "30 * 16 2 *",
        zone,
        "2019-02-17T00:30:00Z",
        &["2019-02-17T01:30:00Z", "2019-02-17T02:30:00Z"],
    );
    check(
        "0 0 17 2 *",
        zone,
        "2019-02-16T12:00:00Z",
        &["2019-02-17T03:00:00Z"],
    );
}

/// Liberia was 44:30 minutes behind until 1972-01-07, when 00:00:00 became 00:44:30.
#[test]
fn monrovia_was_behind_by_seconds() {
    let zone = "Africa/Monrovia";
    check(
        "0 12 * * *",
        zone,
        "1972-01-05T00:00:00Z",
        &[
            "1972-01-05T12:44:30Z",
            "1972-01-06T12:44:30Z",
            "1972-01-07T12:00:00Z",
        ],
    );
    check(
        "59 * * * *",
        zone,
        "1972-01-06T23:00:00Z",
        &[
            "1972-01-06T23:43:30Z",
            "1972-01-07T00:43:30Z",
            "1972-01-07T00:59:00Z",
        ],
    );
    // The first whole minute after the gap.
    check(
        "30 0 * * *",
        zone,
        "1972-01-06T12:00:00Z",
        &["1972-01-07T00:45:00Z", "1972-01-08T00:30:00Z"],
    );
    check(
        "* 0 * * *",
        zone,
        "1972-01-07T00:00:00Z",
        &["1972-01-07T00:45:00Z", "1972-01-07T00:46:00Z"],
    );
}

#[test]
fn zones_without_changes_have_none() {
    check(
        "30 2 * * *",
        "Etc/UTC",
        "2026-03-28T12:00:00Z",
        &["2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"],
    );
    check(
        "30 2 * * *",
        "Etc/GMT+5",
        "2026-03-28T12:00:00Z",
        &["2026-03-29T07:30:00Z", "2026-03-30T07:30:00Z"],
    );
    check(
        "0 0 1 * *",
        "Asia/Kathmandu",
        "2026-03-28T12:00:00Z",
        &["2026-03-31T18:15:00Z", "2026-04-30T18:15:00Z"],
    );
}

/// Casablanca's clock goes back for Ramadan and forward after it: twice a year each.
#[test]
fn casablanca_keeps_ramadan() {
    let zone = "Africa/Casablanca";
    // 2026-02-15 03:00+01 becomes 02:00+00, 2026-03-22 02:00+00 becomes 03:00+01.
    check(
        "30 2 * * *",
        zone,
        "2026-02-14T12:00:00Z",
        &["2026-02-15T01:30:00Z", "2026-02-16T02:30:00Z"],
    );
    check(
        "30 2 * * *",
        zone,
        "2026-03-21T12:00:00Z",
        &["2026-03-22T02:00:00Z", "2026-03-23T01:30:00Z"],
    );
}
