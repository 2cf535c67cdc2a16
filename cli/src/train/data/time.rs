use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A time as RFC 3339, as a date and time in `zone`, or as a number since 1970 whose unit its size tells.
pub(super) fn parse_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let time: DateTime = text.parse().ok()?;
    zone.to_timestamp(time).ok()
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970: each is a thousand times the one before, and from 1971 to
/// the year 5000 their ranges do not touch.
pub(super) fn from_number(number: i64) -> Option<Timestamp> {
    match number.unsigned_abs() {
        0..100_000_000_000 => Timestamp::from_second(number).ok(),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(number).ok(),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(number).ok(),
        _ => Timestamp::from_nanosecond(i128::from(number)).ok(),
    }
}

/// Whether a label says anomaly.
pub(super) fn parse_label(text: &str) -> Option<bool> {
    match text {
        "0" | "0.0" | "false" | "False" | "FALSE" => Some(false),
        "1" | "1.0" | "true" | "True" | "TRUE" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_the_same_instant() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let instant: Timestamp = "2018-08-28T23:00:05Z".parse().unwrap();
        for text in [
            "2018-08-28T23:00:05Z",
            "2018-08-29T01:00:05+02:00",
            "2018-08-29 01:00:05.000",
            "1535497205",
            "1535497205000",
            "1535497205000000",
            "1535497205000000000",
        ] {
            assert_eq!(parse_time(text, &berlin), Some(instant), "{text}");
        }
        assert_eq!(parse_time("yesterday", &berlin), None);
    }
}
