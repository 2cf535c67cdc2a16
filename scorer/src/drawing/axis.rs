//! Ticks at round values and round times.

use jiff::Timestamp;

/// Where a tick is, from 0 (start of the axis) to 1 (its end), and its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Its share of the axis, from 0 to 1.
    pub at: f64,
    /// What is written beside it.
    pub label: String,
}

/// A linear axis of values that has room around the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueAxis {
    low: f64,
    high: f64,
}

impl ValueAxis {
    /// The axis that shows all of `values`. Those that are not finite do not count.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite()).map(bounded);
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return Self {
                low: -1.0,
                high: 1.0,
            };
        }
        let range = high - low;
        let is_flat = range <= low.abs().max(high.abs()) * 1e-12;
        let room = if is_flat {
            low.abs().max(1.0) * 0.1
        } else {
            range * 0.08
        };
        Self {
            low: low - room,
            high: high + room,
        }
    }

    /// Where `value` is, from 0 (low) to 1 (high).
    pub fn at(self, value: f64) -> f64 {
        ((bounded(value) - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Two to six ticks at multiples of 1, 2 or 5 times a power of ten.
    pub fn ticks(self) -> Vec<Tick> {
        let longest = (self.high - self.low) / 2.2;
        let power = 10f64.powf(longest.log10().floor());
        let nice = [5.0, 2.0, 1.0]
            .into_iter()
            .find(|nice| nice * power <= longest);
        let step = power * nice.unwrap_or(1.0);
        let first = (self.low / step).ceil();
        (0..6)
            .map(|position| (first + f64::from(position)) * step)
            .take_while(|value| *value <= self.high)
            .map(|value| Tick {
                at: self.at(value),
                label: label(value, step),
            })
            .collect()
    }
}

/// Far inside the range of floats, so that differences stay finite.
fn bounded(value: f64) -> f64 {
    value.clamp(-1e300, 1e300)
}

/// `value` with the decimals that tell it from its neighbours a `step` away.
fn label(value: f64, step: f64) -> String {
    let size = value.abs().max(step);
    if size >= 1e6 || step < 1e-5 {
        return if value == 0.0 {
            "0".into()
        } else {
            format!("{value:.2e}")
        };
    }
    let decimals = (0..6)
        .find(|decimals| step * 10f64.powi(*decimals) >= 0.999)
        .unwrap_or(6);
    let decimals = usize::try_from(decimals).unwrap_or_default();
    // Rounding must not leave a minus before zero.
    let rounded = if value.abs() < step / 2.0 { 0.0 } else { value };
    format!("{rounded:.decimals$}")
}

/// An axis of time from the first to the last reading, in nanoseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeAxis {
    first: i64,
    last: i64,
}

const MILLISECOND: i128 = 1_000_000;
const SECOND: i128 = 1_000 * MILLISECOND;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;
const YEAR: i128 = 365 * DAY;
/// Round distances between ticks. Neighbours differ by less than six times, so that one fits any span.
#[rustfmt::skip]
const STEPS: [i128; 33] = [
    MILLISECOND, 5 * MILLISECOND, 10 * MILLISECOND, 50 * MILLISECOND, 100 * MILLISECOND, 500 * MILLISECOND,
    SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND,
    MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
    DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY,
    YEAR, 5 * YEAR, 10 * YEAR, 50 * YEAR, 100 * YEAR,
];
/// Ticks that a narrow screen has room for.
const TICKS: i128 = 5;

impl TimeAxis {
    /// The axis that shows `times`, which ascend.
    pub fn of(times: &[i64]) -> Self {
        Self {
            first: times.first().copied().unwrap_or_default(),
            last: times.last().copied().unwrap_or_default(),
        }
    }

    /// Where `time` is, from 0 (first) to 1 (last).
    pub fn at(self, time: i64) -> f64 {
        let span = self.span();
        if span == 0 {
            return 0.5;
        }
        ((i128::from(time) - i128::from(self.first)) as f64 / span as f64).clamp(0.0, 1.0)
    }

    /// At most six ticks at round times in UTC; the first reading alone when all are within milliseconds.
    pub fn ticks(self) -> Vec<Tick> {
        let span = self.span();
        if span < 6 * MILLISECOND {
            let label = time_label(self.first, MILLISECOND, &mut None);
            return vec![Tick {
                at: self.at(self.first),
                label,
            }];
        }
        let step = STEPS
            .into_iter()
            .find(|step| span / step <= TICKS)
            .unwrap_or(100 * YEAR);
        let start = i128::from(self.first);
        let first = start + (-start).rem_euclid(step);
        let mut day = None;
        (0..=TICKS)
            .filter_map(|position| i64::try_from(first + position * step).ok())
            .take_while(|time| *time <= self.last)
            .map(|time| Tick {
                at: self.at(time),
                label: time_label(time, step, &mut day),
            })
            .collect()
    }

    fn span(self) -> i128 {
        i128::from(self.last) - i128::from(self.first)
    }
}

/// The time of day, or the date where `step` is whole days or a new day (other than `day`) begins.
fn time_label(time: i64, step: i128, day: &mut Option<String>) -> String {
    let Ok(time) = Timestamp::from_nanosecond(i128::from(time)) else {
        return String::new();
    };
    let date = time.strftime("%-d %b").to_string();
    if step >= 91 * DAY {
        return time.strftime("%b %Y").to_string();
    }
    let is_new = day.as_ref().is_some_and(|day| *day != date);
    *day = Some(date.clone());
    match step {
        DAY.. => date,
        MINUTE.. if is_new && step >= HOUR => date,
        MINUTE.. => time.strftime("%H:%M").to_string(),
        SECOND.. => time.strftime("%H:%M:%S").to_string(),
        _ => time.strftime("%H:%M:%S%.3f").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2018-08-28T22:10:00Z.
    const EVENING: i64 = 1_535_494_200_000_000_000;

    fn labels(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    fn hours(count: i64) -> TimeAxis {
        TimeAxis::of(&[EVENING, EVENING + count * 3_600_000_000_000])
    }

    #[test]
    fn times_are_round() {
        assert_eq!(
            labels(hours(1).ticks()),
            ["22:15", "22:30", "22:45", "23:00"]
        );
        assert_eq!(
            labels(hours(5).ticks()),
            ["23:00", "29 Aug", "01:00", "02:00", "03:00"]
        );
        assert_eq!(labels(hours(72).ticks()), ["29 Aug", "30 Aug", "31 Aug"]);
        assert_eq!(labels(hours(24 * 500).ticks()).len(), 5);
        assert_eq!(labels(TimeAxis::of(&[EVENING]).ticks()), ["22:10:00.000"]);
        assert_eq!(labels(TimeAxis::of(&[]).ticks()), ["00:00:00.000"]);
    }

    #[test]
    fn values_are_round() {
        let ticks = |low: f64, high: f64| labels(ValueAxis::of([low, high].into_iter()).ticks());
        assert_eq!(ticks(0.0, 10.0), ["0", "5", "10"]);
        assert_eq!(ticks(-0.31, 0.42), ["-0.2", "0.0", "0.2", "0.4"]);
        assert_eq!(ticks(20.0, 20.0), ["18", "19", "20", "21", "22"]);
        assert_eq!(ticks(0.0, 3e9), ["0", "1.00e9", "2.00e9", "3.00e9"]);
    }

    proptest! {
        #[test]
        fn every_value_has_its_place(values in prop::collection::vec(any::<f64>(), 0..20)) {
            let axis = ValueAxis::of(values.iter().copied());
            let ticks = axis.ticks();
            prop_assert!((2..=6).contains(&ticks.len()));
            prop_assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)));
            for value in values.iter().filter(|value| value.is_finite()) {
                prop_assert!((0.0..=1.0).contains(&axis.at(*value)));
            }
        }

        #[test]
        fn every_time_has_its_place(mut times in prop::collection::vec(any::<i64>(), 1..20)) {
            times.sort_unstable();
            let axis = TimeAxis::of(&times);
            let ticks = axis.ticks();
            prop_assert!(!ticks.is_empty() && ticks.len() <= 6);
            prop_assert!(ticks.is_sorted_by(|one, next| one.at < next.at));
            prop_assert!(times.iter().all(|time| (0.0..=1.0).contains(&axis.at(*time))));
        }
    }
}
