use std::io::Write;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::simulate::TimeFormat;

const DAY: i64 = 86_400_000;

/// Writes times as text. The date is worked out once a day, the rest by division.
#[derive(Debug)]
pub(in crate::simulate) struct Clock {
    format: TimeFormat,
    day: i64,
    date: String,
}

impl Clock {
    /// A clock that writes in `format`.
    pub(in crate::simulate) fn new(format: TimeFormat) -> Self {
        Self {
            format,
            day: i64::MIN,
            date: String::new(),
        }
    }

    /// Writes `time`, milliseconds since 1970.
    pub(in crate::simulate) fn write(
        &mut self,
        time: i64,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        match self.format {
            TimeFormat::EpochSeconds => return write!(out, "{}", time.div_euclid(1000)),
            TimeFormat::EpochMillis => return write!(out, "{time}"),
            TimeFormat::Rfc3339 | TimeFormat::Plain => {}
        }
        self.turn_to(time.div_euclid(DAY));
        let of_day = time.rem_euclid(DAY);
        let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
        let date = &self.date;
        if self.format == TimeFormat::Rfc3339 {
            write!(out, "{date}T{hour:02}:{minute:02}:{second:02}Z")
        } else {
            write!(
                out,
                "{date} {hour:02}:{minute:02}:{second:02}.{:03}",
                of_day % 1000
            )
        }
    }

    fn turn_to(&mut self, day: i64) {
        if day != self.day {
            self.day = day;
            // The plant's times were checked; the fallback is never seen.
            let start = Timestamp::from_millisecond(day * DAY).unwrap_or_default();
            self.date = Offset::UTC.to_datetime(start).date().to_string();
        }
    }
}
