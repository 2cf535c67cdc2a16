//! Numbers and times in few words.

use fleetscore_cluster::Scope;
use fleetscore_crds::Phase;
use jiff::Timestamp;

use super::screen::{Cell, Tone};

/// What there is nothing to say about.
pub const NONE: &str = "-";

/// A duration in its two largest units: `4m10s`, `3h02m`, `12d`.
pub fn duration(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    if seconds < 60 {
        format!("{seconds}s")
    } else if seconds < 3600 {
        format!("{minutes}m{rest:02}s")
    } else if hours < 48 {
        format!("{hours}h{minutes:02}m")
    } else {
        format!("{days}d{:02}h", hours % 24)
    }
}

/// How long ago `time` was: `3m50s`.
pub fn age(time: Timestamp, now: Timestamp) -> String {
    duration(u64::try_from(now.duration_since(time).as_secs()).unwrap_or(0))
}

/// When `time` will be, or how long it is overdue.
pub fn until(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.duration_since(now).as_secs();
    match u64::try_from(seconds) {
        Ok(seconds) => format!("in {}", duration(seconds)),
        Err(_) => format!("{} overdue", duration(seconds.unsigned_abs())),
    }
}

/// A time to the second, in UTC.
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A share in percent: `1.2%`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent != 0.0 && percent.abs() < 0.1 {
        return format!("{percent:.2}%");
    }
    format!("{percent:.1}%")
}

/// A number with its noun: `1 sensor`, `2 sensors`.
pub fn counted(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Where is looked: `in namespace plant-a`.
pub fn place(scope: &Scope) -> String {
    scope.namespace().map_or_else(
        || "in any namespace".to_owned(),
        |name| format!("in namespace {name}"),
    )
}

/// The text, or a dash where there is none.
pub fn or_dash(text: Option<impl Into<String>>) -> String {
    text.map_or_else(|| NONE.to_owned(), Into::into)
}

/// A phase in its tone.
pub fn phase(phase: Option<Phase>) -> Cell {
    let tone = match phase {
        Some(Phase::Succeeded) => Tone::Good,
        Some(Phase::PartiallySucceeded | Phase::WaitingForNodes) => Tone::Warn,
        None | Some(Phase::Failed) => Tone::Bad,
        Some(_) => Tone::Plain,
    };
    let word = phase.map_or_else(|| "Unreadable".to_owned(), |phase| format!("{phase:?}"));
    Cell::new(word, tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m00s"),
            (250, "4m10s"),
            (3599, "59m59s"),
            (3720, "1h02m"),
            (172_799, "47h59m"),
            (172_800, "2d00h"),
            (u64::MAX, "213503982334601d07h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn small_shares_are_not_nothing() {
        for (share, text) in [
            (0.0, "0.0%"),
            (0.0004, "0.04%"),
            (0.0123, "1.2%"),
            (1.0, "100.0%"),
        ] {
            assert_eq!(percent(share), text);
        }
    }
}
