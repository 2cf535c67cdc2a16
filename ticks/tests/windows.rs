//! The window of a tick, and when the runs of a schedule start.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fleetscore_crds::{ScheduleWindow, ScheduleWindowKind};
use fleetscore_ticks::{Timetable, spread, window};
use jiff::Timestamp;
use proptest::prelude::*;

fn spec(kind: ScheduleWindowKind, offset_seconds: u32) -> ScheduleWindow {
    ScheduleWindow {
        kind,
        offset_seconds,
    }
}

#[test]
fn a_window_goes_from_tick_to_tick() {
    let timetable = Timetable::parse("30 2 * * *", "America/New_York").unwrap();
    let kind = ScheduleWindowKind::PreviousInterval;
    for (tick, offset, start, end) in [
        (
            "2026-03-08T07:00:00Z",
            0,
            "2026-03-07T07:30:00Z",
            "2026-03-08T07:00:00Z",
        ),
        (
            "2026-03-09T06:30:00Z",
            0,
            "2026-03-08T07:00:00Z",
            "2026-03-09T06:30:00Z",
        ),
        (
            "2026-03-09T06:30:00Z",
            600,
            "2026-03-08T06:50:00Z",
            "2026-03-09T06:20:00Z",
        ),
        (
            "2026-11-01T06:30:00Z",
            0,
            "2026-10-31T06:30:00Z",
            "2026-11-01T06:30:00Z",
        ),
        (
            "2026-11-01T07:30:00Z",
            0,
            "2026-10-31T06:30:00Z",
            "2026-11-01T07:30:00Z",
        ),
    ] {
        let found = window(&timetable, tick.parse().unwrap(), &spec(kind, offset)).unwrap();
        assert_eq!(
            (
                found.start.to_string().as_str(),
                found.end.to_string().as_str()
            ),
            (start, end),
            "{tick}"
        );
    }
}

#[test]
fn some_ticks_have_no_window() {
    let hourly = Timetable::parse("@hourly", "Etc/UTC").unwrap();
    let never = Timetable::parse("0 0 30 2 *", "Etc/UTC").unwrap();
    let tick: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let previous = ScheduleWindowKind::PreviousInterval;
    assert_eq!(
        window(&hourly, tick, &spec(ScheduleWindowKind::None, 60)),
        None
    );
    assert_eq!(window(&never, tick, &spec(previous, 0)), None);
    assert_eq!(window(&hourly, Timestamp::MIN, &spec(previous, 0)), None);
    let first = hourly.next(Timestamp::MIN).unwrap();
    let second = hourly.next(first).unwrap();
    assert!(window(&hourly, second, &spec(previous, 0)).is_some());
    assert_eq!(window(&hourly, second, &spec(previous, u32::MAX)), None);
}

/// By hand: `echo "$((0x$(printf UID | sha256sum | cut -c-16)))"`, over 2^64, times the seconds.
#[test]
fn a_spread_is_known() {
    let uid = "7c0b3f1e-6a5d-4f7e-9a58-0d7f6c1b2a3";
    for (uid, seconds, expected) in [
        (String::new(), 3600, 3201),
        (format!("{uid}e"), 3600, 17),
        (format!("{uid}e"), 86_400, 420),
        (format!("{uid}f"), 86_400, 70_417),
    ] {
        assert_eq!(spread(&uid, seconds).as_secs(), expected, "{uid}");
    }
    assert_eq!(spread("any", 0).as_secs(), 0);
    assert_eq!(spread("any", 1).as_secs(), 0);
}

proptest! {
    #[test]
    fn windows_of_following_ticks_meet(
        schedule in "(\\*|\\*/[1-9]|[0-9]|[0-5][0-9]) (\\*|\\*/[1-9]|[0-9]|1[0-9]) \\* \\* (\\*|[0-7])",
        zone in prop::sample::select(vec!["Etc/UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]),
        at in 0_i64..2_000_000_000,
        offset in 0_u32..100_000,
    ) {
        let timetable = Timetable::parse(&schedule, zone).unwrap();
        let spec = spec(ScheduleWindowKind::PreviousInterval, offset);
        let ticks: Vec<_> = timetable.after(Timestamp::from_second(at).unwrap()).take(5).collect();
        let windows: Vec<_> = ticks.iter().map(|tick| window(&timetable, *tick, &spec).unwrap()).collect();
        for pair in windows.windows(2) {
            prop_assert!(pair[0].start < pair[0].end);
            prop_assert_eq!(pair[0].end, pair[1].start);
        }
    }

    #[test]
    fn a_spread_is_below_its_limit(uid: String, seconds in 1_u32..) {
        let found = spread(&uid, seconds).as_secs();
        prop_assert!((0..i64::from(seconds)).contains(&found));
    }
}

/// 60,000 UIDs over 60 seconds: the sum of squares is that of a uniform distribution (chi-squared, 59 degrees of freedom: above
/// 113 once in 30,000 times; the UIDs are fixed).
#[test]
fn spreads_are_uniform() {
    let mut counts = [0_f64; 60];
    for number in 0..60_000 {
        let uid = format!("00000000-0000-4000-8000-{number:012x}");
        counts[usize::try_from(spread(&uid, 60).as_secs()).unwrap()] += 1.0;
    }
    let squares: f64 = counts
        .iter()
        .map(|count| (count - 1000.0).powi(2) / 1000.0)
        .sum();
    assert!((20.0..113.0).contains(&squares), "{squares}");
}
