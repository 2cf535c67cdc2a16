//! Timetables against cronsim, an implementation of Debian's cron in Python: `tests/oracle/make_fixture.py` writes its answers
//! here, `make ticks-oracle` compares many more.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fleetscore_ticks::{Timetable, zones};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn lines<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let lines: Vec<T> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 400, "{}", lines.len());
    lines
}

#[derive(Deserialize)]
struct Answer {
    schedule: String,
    zone: String,
    at: i64,
    after: Vec<i64>,
    until: Vec<i64>,
}

#[test]
fn ticks_equal() {
    for Answer {
        schedule,
        zone,
        at,
        after,
        until,
    } in lines(include_str!("fixtures/ticks.jsonl"))
    {
        let timetable = Timetable::parse(&schedule, &zone).unwrap();
        let start = Timestamp::from_second(at).unwrap();
        let found = timetable
            .after(start)
            .map(Timestamp::as_second)
            .take(after.len());
        assert_eq!(
            found.collect::<Vec<_>>(),
            after,
            "{schedule} in {zone} after {at}"
        );
        let found = timetable
            .until(start)
            .map(Timestamp::as_second)
            .take(until.len());
        assert_eq!(
            found.collect::<Vec<_>>(),
            until,
            "{schedule} in {zone} until {at}"
        );
    }
}

#[derive(Deserialize)]
struct Verdict {
    schedule: String,
    accepted: bool,
}

#[test]
fn the_same_texts_are_accepted() {
    for Verdict { schedule, accepted } in lines(include_str!("fixtures/grammar.jsonl")) {
        let found = Timetable::parse(&schedule, "Etc/UTC");
        assert_eq!(found.is_ok(), accepted, "{schedule:?}: {found:?}");
    }
}

/// The fixtures are of the release of the time zone database that `tests/oracle/requirements.txt` names; a newer one here may
/// answer otherwise: make them anew.
#[test]
fn the_fixtures_are_of_this_database() {
    let requirements = include_str!("oracle/requirements.txt");
    let pinned = requirements
        .lines()
        .find_map(|line| line.strip_prefix("tzdata=="))
        .unwrap();
    // 2026.6 is the package of release 2026f.
    let (year, number) = pinned.split_once('.').unwrap();
    let letter = char::from(b'a' + number.parse::<u8>().unwrap() - 1);
    assert_eq!(zones().version.unwrap(), format!("{year}{letter}"));
}
