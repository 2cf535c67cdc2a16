use std::str;

use jiff::{Timestamp, civil, civil::DateTime};

use super::Result;
use super::zone::LocalZone;

const SECOND: i64 = 1_000_000_000;

/// Reads times in any of the forms that `columns.time` allows.
///
/// Text: `YYYY-MM-DD`, `T` or a space, `HH:MM:SS`, optionally a fraction of up to nine digits, optionally an offset (`Z`,
/// `+HH:MM`); without an offset it is local time in the given zone. ISO 8601's other forms are read too. Numbers: see
/// [`TimeParser::epoch`]. Instants are nanoseconds since 1970, so they lie between the years 1677 and 2262.
#[derive(Clone, Debug)]
pub struct TimeParser {
    zone: LocalZone,
    /// The last date and its midnight: successive readings mostly share it.
    date: [u8; 10],
    midnight: i64,
}

impl TimeParser {
    /// A parser for `zone`, an IANA name, as the zone of times without an offset.
    pub fn new(zone: &str) -> Result<Self> {
        Ok(Self {
            zone: LocalZone::new(zone)?,
            date: *b"1970-01-01",
            midnight: 0,
        })
    }

    /// The instant that `text` names; none where it is no time or out of range.
    pub fn parse(&mut self, text: &[u8]) -> Option<i64> {
        let text = text.trim_ascii();
        match self.fixed_form(text) {
            Some((local, b"")) => self.zone.instant(local),
            Some((local, suffix)) => match offset(suffix) {
                Some(offset) => local.checked_sub(offset),
                None => self.any_form(text),
            },
            None => epoch_text(text).or_else(|| self.any_form(text)),
        }
    }

    /// The instant of a number: seconds, milliseconds, microseconds or nanoseconds since 1970 by its magnitude.
    ///
    /// Below 10^11: seconds (to the year 5138). Below 10^14: milliseconds (from March 1973). Below 10^17: microseconds.
    /// Above: nanoseconds.
    pub fn epoch(number: i64) -> Option<i64> {
        number.checked_mul(epoch_unit(number))
    }

    /// The instant of a local time in nanoseconds since 1970.
    pub(crate) fn local(&mut self, local: i64) -> Option<i64> {
        self.zone.instant(local)
    }

    /// Whether times without an offset are UTC.
    pub(crate) fn is_utc(&self) -> bool {
        self.zone.is_utc()
    }

    /// `YYYY-MM-DD?HH:MM:SS[.fraction]` as local nanoseconds, and what follows.
    fn fixed_form<'t>(&mut self, text: &'t [u8]) -> Option<(i64, &'t [u8])> {
        let (date, rest) = text.split_first_chunk::<10>()?;
        let [
            b'T' | b't' | b' ',
            h1,
            h2,
            b':',
            m1,
            m2,
            b':',
            s1,
            s2,
            rest @ ..,
        ] = rest
        else {
            return None;
        };
        let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (nanos, rest) = fraction(rest)?;
        let clock = (hour * 3600 + minute * 60 + second) * SECOND + nanos;
        Some((self.midnight_of(date)?.checked_add(clock)?, rest))
    }

    fn midnight_of(&mut self, date: &[u8; 10]) -> Option<i64> {
        if self.date != *date {
            let midnight = midnight(date)?;
            (self.date, self.midnight) = (*date, midnight);
        }
        Some(self.midnight)
    }

    /// All forms that jiff reads.
    fn any_form(&mut self, text: &[u8]) -> Option<i64> {
        let text = str::from_utf8(text).ok()?;
        if let Ok(instant) = text.parse::<Timestamp>() {
            return i64::try_from(instant.as_nanosecond()).ok();
        }
        let local: DateTime = text.parse().ok()?;
        self.zone.instant(local_nanos(local)?)
    }
}

/// Nanoseconds in the unit that a number of this magnitude is in.
pub(crate) fn epoch_unit(number: i64) -> i64 {
    match number.unsigned_abs() {
        0..100_000_000_000 => SECOND,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    }
}

fn local_nanos(local: DateTime) -> Option<i64> {
    let instant = jiff::tz::TimeZone::UTC.to_timestamp(local).ok()?;
    i64::try_from(instant.as_nanosecond()).ok()
}

fn midnight(date: &[u8; 10]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else {
        return None;
    };
    let year = i16::try_from(two(y1, y2)? * 100 + two(y3, y4)?).ok()?;
    let (month, day) = (
        i8::try_from(two(m1, m2)?).ok()?,
        i8::try_from(two(d1, d2)?).ok()?,
    );
    local_nanos(
        civil::Date::new(year, month, day)
            .ok()?
            .to_datetime(civil::Time::midnight()),
    )
}

/// A fraction `.d` to `.ddddddddd` in nanoseconds, and what follows; zero where there is none.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', digits @ ..] = text else {
        return Some((0, text));
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (digits, rest) = digits.split_at(count);
    Some((scaled(digits), rest))
}

/// Up to nine digits after the point as billionths.
fn scaled(digits: &[u8]) -> i64 {
    let value = digits
        .iter()
        .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    (digits.len()..9).fold(value, |value, _| value * 10)
}

/// `Z`, `+HH`, `+HHMM` or `+HH:MM` in nanoseconds ahead of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *text {
        [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    let seconds = (hours <= 25 && minutes <= 59).then_some(hours * 3600 + minutes * 60)?;
    match sign {
        b'+' => Some(seconds * SECOND),
        b'-' => Some(-seconds * SECOND),
        _ => None,
    }
}

/// A decimal number, such as `1535497205` or `1535497205.25`, as an instant. A fraction counts in the number's unit.
fn epoch_text(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (digits.get(..point)?, digits.get(point + 1..)?),
        None => (digits, &b""[..]),
    };
    if whole.is_empty()
        || !digits
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        || fraction.contains(&b'.')
    {
        return None;
    }
    let whole: i64 = str::from_utf8(whole).ok()?.parse().ok()?;
    let unit = epoch_unit(whole);
    let part = scaled(fraction.get(..9).unwrap_or(fraction)) / (SECOND / unit);
    let nanos = whole.checked_mul(unit)?.checked_add(part)?;
    Some(if negative { -nanos } else { nanos })
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}
