use std::str;

use jiff::{Timestamp, civil, civil::DateTime};

use super::Result;
use super::zone::LocalZone;

const SECOND: i64 = 1_000_000_000;

/// What a time should be: none of the forms that are read.
pub(super) const NO_TIME: &str =
    "a time, such as 2018-08-28T23:00:05Z, 2018-08-28 23:00:05 or a number since 1970";
/// The same of one that cannot be held.
pub(super) const OUT_OF_RANGE: &str = "a time between the years 1677 and 2262";
/// The same of one that has two readings.
const UNORDERED: &str = "a time, such as 2018-08-28 23:00:05, with year, month and day in this order and 24 hours: \
                         in other orders they cannot be told apart";
/// The same of a number that has been rounded.
const CUT_OFF: &str = "a time: the number lacks the last digits of its seconds; write it in full";

/// Reads times in any of the forms that `columns.time` allows.
///
/// Text: `YYYY-MM-DD`, `T` or a space, `HH:MM:SS`, optionally a fraction of up to nine digits, optionally an offset (`Z`,
/// `+HH:MM`, `UTC`, with a space before it or none); without an offset it is local time in the given zone. ISO 8601's other forms
/// are read too. Numbers: see [`TimeParser::epoch`]. What has two readings, such as `3/4/2018`, is no time. Instants are nanoseconds since 1970, so they lie between the years 1677 and 2262.
#[derive(Clone, Debug)]
pub struct TimeParser {
    zone: LocalZone,
    /// The last date and its midnight: successive readings mostly share it.
    date: [u8; 10],
    midnight: i64,
    /// The last text and its instant: readings of many sensors mostly share it.
    last: (Halves, i64),
}

/// A text that is a time, by its first and its last half, which overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Halves {
    length: usize,
    first: [u8; 16],
    last: [u8; 16],
}

impl Halves {
    /// Those of a text of up to 32 bytes; none of one that is quickly read.
    fn of(text: &[u8]) -> Option<Self> {
        let length = text.len();
        let (first, last) = (text.first_chunk()?, text.last_chunk()?);
        (length <= 32).then_some(Self {
            length,
            first: *first,
            last: *last,
        })
    }
}

impl TimeParser {
    /// A parser for `zone`, an IANA name, as the zone of times without an offset.
    pub fn new(zone: &str) -> Result<Self> {
        Ok(Self {
            zone: LocalZone::new(zone)?,
            date: *b"1970-01-01",
            midnight: 0,
            last: (Halves::default(), 0),
        })
    }

    /// The instant that `text` names; none where it is no time or out of range.
    pub fn parse(&mut self, text: &[u8]) -> Option<i64> {
        let halves = Halves::of(text);
        if halves.is_some_and(|halves| halves == self.last.0) {
            return Some(self.last.1);
        }
        let instant = self.parse_anew(text)?;
        if let Some(halves) = halves {
            self.last = (halves, instant);
        }
        Some(instant)
    }

    fn parse_anew(&mut self, text: &[u8]) -> Option<i64> {
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

    /// The instant of a number with a fraction, in the unit that its whole part says, as if it were written in decimal.
    pub(crate) fn epoch_float(number: f64) -> Option<i64> {
        // A number is written in the fewest digits that read back as the same, and never with an exponent.
        number
            .is_finite()
            .then(|| epoch_text(number.to_string().as_bytes()))?
    }

    /// What a time should be that cannot be read.
    pub(crate) fn expected(text: &[u8]) -> &'static str {
        let text = text.trim_ascii();
        let ends_in = |half: &[u8]| {
            text.get(text.len().saturating_sub(2)..)
                .is_some_and(|end| end.eq_ignore_ascii_case(half))
        };
        if text.contains(&b'/') || ends_in(b"am") || ends_in(b"pm") {
            return UNORDERED;
        }
        if scientific(text).is_some() {
            return CUT_OFF;
        }
        if is_any_time(text) {
            OUT_OF_RANGE
        } else {
            NO_TIME
        }
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

/// `Z`, `UTC`, `GMT`, `+HH`, `+HHMM` or `+HH:MM` in nanoseconds ahead of UTC; with `UTC` behind it only where it is none.
fn offset(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii_start();
    let (text, utc) = match text.strip_suffix(b" UTC") {
        Some(before) => (before, true),
        None => (text, false),
    };
    let (sign, hours, minutes) = match *text {
        [b'Z' | b'z'] | [b'U' | b'u', b'T' | b't', b'C' | b'c'] | [b'G', b'M', b'T'] => {
            return Some(0);
        }
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    let seconds = (hours <= 25 && minutes <= 59).then_some(hours * 3600 + minutes * 60)?;
    if utc && seconds != 0 {
        return None;
    }
    match sign {
        b'+' => Some(seconds * SECOND),
        b'-' => Some(-seconds * SECOND),
        _ => None,
    }
}

/// A decimal number, such as `1535497205`, `1535497205.25` or `1.535497205E9`, as an instant. A fraction counts in the number's
/// unit.
fn epoch_text(text: &[u8]) -> Option<i64> {
    if let Some((mantissa, exponent)) = scientific(text) {
        return epoch_text(&in_full(mantissa, exponent)?);
    }
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

/// The parts of a number like `1.535E9`.
fn scientific(text: &[u8]) -> Option<(&[u8], usize)> {
    let at = text.iter().position(|byte| matches!(byte, b'e' | b'E'))?;
    let (mantissa, exponent) = (text.get(..at)?, text.get(at + 1..)?);
    let exponent = exponent.strip_prefix(b"+").unwrap_or(exponent);
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    if !digits(exponent) || !mantissa.first().is_some_and(number) || !mantissa.iter().all(number) {
        return None;
    }
    Some((mantissa, str::from_utf8(exponent).ok()?.parse().ok()?))
}

/// A number without its exponent; none where digits before the point are lacking, so that it has been rounded.
fn in_full(mantissa: &[u8], exponent: usize) -> Option<Vec<u8>> {
    let point = mantissa.iter().position(|byte| *byte == b'.')?;
    let (whole, fraction) = (mantissa.get(..point)?, mantissa.get(point + 1..)?);
    let (up, down) = (fraction.get(..exponent)?, fraction.get(exponent..)?);
    Some([whole, up, b".", down].concat())
}

/// Whether a text is a time of any year.
fn is_any_time(text: &[u8]) -> bool {
    let is_time =
        |text: &str| text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok();
    let text = str::from_utf8(text).unwrap_or_default();
    is_time(text)
        || is_time(text.trim_end_matches(" UTC"))
        || text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}
