//! Why sensors have no readings: a second look at the objects, taken only then.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use fleetscore_crds::OnInvalidReading;

use super::key_index::{KeyValue, pushed_values};
use super::values::window_nanos;
use super::{ObjectSource, ReadRequest, ReadingsError, Result, read};

/// Keys that are kept at most, and the bytes of the longest one.
const MOST_KEYS: usize = 20_000;
const LONGEST_KEY: usize = 1000;

/// Keys that are told as examples.
const EXAMPLES: usize = 3;

/// Bytes that a second look reads at most.
const MOST_BYTES: u64 = 1 << 30;

/// What a second look found of a sensor without readings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absence {
    /// Its rows outside the window.
    pub outside: u64,
    /// The time of the one that is nearest to the window, in nanoseconds since 1970.
    pub nearest: Option<i64>,
    /// Its rows in the window; they are there, so something else is wrong with them.
    pub inside: u64,
    /// Where no row has its key: the key of some rows that looks the same but for blanks, case, quotes or zeros.
    pub near: Option<Vec<String>>,
    /// Else some of the keys that there are.
    pub others: Vec<Vec<String>>,
}

/// Looks once more at `objects` for rows of `sensors`, which are positions in the request's index: for those outside the window, and
/// for keys that are nearly theirs. Whatever cannot be read ends the look; `stop` does too.
///
/// Blocks, as [`read`] does.
pub fn look_again(
    objects: &[ObjectSource],
    request: &ReadRequest,
    sensors: &[u32],
    stop: &dyn Fn() -> bool,
) -> Vec<Absence> {
    let strangers = Arc::new(Strangers::new(MOST_KEYS, LONGEST_KEY));
    let again = ReadRequest {
        sensors: request.sensors.some(sensors, Arc::clone(&strangers)),
        window: None,
        on_invalid: OnInvalidReading::Skip,
        ..request.clone()
    }
    .times_only();
    let mut absences = vec![Absence::default(); sensors.len()];
    let window = request.window.map(window_nanos);
    let mut left = MOST_BYTES;
    for object in objects {
        let looked = read(object, &again, &mut |chunk| {
            for rows in &chunk.rows {
                if let Some(absence) = absences.get_mut(rows.sensor as usize) {
                    absence.add(&rows.times.nanos, window);
                }
            }
            left = left.saturating_sub(chunk.fetched);
            if left == 0 || stop() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if looked.is_err() || left == 0 || stop() {
            break;
        }
    }
    let known = strangers.by_looks();
    let values: Vec<&[KeyValue]> = again.sensors.values().collect();
    for (absence, values) in absences.iter_mut().zip(values) {
        if absence.outside == 0 && absence.inside == 0 {
            let values = values.iter().map(|value| value.text.as_str());
            absence.near = known.get(&looks(values)).cloned();
            absence.others = known.values().take(EXAMPLES).cloned().collect();
        }
    }
    absences
}

impl Absence {
    fn add(&mut self, times: &[i64], window: Option<(i64, i64)>) {
        let Some((start, end)) = window else {
            self.inside += times.len() as u64;
            return;
        };
        let away = |time: i64| start.saturating_sub(time).max(time.saturating_sub(end));
        for time in times {
            if *time >= start && *time < end {
                self.inside += 1;
                continue;
            }
            self.outside += 1;
            if self
                .nearest
                .is_none_or(|nearest| away(*time) < away(nearest))
            {
                self.nearest = Some(*time);
            }
        }
    }
}

/// The keys of all rows of an object, each once, in the order of the request's keys.
///
/// Blocks, as [`read`] does. Errors: the object cannot be read, or a key is no text.
pub fn keys(object: &ObjectSource, request: &ReadRequest) -> Result<BTreeSet<Vec<String>>> {
    let strangers = Arc::new(Strangers::new(usize::MAX, usize::MAX));
    let mut all = ReadRequest {
        sensors: request.sensors.some(&[], Arc::clone(&strangers)),
        window: None,
        ..request.clone()
    }
    .times_only();
    all.columns.time.clear();
    read(object, &all, &mut |_| ControlFlow::Continue(()))?;
    let keys = strangers
        .keys
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let texts = keys.iter().map(|joined| {
        let values = pushed_values(joined).map(|value| String::from_utf8(value.to_vec()));
        values.collect::<std::result::Result<Vec<_>, _>>()
    });
    let texts: std::result::Result<_, _> = texts.collect();
    texts.map_err(|error| {
        ReadingsError::unreadable(object.name(), format!("a key is not UTF-8: {error}"))
    })
}

/// The keys of rows that belong to no sensor.
#[derive(Debug)]
pub(super) struct Strangers {
    /// Each as `push_value` joins its values.
    keys: Mutex<HashSet<Box<[u8]>>>,
    /// So many at most, of so many bytes.
    most: usize,
    longest: usize,
}

impl Strangers {
    fn new(most: usize, longest: usize) -> Self {
        Self {
            keys: Mutex::default(),
            most,
            longest,
        }
    }

    /// Notes the key of a row.
    pub fn note(&self, joined: &[u8]) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() < self.most && joined.len() <= self.longest && !keys.contains(joined) {
            keys.insert(joined.into());
        }
    }

    /// A key for each way that keys look.
    fn by_looks(&self) -> BTreeMap<Vec<String>, Vec<String>> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let values = |joined: &[u8]| -> Vec<String> {
            pushed_values(joined)
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .collect()
        };
        let keys = keys.iter().map(|joined| values(joined));
        keys.map(|key| (looks(key.iter().map(String::as_str)), key))
            .collect()
    }
}

/// What a key looks like: `01`, `1.0` and ` 1` like 1, `"Pump"` like pump.
fn looks<'v>(values: impl Iterator<Item = &'v str>) -> Vec<String> {
    values.map(plain).collect()
}

fn plain(value: &str) -> String {
    let unseen = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, '"' | '\'' | '\u{feff}')
    };
    let text = value.trim_matches(unseen).to_lowercase();
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(number) if is_number && number.abs() < 1e15 => number.to_string(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{keyed, object, request};

    #[test]
    fn keys_that_look_the_same_are_told() {
        for (one, other) in [
            ("01", "1"),
            ("1.0", "1"),
            (" 1", "1"),
            ("Pump", "pump "),
            ("\"a\"", "a"),
            ("1\0", "1"),
        ] {
            assert_eq!(plain(one), plain(other), "{one:?}");
        }
        for (one, other) in [("10", "1"), ("a", "b"), ("1e0", "1"), ("", "0")] {
            assert_ne!(plain(one), plain(other), "{one:?}");
        }
    }

    fn look(text: &str, start: i64, end: i64) -> Vec<Absence> {
        let mut wanted = keyed(
            request("TS", &["Value"]),
            &[("device", "Device")],
            &[&["1"], &["2"], &["3"]],
        );
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        wanted.window = Some(fleetscore_crds::Window {
            start: at(start),
            end: at(end),
        });
        look_again(
            &[object("a.csv", text.as_bytes().to_vec())],
            &wanted,
            &[0, 2],
            &|| false,
        )
    }

    #[test]
    fn what_was_passed_over_is_counted() {
        let text =
            "TS,Device,Value\n10,1,x\n20,1,1\n90,1,1\n50,1,\n30,2,1\n40,03,1\nnever,1,1\n41,4,1\n";
        let absences = look(text, 45, 60);
        let second = 1_000_000_000;
        let expected = Absence {
            outside: 3,
            nearest: Some(20 * second),
            inside: 1,
            ..Absence::default()
        };
        assert_eq!(absences[0], expected);
        assert_eq!(absences[1].near, Some(vec!["03".to_owned()]));
        assert_eq!(absences[1].others.len(), 3);
        assert_eq!(look("TS,Devize\n1,2\n", 0, 1)[0], Absence::default());
    }
}
