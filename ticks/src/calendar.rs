use croner::{CronPattern, Weekday};
use jiff::Span;
use jiff::civil::Date;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// The day of the reading 0.
const EPOCH: Date = Date::constant(1970, 1, 1);
/// Days after which the Gregorian calendar repeats, weekdays included.
const CYCLE: i64 = 146_097;

/// The minutes of the calendar that a cron expression names, without any time zone.
///
/// A clock's reading is given in seconds since 1970-01-01 00:00, as if every day had 86,400 of them.
#[derive(Debug)]
pub(crate) struct Calendar {
    /// A day matches where any of them does.
    days: Vec<CronPattern>,
    /// The matching minutes of a matching day, ascending, in seconds since midnight.
    minutes: Vec<i64>,
}

impl Calendar {
    /// The calendar of patterns that differ in the day of the month alone.
    pub fn new(patterns: Vec<CronPattern>) -> Self {
        let mut minutes = Vec::new();
        if let Some(pattern) = patterns.first() {
            let values = pattern.minutes.values();
            for hour in pattern.hours.values() {
                let start = i64::from(hour) * 3600;
                minutes.extend(values.iter().map(|minute| start + i64::from(*minute) * 60));
            }
        }
        Self {
            days: patterns,
            minutes,
        }
    }

    /// Whether any reading matches: 30 February never comes.
    pub fn ever(&self) -> bool {
        self.first_within(0, CYCLE * DAY).is_some()
    }

    /// The first matching reading in `[from, to)`.
    pub fn first_within(&self, from: i64, to: i64) -> Option<i64> {
        let mut day = Day::holding(from)?;
        while day.start < to {
            if self.day_matches(day.date) {
                let at = self
                    .minutes
                    .partition_point(|minute| day.start + minute < from);
                if let Some(minute) = self.minutes.get(at) {
                    return Some(day.start + minute).filter(|reading| *reading < to);
                }
            }
            day = self.later(day)?;
        }
        None
    }

    /// The last matching reading in `[from, to)`.
    pub fn last_within(&self, from: i64, to: i64) -> Option<i64> {
        let mut day = Day::holding(to)?;
        while day.start + DAY > from {
            if self.day_matches(day.date) {
                let before = self
                    .minutes
                    .partition_point(|minute| day.start + minute < to);
                if let Some(minute) = before.checked_sub(1).and_then(|at| self.minutes.get(at)) {
                    return Some(day.start + minute).filter(|reading| *reading >= from);
                }
            }
            day = self.earlier(day)?;
        }
        None
    }

    /// The number of matching readings in `[from, to)`.
    pub fn count_within(&self, from: i64, to: i64) -> u64 {
        let mut count = 0;
        let mut next = Day::holding(from);
        while let Some(day) = next.filter(|day| day.start < to) {
            if self.day_matches(day.date) {
                let below = |limit: i64| {
                    self.minutes
                        .partition_point(|minute| day.start + minute < limit)
                };
                count += below(to).saturating_sub(below(from)) as u64;
            }
            next = self.later(day);
        }
        count
    }

    fn day_matches(&self, date: Date) -> bool {
        let weekday = u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs());
        self.days.iter().any(|pattern| {
            // Neither can fail for a date that exists.
            month_matches(pattern, date)
                && pattern
                    .day_match(
                        i32::from(date.year()),
                        u32::from(date.month().unsigned_abs()),
                        u32::from(date.day().unsigned_abs()),
                        Weekday::from_days_from_sunday(weekday),
                    )
                    .unwrap_or(false)
        })
    }

    fn month_matches(&self, date: Date) -> bool {
        self.days.iter().any(|pattern| month_matches(pattern, date))
    }

    /// The next day whose month may match.
    fn later(&self, day: Day) -> Option<Day> {
        let mut next = day.moved(1)?;
        while !self.month_matches(next.date) {
            next = next.moved(i64::from(next.date.days_in_month() - next.date.day()) + 1)?;
        }
        Some(next)
    }

    /// The previous day whose month may match.
    fn earlier(&self, day: Day) -> Option<Day> {
        let mut next = day.moved(-1)?;
        while !self.month_matches(next.date) {
            next = next.moved(-i64::from(next.date.day()))?;
        }
        Some(next)
    }
}

fn month_matches(pattern: &CronPattern, date: Date) -> bool {
    let month = u32::from(date.month().unsigned_abs());
    pattern.month_match(month).unwrap_or(false)
}

/// A day of the calendar.
#[derive(Clone, Copy)]
struct Day {
    date: Date,
    /// The reading at its midnight.
    start: i64,
}

impl Day {
    /// The day of a reading; none where the calendar of `jiff` does not reach.
    fn holding(reading: i64) -> Option<Self> {
        let days = reading.div_euclid(DAY);
        let since = Span::new().try_days(days).ok()?;
        Some(Self {
            date: EPOCH.checked_add(since).ok()?,
            start: days * DAY,
        })
    }

    fn moved(self, days: i64) -> Option<Self> {
        Self::holding(self.start + days * DAY)
    }
}
