use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::calendar::Calendar;
use crate::stretch::Stretch;
use crate::{TimetableError, grammar, zones};

/// When a schedule ticks: a cron expression in a time zone.
///
/// An expression whose minute and hour both do not start with `*` means times of day: each is one tick on each matching local
/// day. A time that the clock skips ticks at the first minute after the gap, one that it shows twice at the first. Any other
/// expression ticks whenever the local clock shows a matching minute. This is what Debian's cron does.
///
/// Ticks lie within the range of [`Timestamp`]. A clone is cheap.
#[derive(Clone, Debug)]
pub struct Timetable {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    calendar: Calendar,
    fixed: bool,
    /// Whether there is any tick.
    ever: bool,
    zone: TimeZone,
}

impl Timetable {
    /// The timetable of a cron expression and the name of a time zone.
    ///
    /// # Errors
    ///
    /// A wrong expression, with the column of the mistake; a zone that the database does not hold, with similar names; a
    /// database that cannot be read.
    pub fn parse(schedule: &str, time_zone: &str) -> Result<Self, TimetableError> {
        let expression = grammar::parse(schedule)?;
        let calendar = Calendar::new(expression.patterns);
        Ok(Self {
            inner: Arc::new(Inner {
                ever: calendar.ever(),
                calendar,
                fixed: expression.fixed,
                zone: zones::time_zone(time_zone)?,
            }),
        })
    }

    /// The time zone in which the expression is read.
    pub fn zone(&self) -> &TimeZone {
        &self.inner.zone
    }

    /// Whether there is no tick at any time, as of `0 0 30 2 *`.
    pub fn is_empty(&self) -> bool {
        !self.inner.ever
    }

    /// The ticks strictly after `time`, ascending.
    pub fn after(&self, time: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next(time), |tick| self.next(*tick))
    }

    /// The ticks at `time` or before, descending.
    pub fn until(&self, time: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let last = self.inner.last_before(floor(time) + 1).and_then(instant);
        std::iter::successors(last, |tick| self.previous(*tick))
    }

    /// The first tick strictly after `after`.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.inner.first_from(floor(after) + 1).and_then(instant)
    }

    /// The last tick strictly before `before`.
    pub fn previous(&self, before: Timestamp) -> Option<Timestamp> {
        self.inner.last_before(ceiling(before)).and_then(instant)
    }

    /// The number of ticks in `[from, to)`.
    pub fn count(&self, from: Timestamp, to: Timestamp) -> u64 {
        self.inner.count(ceiling(from), ceiling(to))
    }

    /// Whether there is a tick at `time`.
    pub fn is_tick(&self, time: Timestamp) -> bool {
        self.until(time).next() == Some(time)
    }
}

impl Inner {
    /// The first tick at `from` or later.
    fn first_from(&self, from: i64) -> Option<i64> {
        if !self.ever {
            return None;
        }
        let mut stretch = Stretch::holding(&self.zone, from)?;
        loop {
            if let Some(tick) = self.first_in(stretch, from) {
                return Some(tick);
            }
            stretch = stretch.next(&self.zone)?;
        }
    }

    /// The last tick before `to`.
    fn last_before(&self, to: i64) -> Option<i64> {
        if !self.ever {
            return None;
        }
        let mut stretch = Stretch::holding(&self.zone, to - 1)?;
        loop {
            if let Some(tick) = self.last_in(stretch, to) {
                return Some(tick);
            }
            stretch = stretch.previous(&self.zone)?;
        }
    }

    /// The number of ticks in `[from, to)`.
    fn count(&self, from: i64, to: i64) -> u64 {
        if !self.ever {
            return 0;
        }
        let mut count = 0;
        let mut next = Stretch::holding(&self.zone, from);
        while let Some(stretch) = next.filter(|stretch| stretch.start < to) {
            count += self.count_in(stretch, from, to);
            next = stretch.next(&self.zone);
        }
        count
    }

    /// The first tick of `stretch` at `from` or later.
    fn first_in(&self, stretch: Stretch, from: i64) -> Option<i64> {
        let shown = self.shown(stretch);
        let (low, high) = shown.within(from, stretch.end);
        let regular = self.calendar.first_within(low, high);
        let regular = regular.map(|reading| reading - stretch.offset);
        let made_up = shown.made_up.filter(|tick| *tick >= from);
        made_up.into_iter().chain(regular).min()
    }

    /// The last tick of `stretch` before `to`.
    fn last_in(&self, stretch: Stretch, to: i64) -> Option<i64> {
        let shown = self.shown(stretch);
        let (low, high) = shown.within(stretch.start, to);
        let regular = self.calendar.last_within(low, high);
        let regular = regular.map(|reading| reading - stretch.offset);
        let made_up = shown.made_up.filter(|tick| *tick < to);
        made_up.max(regular)
    }

    /// The number of ticks of `stretch` in `[from, to)`.
    fn count_in(&self, stretch: Stretch, from: i64, to: i64) -> u64 {
        let shown = self.shown(stretch);
        let (low, high) = shown.within(from, to);
        let regular = self.calendar.count_within(low, high);
        let extra = shown.made_up.is_some_and(|tick| {
            let reading = tick + stretch.offset;
            let counted = self.calendar.first_within(reading, reading + 1).is_some();
            (from..to).contains(&tick) && !counted
        });
        regular + u64::from(extra)
    }

    /// Which readings of `stretch` tick.
    fn shown(&self, stretch: Stretch) -> Shown {
        if !self.fixed {
            return Shown {
                stretch,
                fresh: stretch.opening(),
                made_up: None,
            };
        }
        let opening = stretch.opening();
        let reached = stretch.reached(&self.zone);
        let skipped = self.calendar.first_within(reached, opening).is_some();
        // Cron looks at whole minutes of the local clock.
        let minute = opening + (-opening).rem_euclid(60);
        Shown {
            stretch,
            fresh: opening.max(reached),
            made_up: (skipped && minute < stretch.closing()).then_some(minute - stretch.offset),
        }
    }
}

/// Which readings of a stretch tick.
struct Shown {
    stretch: Stretch,
    /// The readings from here on tick.
    fresh: i64,
    /// The tick that stands for what the clock skipped just before the stretch.
    made_up: Option<i64>,
}

impl Shown {
    /// The ticking readings of the instants `[from, to)`, as `[low, high)`.
    fn within(&self, from: i64, to: i64) -> (i64, i64) {
        let Stretch { start, end, offset } = self.stretch;
        let low = (from.max(start) + offset).max(self.fresh);
        (low, to.min(end) + offset)
    }
}

/// The whole second at `time` or before.
fn floor(time: Timestamp) -> i64 {
    time.as_second() - i64::from(time.subsec_nanosecond() < 0)
}

/// The whole second at `time` or after.
fn ceiling(time: Timestamp) -> i64 {
    time.as_second() + i64::from(time.subsec_nanosecond() > 0)
}

fn instant(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}
