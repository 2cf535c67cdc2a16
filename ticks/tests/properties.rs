//! Timetables of random expressions near random transitions of every zone, against what a clock shows from minute to minute.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fleetscore_ticks::Timetable;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const DAY: i64 = 86_400;

/// Every zone of the database, with its transitions from 1970 to 2037.
static ZONES: LazyLock<Vec<(String, Vec<i64>)>> = LazyLock::new(|| {
    let database = TimeZoneDatabase::bundled();
    let names = database.available().map(|name| name.to_string());
    names
        .map(|name| (name.clone(), transitions(&database.get(&name).unwrap())))
        .collect()
});

fn transitions(zone: &TimeZone) -> Vec<i64> {
    let last = year(2038);
    zone.following(Timestamp::from_second(year(1970)).unwrap())
        .map(|transition| transition.timestamp().as_second())
        .take_while(|at| *at < last)
        .collect()
}

fn year(year: i16) -> i64 {
    let start = Date::constant(year, 1, 1).to_datetime(jiff::civil::Time::midnight());
    TimeZone::UTC.to_timestamp(start).unwrap().as_second()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A field: its text and its values.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    values: BTreeSet<i8>,
}

impl Field {
    fn starred(&self) -> bool {
        self.text.starts_with('*')
    }
}

/// An item of a field from `first` to `last`.
fn item(first: i8, last: i8) -> impl Strategy<Value = Field> {
    let values = move |text: String, from: i8, to: i8, step: usize| Field {
        text,
        values: (from..=to).step_by(step).collect(),
    };
    prop_oneof![
        3 => (first..=last).prop_map(move |value| values(value.to_string(), value, value, 1)),
        1 => (first..=last, 1_usize..30).prop_map(move |(value, step)| values(format!("{value}/{step}"), value, last, step)),
        1 => (1_usize..30).prop_map(move |step| values(format!("*/{step}"), first, last, step)),
        2 => (first..=last, first..=last, 1_usize..30).prop_map(move |(one, other, step)| {
            let (low, high) = (one.min(other), one.max(other));
            values(format!("{low}-{high}/{step}"), low, high, step)
        }),
    ]
}

fn field(first: i8, last: i8, star: u32) -> impl Strategy<Value = Field> {
    let all = Field {
        text: "*".to_owned(),
        values: (first..=last).collect(),
    };
    let list = prop::collection::vec(item(first, last), 1..3).prop_map(|items| Field {
        text: items
            .iter()
            .map(|item| item.text.clone())
            .collect::<Vec<_>>()
            .join(","),
        values: items.into_iter().flat_map(|item| item.values).collect(),
    });
    prop_oneof![star => Just(all), 10 => list]
}

/// Some of the hours after midnight.
fn hours() -> impl Strategy<Value = Field> {
    prop::collection::btree_set(0_i8..4, 1..4).prop_map(|values| Field {
        text: values
            .iter()
            .map(i8::to_string)
            .collect::<Vec<_>>()
            .join(","),
        values,
    })
}

/// An expression with what it means.
#[derive(Clone, Debug)]
struct Expression {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Expression {
    fn text(&self) -> String {
        let Self {
            minute,
            hour,
            day,
            month,
            weekday,
        } = self;
        let fields = [minute, hour, day, month, weekday];
        fields.map(|field| field.text.clone()).join(" ")
    }

    fn fixed(&self) -> bool {
        !self.minute.starred() && !self.hour.starred()
    }

    fn matches(&self, reading: DateTime) -> bool {
        let weekday = reading.weekday().to_sunday_zero_offset();
        let day = self.day.values.contains(&reading.day());
        let weekday = self.weekday.values.contains(&weekday)
            || weekday == 0 && self.weekday.values.contains(&7);
        let both = self.day.starred() || self.weekday.starred();
        self.minute.values.contains(&reading.minute())
            && self.hour.values.contains(&reading.hour())
            && self.month.values.contains(&reading.month())
            && if both { day && weekday } else { day || weekday }
    }
}

fn expression() -> impl Strategy<Value = Expression> {
    // Hours at which clocks change are more frequent.
    let hour = prop_oneof![field(0, 23, 10), hours()];
    (
        field(0, 59, 5),
        hour,
        field(1, 31, 30),
        field(1, 12, 100),
        field(0, 7, 30),
    )
        .prop_map(|(minute, hour, day, month, weekday)| Expression {
            minute,
            hour,
            day,
            month,
            weekday,
        })
}

/// A zone and an instant, mostly near one of its transitions.
fn place() -> impl Strategy<Value = (String, i64)> {
    let near = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        -2 * DAY..DAY,
    );
    near.prop_map(|(zone, transition, distance)| {
        let (name, transitions) = zone.get(&ZONES);
        let near = if transitions.is_empty() {
            year(2000)
        } else {
            *transition.get(transitions)
        };
        (name.clone(), near + distance)
    })
}

/// The ticks in `[from, to)`: the local clock is read at every minute that it shows. A fixed time ticks when the clock shows it,
/// or a later one, for the first time.
fn watched(expression: &Expression, zone: &TimeZone, from: i64, to: i64) -> Vec<Timestamp> {
    let mut ticks = Vec::new();
    let mut highest: Option<DateTime> = None;
    // Early enough to know what the clock has shown before.
    let mut instant = from - 3 * DAY;
    while instant < to {
        let reading = zone.to_datetime(at(instant));
        if reading.second() != 0 {
            instant += 60 - i64::from(reading.second());
            continue;
        }
        let before = highest.unwrap_or(reading);
        let ticked = if expression.fixed() {
            passed(before, reading).any(|reading| expression.matches(reading))
        } else {
            expression.matches(reading)
        };
        highest = highest.max(Some(reading));
        if ticked && instant >= from {
            ticks.push(at(instant));
        }
        instant += 60;
    }
    ticks
}

/// The minutes after `before` until `now`; none where `now` is not later.
fn passed(before: DateTime, now: DateTime) -> impl Iterator<Item = DateTime> {
    let minute = SignedDuration::from_mins(1);
    std::iter::successors(Some(now), move |reading| reading.checked_sub(minute).ok())
        .take_while(move |reading| *reading > before)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn ticks_are_what_a_clock_shows(expression in expression(), (name, from) in place(), length in 1..3 * DAY) {
        let timetable = Timetable::parse(&expression.text(), &name).unwrap();
        let to = from + length;
        let expected = watched(&expression, timetable.zone(), from, to);
        let text = format!("{} in {name}", expression.text());

        let found: Vec<_> = timetable.after(at(from - 1)).take_while(|tick| *tick < at(to)).collect();
        prop_assert_eq!(&found, &expected, "{}", text);
        let mut back: Vec<_> = timetable.until(at(to - 1)).take_while(|tick| *tick >= at(from)).collect();
        back.reverse();
        prop_assert_eq!(&back, &expected, "{}, backwards", text);
        prop_assert_eq!(timetable.count(at(from), at(to)), expected.len() as u64, "{}, counted", text);
    }

    #[test]
    fn next_and_previous_leave_out_the_instant(expression in expression(), (name, from) in place(), nanos in -1_000_000_000_i64..1_000_000_000) {
        let timetable = Timetable::parse(&expression.text(), &name).unwrap();
        let time = at(from) + SignedDuration::from_nanos(nanos);
        if let Some(next) = timetable.next(time) {
            prop_assert!(next > time);
            prop_assert!(timetable.is_tick(next));
            prop_assert_eq!(timetable.previous(next), timetable.until(time).next());
            let nanosecond = SignedDuration::from_nanos(1);
            prop_assert_eq!(timetable.next(next - nanosecond), Some(next));
            prop_assert_eq!(timetable.previous(next + nanosecond), Some(next));
            prop_assert!(!timetable.is_tick(next + nanosecond));
            prop_assert!(!timetable.is_tick(next - nanosecond));
            prop_assert_eq!(timetable.count(time, next), u64::from(timetable.is_tick(time)));
        }
    }

    /// Any text is a timetable or a mistake within the text.
    #[test]
    fn any_text_is_harmless(text in "([*0-9,/LW#-]|mon|jan|@| ){0,24}|.{0,24}", zone in "[A-Za-z/_]{0,12}") {
        if let Err(fleetscore_ticks::TimetableError::Cron { column, .. }) = Timetable::parse(&text, "Etc/UTC") {
            prop_assert!((1..=text.chars().count() + 1).contains(&column));
        }
        let _ = Timetable::parse("@daily", &zone);
    }
}

/// A time of day is one tick on every day of the calendar, in every zone; but for days that a zone skipped as a whole.
#[test]
fn once_a_day_in_every_zone() {
    for (name, transitions) in ZONES.iter() {
        for schedule in ["30 2 * * *", "15 0 * * *", "45 1 * * *"] {
            let timetable = Timetable::parse(schedule, name).unwrap();
            let zone = timetable.zone().clone();
            let midnight = |date: Date| date.to_zoned(zone.clone()).unwrap().timestamp();
            let (first, last) = (Date::constant(1970, 1, 2), Date::constant(2038, 1, 1));
            let days = (last - first).get_days();
            let count = timetable.count(midnight(first), midnight(last));
            assert_eq!(
                count,
                u64::from(days.unsigned_abs()),
                "{schedule} in {name}"
            );
        }
        // Every minute is one real minute, but for zones that once were off by seconds.
        let (from, to) = (at(year(1973)), at(year(2038)));
        let minutes = Timetable::parse("* * * * *", name).unwrap().count(from, to);
        assert_eq!(
            i64::try_from(minutes).unwrap(),
            (year(2038) - year(1973)) / 60,
            "{name}"
        );
        assert!(transitions.is_sorted());
    }
}

#[test]
fn the_calendar_has_an_end() {
    for schedule in ["@daily", "* * * * *", "0 0 29 2 */7"] {
        for zone in [
            "Etc/UTC",
            "Europe/Berlin",
            "Pacific/Kiritimati",
            "Etc/GMT+12",
        ] {
            let timetable = Timetable::parse(schedule, zone).unwrap();
            let week = SignedDuration::from_hours(7 * 24);
            let last: Vec<_> = timetable.after(Timestamp::MAX - week).collect();
            let first: Vec<_> = timetable.until(Timestamp::MIN + week).collect();
            assert!(last.is_sorted() && first.iter().rev().is_sorted());
            assert_eq!(timetable.next(Timestamp::MAX), None);
            assert_eq!(timetable.previous(Timestamp::MIN), None);
            assert!(timetable.after(Timestamp::MIN).next().is_some());
            assert!(timetable.until(Timestamp::MAX).next().is_some());
        }
    }
    // The midnights from -9999-01-03 to 9999-12-30.
    let midnights = Timetable::parse("@daily", "Etc/UTC").unwrap();
    let days = Date::constant(9999, 12, 30) - Date::constant(-9999, 1, 3);
    let count = midnights.count(Timestamp::MIN, Timestamp::MAX);
    assert_eq!(count, u64::from(days.get_days().unsigned_abs()) + 1);
}
