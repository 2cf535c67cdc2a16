use std::collections::BTreeMap;

use fleetscore_crds::Window;
use jiff::Timestamp;

use fleetscore_readings::{Absence, InvalidReading, ReadStats};

/// What the reads of a group left out, for the sensors that are without readings then.
#[derive(Debug, Default)]
pub struct LeftOut {
    malformed: u64,
    first_malformed: Option<String>,
    /// The first reading of each sensor that was left out, by the sensor's position in the group.
    invalid: BTreeMap<u32, InvalidReading>,
}

impl LeftOut {
    /// Adds what the read of an object left out.
    pub fn add(&mut self, object: &str, stats: &ReadStats) {
        self.malformed += stats.malformed;
        if let (Some(first), None) = (stats.first_malformed, &self.first_malformed) {
            self.first_malformed = Some(format!(
                "{object}, line {}: {} fields, but the header has {}",
                first.line, first.found, first.expected
            ));
        }
        for (sensor, error) in &stats.first_skipped {
            let first = self.invalid.entry(*sensor);
            first.or_insert_with(|| error.clone());
        }
    }

    /// Why a sensor has no readings: what there was of it instead. `skipped` readings of it were left out; `names` are those of the
    /// keys that rows are matched by.
    pub fn reasons(
        &self,
        sensor: u32,
        skipped: u64,
        absence: &Absence,
        names: &[String],
    ) -> Vec<String> {
        let mut reasons = Vec::new();
        if absence.outside > 0 {
            let nearest = absence.nearest.map_or_else(String::new, |nanos| {
                Timestamp::from_nanosecond(i128::from(nanos))
                    .map_or_else(|_| String::new(), |at| format!(", the nearest at {at}"))
            });
            let count = absence.outside;
            reasons.push(format!(
                "{count} of its readings are outside the window{nearest}"
            ));
        }
        if skipped > 0 {
            let first = self.invalid.get(&sensor);
            let first = first.map_or_else(String::new, |first| format!(", the first is {first}"));
            reasons.push(format!(
                "{skipped} were left out because they cannot be scored{first}"
            ));
        }
        if self.malformed > 0 {
            let first = self.first_malformed.as_deref().unwrap_or_default();
            let count = self.malformed;
            reasons.push(format!(
                "{count} lines were left out for their number of fields, the first is {first}"
            ));
        }
        if absence.outside + absence.inside + skipped == 0 && !names.is_empty() {
            reasons.extend(keys(absence, names));
        }
        reasons
    }
}

/// What is said of the keys where no row has the sensor's.
fn keys(absence: &Absence, names: &[String]) -> Option<String> {
    let shown = |key: &Vec<String>| {
        let pairs = names
            .iter()
            .zip(key)
            .map(|(name, value)| format!("{name}={value:?}"));
        pairs.collect::<Vec<_>>().join(" ")
    };
    if let Some(near) = &absence.near {
        return Some(format!(
            "no row has its key, but rows have {}: keys are compared as text, so blanks, case and zeros count",
            shown(near)
        ));
    }
    if absence.others.is_empty() {
        return None;
    }
    let others: Vec<String> = absence.others.iter().map(shown).collect();
    Some(format!(
        "no row has its key; rows have, for example, {}",
        others.join("; ")
    ))
}

/// The message of a sensor without readings.
pub fn message(location: &str, window: Option<&Window>, reasons: &[String]) -> String {
    let place = match window {
        Some(window) => format!("in {location} from {} to {}", window.start, window.end),
        None => format!("in {location}"),
    };
    let reasons = match reasons {
        [] => String::new(),
        reasons => format!(": {}", reasons.join("; ")),
    };
    format!(
        "the sensor has no readings {place}{reasons}. Check spec.window and spec.input.columns, or set \
         spec.input.onNoReadings: Succeed where silence is normal"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetscore_readings::Malformed;

    #[test]
    fn what_was_left_out_is_told() {
        let mut left_out = LeftOut::default();
        let mut stats = ReadStats {
            malformed: 10,
            first_malformed: Some(Malformed {
                line: 2,
                found: 5,
                expected: 4,
            }),
            ..ReadStats::default()
        };
        let invalid = InvalidReading {
            object: "a.csv".to_owned(),
            row: 3,
            column: "Value".to_owned(),
            value: Some("x".to_owned()),
            expected: "a finite number",
        };
        stats.first_skipped.insert(7, invalid);
        left_out.add("a.csv", &stats);
        let names = ["device".to_owned(), "tag".to_owned()];
        let key = |device: &str| vec![device.to_owned(), "1".to_owned()];
        let absence = Absence {
            outside: 2,
            nearest: Some(0),
            ..Absence::default()
        };
        let reasons = left_out.reasons(7, 3, &absence, &names);
        assert_eq!(
            reasons,
            [
                "2 of its readings are outside the window, the nearest at 1970-01-01T00:00:00Z",
                "3 were left out because they cannot be scored, the first is a.csv, row 3, column \"Value\": \"x\" is not a finite number",
                "10 lines were left out for their number of fields, the first is a.csv, line 2: 5 fields, but the header has 4",
            ]
        );
        let near = Absence {
            near: Some(key("01")),
            others: vec![key("7")],
            ..Absence::default()
        };
        let none = LeftOut::default();
        let reasons = none.reasons(0, 0, &near, &names);
        assert!(
            reasons[0].contains("rows have device=\"01\" tag=\"1\": keys are compared as text"),
            "{reasons:?}"
        );
        let others = Absence {
            others: vec![key("7"), key("8")],
            ..Absence::default()
        };
        let reasons = none.reasons(0, 0, &others, &names);
        assert!(
            reasons[0].contains("for example, device=\"7\" tag=\"1\"; device=\"8\" tag=\"1\""),
            "{reasons:?}"
        );
        assert!(none.reasons(0, 0, &Absence::default(), &names).is_empty());
        // Of a sensor that has rows, or has no keys, nothing is said of keys.
        for (outside, inside, skipped, told) in [(1, 0, 0, 1), (0, 1, 0, 0), (0, 0, 1, 1)] {
            let some = Absence {
                outside,
                inside,
                ..others.clone()
            };
            let told_of_it = none.reasons(0, skipped, &some, &names);
            assert_eq!(told_of_it.len(), told, "{told_of_it:?}");
            assert!(!told_of_it.iter().any(|reason| reason.contains("key")));
        }
        assert!(none.reasons(0, 0, &others, &[]).is_empty());
        assert!(
            message("az://a/", None, &reasons)
                .starts_with("the sensor has no readings in az://a/: no row has its key; ")
        );
    }
}
