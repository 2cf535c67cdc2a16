//! The names of a schedule's runs. Each follows from what makes the run, so that a tick can only ever be one run, whoever creates it.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a trigger's name. With the letter before them it is as long as a tick's.
const TRIGGER_DIGITS: usize = 9;

/// The run of a tick: the schedule's name and the tick in seconds since 1970, ten digits.
pub fn tick_run(schedule: &str, tick: Timestamp) -> String {
    format!("{schedule}-{:010}", tick.as_second())
}

/// The tick whose run has this name, if it is a tick's.
pub fn tick_of(schedule: &str, run: &str) -> Option<Timestamp> {
    let digits = run.strip_prefix(schedule)?.strip_prefix('-')?;
    let is_tick = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    Timestamp::from_second(digits.parse().ok().filter(|_| is_tick)?).ok()
}

/// What a trigger's value comes to in the name of its run: the letter `m`, which no tick has, and a digest of the value and the
/// schedule's UID.
pub fn trigger_id(uid: &str, value: &str) -> String {
    let digest = Sha256::digest(format!("{uid}\n{value}").as_bytes());
    let digits = digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16));
    std::iter::once('m')
        .chain(digits.take(TRIGGER_DIGITS))
        .collect()
}

/// The run of a trigger.
pub fn trigger_run(schedule: &str, id: &str) -> String {
    format!("{schedule}-{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_tick() {
        let tick: Timestamp = "2025-11-28T10:00:00Z".parse().unwrap();
        assert_eq!(tick_run("pumps", tick), "pumps-1764324000");
        assert_eq!(tick_of("pumps", "pumps-1764324000"), Some(tick));
        let early = Timestamp::from_second(60).unwrap();
        assert_eq!(tick_of("a-b", &tick_run("a-b", early)), Some(early));
        for other in [
            "pumps-17643240000",
            "pumps-176432400",
            "pumps-m76432400a",
            "pumps-+764324000",
            "pump-1764324000",
            "pumps",
        ] {
            assert_eq!(tick_of("pumps", other), None, "{other}");
        }
    }

    #[test]
    fn a_trigger_is_never_a_tick() {
        let names: std::collections::BTreeSet<_> = (0..1000)
            .map(|number| trigger_run("pumps", &trigger_id("uid", &number.to_string())))
            .collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| tick_of("pumps", name).is_none()));
        // As sha256sum prints it: a name must be the same in every release.
        assert_eq!(trigger_id("uid", "now"), "m1694c1a7f");
        assert_ne!(trigger_id("uid", "now"), trigger_id("other", "now"));
    }

    #[test]
    fn names_of_the_longest_schedule_are_names_of_runs() {
        let name = "s".repeat(39);
        assert_eq!(tick_run(&name, Timestamp::UNIX_EPOCH).len(), 50);
        assert_eq!(trigger_run(&name, &trigger_id("", "")).len(), 50);
    }
}
